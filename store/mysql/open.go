package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	gosql "github.com/go-sql-driver/mysql"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/internal/sqlserver"
)

// Option changes how [Open] opens a database.
type Option func(*config)

type config struct {
	migrate bool
	leave   bool // the schema, whatever it is
	logger  *slog.Logger
	wait    time.Duration
}

// NoMigrate has Open neither create nor upgrade anything: tables that are missing or older than this program are an
// error. Without it Open does both, under a lock, so that any number of processes may open a database at once.
func NoMigrate() Option { return func(c *config) { c.migrate = false } }

// Unmigrated has Open leave the schema alone, whatever it is, and only the methods of [errand.Migrator] be used of the
// store.
func Unmigrated() Option { return func(c *config) { c.migrate, c.leave = false, true } }

// Wait has Open wait that long for a server that is not there yet; without it that is an error at once. In a URL it is
// wait=30s.
func Wait(d time.Duration) Option { return func(c *config) { c.wait = d } }

// Logger gets the warnings. Default [slog.Default].
func Logger(l *slog.Logger) Option { return func(c *config) { c.logger = l } }

const (
	maxConns     = 10 // one for each kind of operation, and some that read
	dialTimeout  = 10 * time.Second
	lockWait     = 5               // seconds that a statement waits for a row before its transaction is done again
	idleLifetime = 5 * time.Second // less than abandoned

	// abandoned is after how many seconds the server ends a session in which it hears nothing, and its transaction: that of
	// a process that was frozen, or cut off, and whose locks would keep others from maintenance until it comes back.
	abandoned = 10
)

// Open opens a database by its URL, as in mysql://user:password@host:3306/database. What follows a question mark are
// settings of the Go MySQL driver, as in ?tls=true; socket=/path connects by a file in place of host and port. The server
// must be there, unless [Wait] says otherwise.
func Open(ctx context.Context, rawURL string, opts ...Option) (*Store, error) {
	cfg := config{migrate: true, logger: slog.Default()}
	for _, opt := range opts {
		opt(&cfg)
	}
	dsn, patience, err := parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("open mysql: %w: %w", errand.ErrInvalid, err)
	}
	b := &backend{name: fmt.Sprintf("database %q on %s", dsn.DBName, dsn.Addr), password: dsn.Passwd, turn: make(chan struct{}, 1)}
	err = sqlserver.Await(ctx, max(cfg.wait, patience), absent, func(ctx context.Context) error { return b.open(ctx, dsn, &cfg) })
	if err != nil {
		return nil, fmt.Errorf("open mysql: %w", b.Translate(err))
	}
	s := &Store{Store: sqlserver.New(b, dialect), backend: b}
	b.watcher.look, b.watcher.notify = b.look, s.Hub.NotifyAll
	return s, nil
}

// parse reads a URL. Its errors show nothing of it but what is wrong.
func parse(rawURL string) (cfg *gosql.Config, patience time.Duration, err error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != "mysql" || u.Opaque != "" {
		return nil, 0, errors.New("the URL cannot be read: use mysql://user:password@host:3306/database")
	}
	name := strings.TrimPrefix(u.Path, "/")
	if name == "" {
		return nil, 0, errors.New("the URL names no database: use mysql://user:password@host:3306/database")
	}
	settings := u.Query()
	socket := settings.Get("socket")
	settings.Del("socket")
	if patience, err = sqlserver.WaitParameter(settings); err != nil {
		return nil, 0, err
	}
	cfg, err = gosql.ParseDSN("/?" + settings.Encode())
	if err != nil {
		return nil, 0, fmt.Errorf("the settings in the URL: %w", err)
	}
	cfg.User = u.User.Username()
	cfg.Passwd, _ = u.User.Password()
	cfg.DBName, cfg.Net, cfg.Addr = name, "tcp", u.Host
	switch {
	case socket != "":
		cfg.Net, cfg.Addr = "unix", socket
	case u.Hostname() == "":
		cfg.Addr = "127.0.0.1:3306"
	case u.Port() == "":
		cfg.Addr = u.Hostname() + ":3306"
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = dialTimeout
	}
	cfg.InterpolateParams = true // a round trip in place of three; the server's escaping is known to the driver
	cfg.ClientFoundRows = true   // an UPDATE counts the rows that it found, also where they were so already
	cfg.MultiStatements = true   // statements that need not wait for each other's outcome go together
	cfg.ParseTime = false
	cfg.Logger = &gosql.NopLogger{} // its errors are returned too
	return cfg, patience, nil
}

func (s *backend) open(ctx context.Context, dsn *gosql.Config, cfg *config) error {
	inner, err := gosql.NewConnector(dsn)
	if err != nil {
		return err
	}
	s.db = sql.OpenDB(connector{inner})
	s.db.SetMaxOpenConns(maxConns)
	s.db.SetMaxIdleConns(maxConns)
	s.db.SetConnMaxIdleTime(idleLifetime)
	if s.schema, err = s.schemaOf(dsn); err == nil {
		err = s.prepare(ctx, cfg)
	}
	if err != nil {
		return errors.Join(err, s.db.Close())
	}
	return nil
}

// prepare brings the tables up to date, and warns of settings with which what was acknowledged may be lost.
func (s *backend) prepare(ctx context.Context, cfg *config) error {
	if !cfg.leave {
		if err := s.schema.Open(ctx, cfg.migrate); err != nil {
			return err
		}
	}
	var flush int
	if err := s.db.QueryRowContext(ctx, "SELECT @@innodb_flush_log_at_trx_commit").Scan(&flush); err != nil {
		return err
	}
	if flush != 1 {
		cfg.logger.Warn("the database is not durable: a power cut may lose the last moments",
			"setting", "innodb_flush_log_at_trx_commit", "value", flush, "server", s.name)
	}
	return nil
}
