// Package store opens a store by its URL, so that a setting can say where jobs are kept:
//
//	memory:                               in this process; its jobs die with it
//	sqlite:PATH                           an embedded database file
//	sqlite:PATH?synchronous=normal        the same, which may lose the last moments to a power cut
//	redis://HOST:PORT/DB                  a Redis server; with TLS: rediss://; several hosts: a cluster
//	redis-sentinel://HOST,HOST/NAME       the Redis server that Sentinels know by that name; see store/redis
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
	"github.com/errandhq/errand/store/redis"
	"github.com/errandhq/errand/store/sqlite"
)

// schemes are the kinds of store that Open knows.
var schemes = []string{"memory", "sqlite", "redis", "rediss", "redis-sentinel"}

// Open opens the store that a URL names; see the package's documentation. A password in the URL is masked in every error.
func Open(ctx context.Context, rawURL string) (errand.Store, error) {
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
		return openSQLite(ctx, rawURL, rest)
	case "redis", "rediss", "redis-sentinel":
		st, err := redis.Open(ctx, rawURL)
		if err != nil {
			return nil, err // not st: a nil *redis.Store is not a nil Store
		}
		return st, nil
	}
	return nil, fmt.Errorf("%w: store URL %q: scheme %q is not known: use one of %s",
		errand.ErrInvalid, Mask(rawURL), scheme, known())
}

func known() string { return strings.Join(schemes, ":, ") + ":" }

func openSQLite(ctx context.Context, rawURL, rest string) (errand.Store, error) {
	path, query, _ := strings.Cut(rest, "?")
	settings, err := url.ParseQuery(query)
	if err != nil {
		return nil, fmt.Errorf("%w: store URL %q: what follows the question mark cannot be read", errand.ErrInvalid, Mask(rawURL))
	}
	if path == "" {
		return nil, fmt.Errorf("%w: store URL %q names no file: use sqlite:PATH", errand.ErrInvalid, Mask(rawURL))
	}
	var opts []sqlite.Option
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
	st, err := sqlite.Open(ctx, path, opts...)
	if err != nil {
		return nil, err // not st: a nil *sqlite.Store is not a nil Store
	}
	return st, nil
}

// Mask returns a store URL with its password replaced, for errors and logs. What cannot be read as a URL but has an @ is
// masked up to that.
func Mask(rawURL string) string {
	if u, err := url.Parse(rawURL); err == nil && u.User != nil {
		return u.Redacted()
	}
	scheme, rest, ok := strings.Cut(rawURL, "://")
	at := strings.LastIndex(rest, "@")
	if !ok || at < 0 {
		return rawURL
	}
	return scheme + "://xxxxx" + rest[at:]
}
