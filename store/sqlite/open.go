package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/internal/migrate"
)

// Option changes how [Open] opens a database.
type Option func(*config)

type config struct {
	sync        Sync
	migrate     bool
	unmigrated  bool
	lockTimeout time.Duration
}

// Sync is how far a commit gets before it is acknowledged.
type Sync string

const (
	// Full is the default: what was acknowledged survives a crash of the process, of the system and a power cut.
	Full Sync = "FULL"
	// Normal survives a crash of the process. A crash of the system or a power cut may undo the last commits, though not
	// damage the database. Single operations are faster; under load, where commits are shared, it makes little
	// difference.
	Normal Sync = "NORMAL"
)

// Synchronous sets how far a commit gets before it is acknowledged. Default [Full].
func Synchronous(s Sync) Option { return func(c *config) { c.sync = s } }

// NoMigrate has Open neither create nor upgrade anything: a database that is missing or older than this program is an
// error. Without it Open does both, under a lock, so that any number of processes may open a database at once.
func NoMigrate() Option { return func(c *config) { c.migrate = false } }

// Unmigrated has Open leave the schema alone, whatever it is, and only the methods of [errand.Migrator] be used of the
// store. The file must exist.
func Unmigrated() Option { return func(c *config) { c.migrate, c.unmigrated = false, true } }

// LockTimeout is how long an operation waits while another process keeps the database locked, before it fails with
// [errand.ErrUnavailable]. Default 10 seconds.
func LockTimeout(d time.Duration) Option { return func(c *config) { c.lockTimeout = d } }

// Open opens the database file at path, which is made if need be, readable by its owner only. The directory must exist.
// Beside the file SQLite keeps two more, with -wal and -shm after its name, while it is open: the three belong together.
func Open(ctx context.Context, path string, opts ...Option) (*Store, error) {
	cfg := config{sync: Full, migrate: true, lockTimeout: 10 * time.Second}
	for _, opt := range opts {
		opt(&cfg)
	}
	switch {
	case cfg.sync != Full && cfg.sync != Normal:
		return nil, fmt.Errorf("open sqlite: %w: Synchronous(%q): use Full or Normal", errand.ErrInvalid, cfg.sync)
	case cfg.lockTimeout < 0:
		return nil, fmt.Errorf("open sqlite: %w: LockTimeout(%v): use 0 or more", errand.ErrInvalid, cfg.lockTimeout)
	case path == "", path == ":memory:":
		return nil, fmt.Errorf("open sqlite: %w: path %q: name a file, or use package memory", errand.ErrInvalid, path)
	}
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open sqlite: %w", err)
	}
	s := &Store{path: full, sync: cfg.sync, lockTimeout: cfg.lockTimeout}
	if err := s.open(ctx, &cfg); err != nil {
		return nil, fmt.Errorf("open sqlite: %w", s.translate(err))
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, cfg *config) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.prepareFile(cfg.migrate); err != nil {
		return err
	}
	path, err := filepath.EvalSymlinks(s.path) // the log is beside the file itself
	if err != nil {
		return fmt.Errorf("%w: %w", errand.ErrUnavailable, err)
	}
	s.path = path
	c, err := openConn(s.path, "rw")
	if err != nil {
		return err
	}
	err = setUp(c, cfg)
	if err == nil && !cfg.unmigrated {
		var schema *migrate.Schema
		if schema, err = schemaOn(c, s.path); err == nil {
			err = schema.Open(ctx, cfg.migrate)
		}
	}
	if err == nil {
		err = s.ownSource(c)
	}
	if err == nil {
		err = c.script("PRAGMA busy_timeout = 0") // from here on waiting is the writer's
	}
	if err != nil {
		return errors.Join(err, c.close())
	}
	s.start(c)
	return nil
}

// ownSource asks which SQLite this is.
func (s *Store) ownSource(c *conn) error {
	return c.in(context.Background()).Query("SELECT sqlite_source_id()", func(row sqlRow) error {
		s.source = row.Text(0)
		return nil
	})
}

// making is held while a database file is made. Closing a file drops the locks that this process has on it, those of
// another Open included.
var making sync.Mutex

// prepareFile makes the file where it does not exist, and explains what is wrong with the path.
func (s *Store) prepareFile(mayMake bool) error {
	making.Lock()
	defer making.Unlock()
	info, err := os.Stat(s.path)
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("%w: %s is a directory: name a file", errand.ErrUnavailable, s.path)
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %w", errand.ErrUnavailable, err)
	case !mayMake:
		return fmt.Errorf("%w: %s does not exist, and NoMigrate forbids to make it: run\n\terrand migrate up --store 'sqlite:%s'",
			errand.ErrUnavailable, s.path, s.path)
	}
	if _, err := os.Stat(filepath.Dir(s.path)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: directory %s does not exist: make it first", errand.ErrUnavailable, filepath.Dir(s.path))
	}
	f, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist): // another process was faster
		return nil
	case err != nil:
		return fmt.Errorf("%w: %w: check the permissions of the directory", errand.ErrUnavailable, err)
	}
	return f.Close()
}

// setUp sets what SQLite does not keep in the file, and the journal mode, which it does.
//
// Measured on 100,000 jobs: a checkpoint each 4,000 pages in place of 1,000 makes enqueue and drain 5 % faster and lets
// the log grow to 16 MiB; larger caches and memory mapping make no difference beyond noise. For larger pages see decision 024.
func setUp(c *conn, cfg *config) error {
	err := c.script(fmt.Sprintf("PRAGMA busy_timeout = %d; PRAGMA synchronous = %s; PRAGMA wal_autocheckpoint = 4000; "+
		"PRAGMA journal_size_limit = 67108864; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000; "+
		"PRAGMA trusted_schema = OFF", cfg.lockTimeout.Milliseconds(), cfg.sync))
	if err != nil {
		return err
	}
	mode := ""
	deadline := time.Now().Add(cfg.lockTimeout)
	for {
		// SQLite does not wait for this lock by itself.
		err := c.in(context.Background()).Query("PRAGMA journal_mode = WAL", func(row sqlRow) error {
			mode = row.Text(0)
			return nil
		})
		if err == nil || !locked(err) || time.Now().After(deadline) {
			if err == nil && mode != "wal" {
				err = fmt.Errorf("%w: the journal mode is %q: the file system cannot keep a write-ahead log", errand.ErrUnavailable, mode)
			}
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// readers is how many connections read at most.
func readers() int { return max(2, min(8, runtime.GOMAXPROCS(0))) }
