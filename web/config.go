package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// Config says who may see the dashboard, where it is and how it looks at jobs. The zero value lets nobody in: set Auth.
type Config struct {
	// Auth says who sends a request. An error denies it: with 403, or as a [*Denial] in its chain says. [BasicAuth] makes
	// one of names and passwords.
	Auth func(*http.Request) (Principal, error)
	// InsecureNoAuth lets everybody in as an admin where Auth is nil.
	InsecureNoAuth bool
	// ReadOnly refuses every change, whatever the role.
	ReadOnly bool

	// Path is the prefix of the URLs under which the dashboard is mounted, such as "/errand". Default "/".
	Path string
	// Hosts are the names, without ports, under which the dashboard may be asked for, so that a foreign page cannot reach
	// it by a name of its own (DNS rebinding). Default: localhost, 127.0.0.1 and ::1. "*" allows every name.
	Hosts []string
	// Proxies are the addresses of proxies whose X-Forwarded-Host and X-Forwarded-Proto headers are believed. Default: none.
	Proxies []netip.Prefix

	// Name is shown beside the logo, to tell several dashboards apart. Default: nothing.
	Name string
	// Redact returns what may be shown of a task's payload or result. Default: all of it.
	Redact func(task string, payload []byte) []byte
	// Metrics answers GET metrics under Path, for a viewer; package metrics makes one. Default: there is none.
	Metrics http.Handler
	// Logger gets a line for each denied or failed request. Default [slog.Default].
	Logger *slog.Logger
}

// checked returns the configuration with its defaults filled in.
func (c Config) checked() (Config, error) {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	u, err := url.Parse(c.Path)
	if err != nil || u.Path != c.Path || strings.Contains(c.Path, "//") || strings.Contains(c.Path, "..") {
		return c, fmt.Errorf("Config.Path %q: use a path such as /errand", c.Path)
	}
	c.Path = "/" + strings.Trim(c.Path, "/")
	if c.Path != "/" {
		c.Path += "/"
	}
	if len(c.Hosts) == 0 {
		c.Hosts = []string{"localhost", "127.0.0.1", "::1"}
	}
	for _, host := range c.Hosts {
		if host == "" || strings.ContainsAny(host, "/ ") {
			return c, fmt.Errorf("Config.Hosts %q: use names such as jobs.example.com, without scheme and port", host)
		}
	}
	if c.Auth != nil && c.InsecureNoAuth {
		return c, errors.New("Config.Auth and Config.InsecureNoAuth exclude each other: leave one out")
	}
	if c.InsecureNoAuth {
		c.Auth = func(*http.Request) (Principal, error) { return Principal{Role: Admin}, nil }
	}
	return c, nil
}
