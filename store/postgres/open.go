package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/internal/sqlserver"
)

// Option changes how [Open] opens a database.
type Option func(*config)

type config struct {
	schema  string
	migrate bool
	leave   bool // the schema, whatever it is
	logger  *slog.Logger
	wait    time.Duration
}

// Schema names the schema of the tables. Default "errand". Stores of different schemas have nothing to do with each other.
func Schema(name string) Option { return func(c *config) { c.schema = name } }

// NoMigrate has Open neither create nor upgrade anything: a schema that is missing or older than this program is an
// error. Without it Open does both, under a lock, so that any number of processes may open a database at once.
func NoMigrate() Option { return func(c *config) { c.migrate = false } }

// Unmigrated has Open leave the schema alone, whatever it is, and only the methods of [errand.Migrator] be used of the
// store.
func Unmigrated() Option { return func(c *config) { c.migrate, c.leave = false, true } }

// Wait has Open wait that long for a server that is not there yet, or still starting; without it that is an error at once.
// In a URL it is wait=30s.
func Wait(d time.Duration) Option { return func(c *config) { c.wait = d } }

// Logger gets the warnings. Default [slog.Default].
func Logger(l *slog.Logger) Option { return func(c *config) { c.logger = l } }

// minConns is how many connections the pool may open at least, unless the URL says pool_max_conns: one for each kind of
// operation, some that read, and one that wakes up others.
const minConns = 8

// planning are settings of the planner that are off in our sessions. A queue's table is empty at one moment and full at the
// next, so that the statistics are always wrong, and a plan that reads the whole table is taken for a cheap one. Poolers
// refuse such settings; who comes through one says so by default_query_exec_mode.
var planning = []string{"enable_seqscan", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin", "jit"}

// abandoned is after how long the server ends a transaction in which it hears nothing: that of a process that was frozen,
// or cut off, and whose locks would keep others from maintenance until it comes back.
const abandoned = 5 * time.Second

// Open opens a database by its URL (or a connection string of keywords and values), which may have all settings of pgx's
// pool, as in postgres://user:password@host/database?pool_max_conns=20. The server must be there, unless [Wait] says
// otherwise.
func Open(ctx context.Context, rawURL string, opts ...Option) (*Store, error) {
	cfg := config{schema: "errand", migrate: true, logger: slog.Default()}
	for _, opt := range opts {
		opt(&cfg)
	}
	if cfg.schema == "" || len(cfg.schema) > 50 || strings.ContainsRune(cfg.schema, 0) {
		return nil, fmt.Errorf("open postgres: %w: Schema(%q): use a name of 1 to 50 bytes", errand.ErrInvalid, cfg.schema)
	}
	rawURL, err := cfg.takeWait(rawURL)
	if err != nil {
		return nil, fmt.Errorf("open postgres: %w: %w", errand.ErrInvalid, err)
	}
	pc, err := pgxpool.ParseConfig(rawURL)
	if err != nil {
		// The error of pgx may show the password of a URL that cannot be read.
		return nil, fmt.Errorf("open postgres: %w: the URL cannot be read: use postgres://user:password@host:port/database", errand.ErrInvalid)
	}
	if !strings.Contains(rawURL, "pool_max_conns") {
		pc.MaxConns = max(pc.MaxConns, minConns)
	}
	if pc.ConnConfig.RuntimeParams["application_name"] == "" {
		pc.ConnConfig.RuntimeParams["application_name"] = "errand"
	}
	if mode := pc.ConnConfig.DefaultQueryExecMode; mode != pgx.QueryExecModeExec && mode != pgx.QueryExecModeSimpleProtocol {
		for _, setting := range planning {
			pc.ConnConfig.RuntimeParams[setting] = "off"
		}
		pc.ConnConfig.RuntimeParams["idle_in_transaction_session_timeout"] = strconv.Itoa(int(abandoned.Milliseconds()))
		// For statements outside transactions, which only read: they need not fail, nor have others fail, for the sake of an
		// order that nobody asks of them.
		pc.ConnConfig.RuntimeParams["default_transaction_isolation"] = "read committed"
	}
	b := &backend{
		dialect: newDialect(cfg.schema), password: pc.ConnConfig.Password, channel: "errand_" + cfg.schema, sender: newSender(),
		name: fmt.Sprintf("PostgreSQL database %q on %s:%d", pc.ConnConfig.Database, pc.ConnConfig.Host, pc.ConnConfig.Port),
	}
	b.teller.send = b.send
	err = sqlserver.Await(ctx, cfg.wait, absent, func(ctx context.Context) error { return b.open(ctx, pc.Copy(), &cfg) })
	if err != nil {
		return nil, fmt.Errorf("open postgres: %w", b.Translate(err))
	}
	s := &Store{Store: sqlserver.New(b, b.dialect), backend: b}
	s.listen.config, s.listen.channel, s.listen.sender, s.listen.hub = pc.ConnConfig.Copy(), b.channel, b.sender, &s.Hub
	return s, nil
}

// takeWait reads our own setting of a URL, and takes it out.
func (c *config) takeWait(rawURL string) (string, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme == "" || !u.Query().Has("wait") {
		return rawURL, nil //nolint:nilerr // the driver says what is wrong with it
	}
	settings := u.Query()
	if c.wait, err = sqlserver.WaitParameter(settings); err != nil {
		return "", err
	}
	u.RawQuery = settings.Encode()
	return u.String(), nil
}

// absent reports whether an error says that the server is not there yet.
func absent(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.Code == "57P03" || !ok && sqlserver.Unreachable(err)
}

func (s *backend) open(ctx context.Context, pc *pgxpool.Config, cfg *config) (err error) {
	if s.pool, err = pgxpool.NewWithConfig(ctx, pc); err != nil {
		return err
	}
	if s.schema, err = s.schemaOf(pc, cfg.schema); err == nil && !cfg.leave {
		err = s.schema.Open(ctx, cfg.migrate)
	}
	if err == nil {
		err = s.warn(ctx, cfg.logger)
	}
	if err != nil {
		s.pool.Close()
	}
	return err
}

// warn tells of settings with which what was acknowledged may be lost.
func (s *backend) warn(ctx context.Context, logger *slog.Logger) error {
	for setting, loss := range map[string]string{
		"fsync":              "a power cut may lose everything",
		"synchronous_commit": "a crash of the server may lose the last moments",
	} {
		value, err := one[string](ctx, s.pool, "SELECT current_setting($1)", setting)
		if err != nil {
			return err
		}
		if value == "off" {
			logger.Warn("PostgreSQL is not durable: "+loss, "setting", setting, "value", value, "server", s.name)
		}
	}
	return nil
}
