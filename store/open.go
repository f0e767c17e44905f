// Package store opens a store by its URL, so that a setting can say where jobs are kept:
//
//	memory:                               in this process; its jobs die with it
//	sqlite:PATH                           an embedded database file
//	sqlite:PATH?synchronous=normal        the same, which may lose the last moments to a power cut
//	postgres://USER:PW@HOST/DB            a PostgreSQL database; ?schema=NAME has the tables in that schema
//	mysql://USER:PW@HOST:3306/DB          a MySQL or MariaDB database
//	redis://HOST:PORT/DB                  a Redis server; with TLS: rediss://; several hosts: a cluster
//	redis-sentinel://HOST,HOST/NAME       the Redis server that Sentinels know by that name; see store/redis
//
// A PostgreSQL, MySQL or MariaDB server that is not there yet is waited for with wait=30s behind the question mark.
//
// What else may follow the question mark of a SQL database's URL are settings of the drivers, pgx and Go-MySQL-Driver.
//
// A program that knows its store can open it by its own package, and then is not linked with the others.
package store

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/memory"
	"github.com/errandhq/errand/store/mysql"
	"github.com/errandhq/errand/store/postgres"
	"github.com/errandhq/errand/store/redis"
	"github.com/errandhq/errand/store/sqlite"
)

// schemes are the kinds of store that Open knows.
var schemes = []string{"memory", "sqlite", "postgres", "mysql", "redis", "rediss", "redis-sentinel"}

// Open opens the store that a URL names; see the package's documentation. A password in the URL is masked in every error.
func Open(ctx context.Context, rawURL string) (errand.Store, error) { return open(ctx, rawURL, false) }

// OpenUnmigrated opens a store and leaves its schema alone, whatever it is: where the store has one, so that it is an
// [errand.Migrator], only the methods of that may be used.
func OpenUnmigrated(ctx context.Context, rawURL string) (errand.Store, error) {
	return open(ctx, rawURL, true)
}

func open(ctx context.Context, rawURL string, unmigrated bool) (errand.Store, error) {
	scheme, rest, ok := strings.Cut(rawURL, ":")
	if !ok {
		return nil, fmt.Errorf("%w: store URL %q has no scheme: use one of %s, as in sqlite:jobs.db",
			errand.ErrInvalid, Mask(rawURL), known())
	}
	switch scheme {
	case "memory":
		if rest != "" {
			return nil, fmt.Errorf("%w: store URL %q: memory: takes nothing behind it", errand.ErrInvalid, Mask(rawURL))
		}
		return memory.New(), nil
	case "sqlite":
		return openSQLite(ctx, rawURL, rest, unmigrated)
	case "postgres", "postgresql":
		return openPostgres(ctx, rawURL, unmigrated)
	case "mysql":
		var opts []mysql.Option
		if unmigrated {
			opts = append(opts, mysql.Unmigrated())
		}
		return orNil(mysql.Open(ctx, rawURL, opts...))
	case "redis", "rediss", "redis-sentinel":
		return orNil(redis.Open(ctx, rawURL))
	}
	return nil, fmt.Errorf("%w: store URL %q: scheme %q is not known: use one of %s",
		errand.ErrInvalid, Mask(rawURL), scheme, known())
}

func known() string { return strings.Join(schemes, ":, ") + ":" }

func openSQLite(ctx context.Context, rawURL, rest string, unmigrated bool) (errand.Store, error) {
	path, query, _ := strings.Cut(rest, "?")
	settings, err := url.ParseQuery(query)
	if err != nil {
		return nil, fmt.Errorf("%w: store URL %q: what follows the question mark cannot be read", errand.ErrInvalid, Mask(rawURL))
	}
	if path == "" {
		return nil, fmt.Errorf("%w: store URL %q names no file: use sqlite:PATH", errand.ErrInvalid, Mask(rawURL))
	}
	var opts []sqlite.Option
	if unmigrated {
		opts = append(opts, sqlite.Unmigrated())
	}
	for name, values := range settings {
		value := strings.ToLower(values[len(values)-1])
		modes := []string{"full", "normal"}
		if name != "synchronous" || !slices.Contains(modes, value) {
			return nil, fmt.Errorf("%w: store URL %q: setting %s=%s is not known: sqlite: takes synchronous=full or normal",
				errand.ErrInvalid, Mask(rawURL), name, value)
		}
		if value == "normal" {
			opts = append(opts, sqlite.Synchronous(sqlite.Normal))
		}
	}
	return orNil(sqlite.Open(ctx, path, opts...))
}

// orNil is a store, or none: a nil *sqlite.Store is not a nil Store.
func orNil[S errand.Store](st S, err error) (errand.Store, error) {
	if err != nil {
		return nil, err
	}
	return st, nil
}

// openPostgres takes our own setting out of the URL and leaves the others to the driver.
func openPostgres(ctx context.Context, rawURL string, unmigrated bool) (errand.Store, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("%w: store URL %q cannot be read: use postgres://USER:PW@HOST/DB", errand.ErrInvalid, Mask(rawURL))
	}
	var opts []postgres.Option
	if unmigrated {
		opts = append(opts, postgres.Unmigrated())
	}
	settings := u.Query()
	if settings.Has("schema") {
		opts = append(opts, postgres.Schema(settings.Get("schema")))
		settings.Del("schema")
		u.RawQuery = settings.Encode()
	}
	return orNil(postgres.Open(ctx, u.String(), opts...))
}

// Mask returns a store URL with its passwords replaced, also those among the settings, for errors and logs. What cannot be
// read as a URL but has an @ is masked up to the last one: that is also the form of the drivers, USER:PW@tcp(HOST)/DB.
func Mask(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err == nil && (u.User != nil || strings.Contains(strings.ToLower(u.RawQuery), "password")) {
		return maskSettings(u)
	}
	at := strings.LastIndex(rawURL, "@")
	if at < 0 || err == nil && u.Opaque == "" && !strings.Contains(rawURL[:at], ":") {
		return rawURL
	}
	scheme, _, ok := strings.Cut(rawURL, "://")
	if !ok {
		if err == nil && slices.Contains([]string{"sqlite", "memory"}, u.Scheme) {
			return rawURL // a file may have such a name
		}
		return "xxxxx" + rawURL[at:]
	}
	return scheme + "://xxxxx" + rawURL[at:]
}

// maskSettings is Mask for what is a URL.
func maskSettings(u *url.URL) string {
	settings := u.Query()
	for name := range settings {
		if strings.Contains(strings.ToLower(name), "password") {
			settings.Set(name, "xxxxx")
			u.RawQuery = settings.Encode()
		}
	}
	return u.Redacted()
}
