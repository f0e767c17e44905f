package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/redis/rueidis"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/wait"
)

// Option is a setting of [Open].
type Option func(*config)

type config struct {
	prefix string
	log    *slog.Logger
	client rueidis.ClientOption
	shown  string // the servers without password
	many   bool   // several hosts of a cluster
	wait   time.Duration
}

// Prefix has every key and channel begin with another word than errand, so that stores can share a server. It has 1 to 64
// of the characters that queue names have.
func Prefix(prefix string) Option { return func(c *config) { c.prefix = prefix } }

// Logger has warnings go to a logger of its own; else they go to [slog.Default].
func Logger(log *slog.Logger) Option { return func(c *config) { c.log = log } }

// TLS has connections encrypted with these settings, whatever the URL's scheme.
func TLS(settings *tls.Config) Option { return func(c *config) { c.client.TLSConfig = settings } }

// Wait has Open wait for so long for a server that is not there yet, or not ready, in place of returning an error at once.
func Wait(d time.Duration) Option { return func(c *config) { c.wait = d } }

// Open opens the store that a URL names, and checks the server's settings. It refuses a server that may evict keys.
//
//	redis://USER:PASSWORD@HOST:PORT/DB                     one server; with TLS: rediss://
//	redis://USER:PASSWORD@HOST:PORT,HOST:PORT              a cluster, by some of its nodes
//	redis-sentinel://USER:PASSWORD@HOST:PORT,HOST:PORT/NAME/DB   the primary that the Sentinels know by that name
//
// User, password, port (6379; of a Sentinel 26379) and DB (0) may be left out. Settings follow a question mark: prefix=WORD;
// wait=DURATION, as in wait=30s, see [Wait]; sentinel_user=, sentinel_password= for Sentinels that want a password of their
// own; tls=true for redis-sentinel.
func Open(ctx context.Context, rawURL string, opts ...Option) (*Store, error) {
	cfg := &config{prefix: "errand", log: slog.Default()}
	if err := cfg.parse(rawURL); err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	for _, opt := range opts {
		opt(cfg)
	}
	if err := errand.CheckName("prefix", cfg.prefix); err != nil || len(cfg.prefix) > 64 {
		return nil, fmt.Errorf("open %s: %w: prefix %q: use at most 64 letters A-Z a-z, digits and _ . : -",
			cfg.shown, errand.ErrInvalid, cfg.prefix)
	}
	s := &Store{where: cfg.shown, prefix: cfg.prefix, publish: "PUBLISH", many: manyJobs, span: jobsOfSpan}
	ctx, cancel := context.WithTimeoutCause(ctx, callTimeout+max(cfg.wait, 0), errTimeout)
	defer cancel()
	c := &call{ctx: ctx, op: "open " + cfg.shown}
	if err := s.await(c, cfg); err != nil {
		if absent(err) {
			err = fmt.Errorf("%w: is the server running there? wait=30s in the URL has Open wait for it", err)
		}
		return nil, s.fail(c, err)
	}
	return s, nil
}

// await connects, and tries again while the server is not there, as long as it may.
func (s *Store) await(c *call, cfg *config) error {
	enough := time.Now().Add(cfg.wait)
	for try := 0; ; try++ {
		err := s.connect(c, cfg)
		if err == nil {
			return nil
		}
		if s.client != nil {
			s.client.Close()
			s.client = nil
		}
		if !absent(err) || !time.Now().Before(enough) {
			return err
		}
		if wait.For(c.ctx, min(wait.Backoff(try, awaitPauseMin, awaitPauseMax), time.Until(enough))) != nil {
			return err
		}
	}
}

// Between one try to reach a server and the next.
const (
	awaitPauseMin = 50 * time.Millisecond
	awaitPauseMax = time.Second
)

// absent reports whether an error says that nothing answers, or that what answers will serve soon. Waiting mends no other.
func absent(err error) bool {
	if e, ok := rueidis.IsRedisErr(err); ok {
		code, _, _ := strings.Cut(e.Error(), " ")
		return code == "LOADING" || code == "CLUSTERDOWN" || code == "MASTERDOWN"
	}
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial" || errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)
}

// connect makes the client and looks at the server. One host may be a node of a cluster.
func (s *Store) connect(c *call, cfg *config) (err error) {
	opt := &cfg.client
	opt.ClientName = "errand"
	opt.DisableCache = true
	opt.Dialer.Timeout = 5 * time.Second
	opt.ConnWriteTimeout = callTimeout
	opt.PipelineMultiplex = -1 // one connection: requests of one process go together
	opt.ForceSingleClient = !cfg.many
	if s.client, err = rueidis.NewClient(*opt); err != nil {
		return err
	}
	info, err := s.info(c)
	if err != nil {
		return err
	}
	cluster := info["cluster_enabled"] == "1"
	if cluster && !cfg.many && opt.Sentinel.MasterSet == "" {
		s.client.Close()
		opt.ForceSingleClient = false
		if s.client, err = rueidis.NewClient(*opt); err != nil {
			return err
		}
	}
	major, _, _ := strings.Cut(info["redis_version"], ".")
	if n, err := strconv.Atoi(major); err == nil && n >= 7 && cluster {
		s.publish = "SPUBLISH"
	}
	if err := check(cfg, info); err != nil {
		return err
	}
	if !cluster && !cfg.many {
		s.express.client = s.client
	}
	if info["aof_enabled"] == "0" && !s.snapshots(c, info) {
		cfg.log.Warn("the Redis server seems to save nothing to disk: jobs are lost when it stops; set appendonly yes",
			"server", cfg.shown)
	}
	return nil
}

// snapshots reports whether the server saves its data now and then. Where its settings may not be read, that it has done
// so before must do.
func (s *Store) snapshots(c *call, info map[string]string) bool {
	settings, err := s.client.Do(c.ctx, s.client.B().ConfigGet().Parameter("save").Build()).AsStrMap()
	if err == nil {
		return settings["save"] != ""
	}
	return info["rdb_last_bgsave_time_sec"] != "-1"
}

// check looks at settings that put jobs at risk.
func check(cfg *config, info map[string]string) error {
	if policy := info["maxmemory_policy"]; policy != "" && policy != "noeviction" {
		return fmt.Errorf("%w: %s may evict jobs when its memory is full: maxmemory-policy is %s: set it to noeviction",
			errand.ErrUnavailable, cfg.shown, policy)
	}
	if info["role"] == "slave" {
		return fmt.Errorf("%w: %s%s", errand.ErrUnavailable, cfg.shown, hints["READONLY"])
	}
	return nil
}

// info reads what the server says of itself.
func (s *Store) info(c *call) (map[string]string, error) {
	info := make(map[string]string)
	b := s.client.B()
	for _, result := range s.client.DoMulti(c.ctx,
		b.Info().Section("server").Build(), b.Info().Section("memory").Build(), b.Info().Section("persistence").Build(),
		b.Info().Section("replication").Build(), b.Info().Section("cluster").Build(),
	) {
		text, err := result.ToString()
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(text) {
			if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
				info[name] = value
			}
		}
	}
	return info, nil
}

// parse reads the URL. Its errors contain no password.
func (cfg *config) parse(rawURL string) error {
	scheme, rest, ok := strings.Cut(rawURL, "://")
	if !ok {
		return fmt.Errorf("%w: the URL has no scheme: use redis://, rediss:// or redis-sentinel://", errand.ErrInvalid)
	}
	// Hosts are taken out first: net/url knows of one only.
	rest, query, _ := strings.Cut(rest, "?")
	user := ""
	if at := strings.LastIndex(rest, "@"); at >= 0 {
		user, rest = rest[:at], rest[at+1:]
	}
	hosts, path, _ := strings.Cut(rest, "/")
	cfg.shown = scheme + "://" + hosts
	if path != "" {
		cfg.shown += "/" + path
	}
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s: %s", errand.ErrInvalid, cfg.shown, fmt.Sprintf(format, args...))
	}
	port := "6379"
	switch scheme {
	case "redis":
	case "rediss":
		cfg.client.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	case "redis-sentinel":
		port = "26379"
		cfg.client.Sentinel.MasterSet, path, _ = strings.Cut(path, "/")
		if cfg.client.Sentinel.MasterSet == "" {
			return bad("name the primary, as in redis-sentinel://HOST:26379/mymaster")
		}
		cfg.client.Sentinel.TopologyRefreshInterval = 5 * time.Second
	default:
		return bad("scheme %q is not known: use redis, rediss or redis-sentinel", scheme)
	}
	if err := cfg.addHosts(hosts, port); err != nil {
		return bad("%v", err)
	}
	cfg.many = len(cfg.client.InitAddress) > 1 && cfg.client.Sentinel.MasterSet == ""
	if name, password, ok := strings.Cut(user, ":"); ok || user != "" {
		var err1, err2 error
		cfg.client.Username, err1 = url.PathUnescape(name)
		cfg.client.Password, err2 = url.PathUnescape(password)
		if err1 != nil || err2 != nil {
			return bad("the user name or the password cannot be read: write %% and other special characters as %%XX")
		}
	}
	if path != "" {
		db, err := strconv.Atoi(path)
		if err != nil || db < 0 || (db > 0 && cfg.many) {
			return bad("database %q: use a number; a cluster has none", path)
		}
		cfg.client.SelectDB = db
	}
	settings, err := url.ParseQuery(query)
	if err != nil {
		return bad("what follows the question mark cannot be read")
	}
	return cfg.set(settings, bad)
}

func (cfg *config) addHosts(hosts, port string) error {
	for host := range strings.SplitSeq(hosts, ",") {
		if host == "" {
			return fmt.Errorf("a host is missing")
		}
		if _, _, err := net.SplitHostPort(host); err != nil {
			host = net.JoinHostPort(strings.Trim(host, "[]"), port)
		}
		cfg.client.InitAddress = append(cfg.client.InitAddress, host)
	}
	return nil
}

// set reads the settings behind the question mark.
func (cfg *config) set(settings url.Values, bad func(string, ...any) error) error {
	for name, values := range settings {
		value := values[len(values)-1]
		switch name {
		case "prefix":
			cfg.prefix = value
		case "sentinel_user":
			cfg.client.Sentinel.Username = value
		case "sentinel_password":
			cfg.client.Sentinel.Password = value
		case "wait":
			d, err := time.ParseDuration(value)
			if err != nil || d < 0 {
				return bad("wait=%.50s: use a duration, as in wait=30s", value)
			}
			cfg.wait = d
		case "tls":
			if on, err := strconv.ParseBool(value); err != nil {
				return bad("setting tls: use true or false")
			} else if on {
				cfg.client.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
			}
		default:
			return bad("setting %s is not known: use prefix, wait, sentinel_user, sentinel_password or tls", name)
		}
	}
	return nil
}
