package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/metrics"
	"github.com/errandhq/errand/web"
	"github.com/spf13/cobra"
)

// The environment variables that name who may see the dashboard.
const (
	webUserEnv     = "ERRAND_WEB_USER"
	webPasswordEnv = "ERRAND_WEB_PASSWORD"
)

// webFlags are the dashboard's settings, as flags.
type webFlags struct {
	listen       string
	path         string
	hosts        []string
	passwordFile string
	noAuth       bool
	readOnly     bool
}

func (s *session) webCommand() *cobra.Command {
	flags := webFlags{}
	cmd := &cobra.Command{
		Use:   "web",
		Short: s.t("Serve the dashboard"),
		Long: s.t("Serve the dashboard until interrupted; beside its pages a JSON API (api/v1/openapi.json), healthz, readyz, and metrics for Prometheus.\n\n"+
			"It asks for the name in $%s (default: admin) and the password in $%s or --password-file. "+
			"Without a password it serves this machine only, and everybody on it.", webUserEnv, webPasswordEnv),
		Example: s.example("web", "web --listen :8080 --host jobs.example.com --password-file /run/secrets/errand"),
		Args:    noArgs,
		RunE: s.does(func(ctx context.Context, _ []string) error {
			return s.serveWeb(ctx, flags)
		}),
	}
	f := cmd.Flags()
	f.StringVar(&flags.listen, "listen", "127.0.0.1:9310", s.t("the `ADDRESS` to listen on"))
	f.StringVar(&flags.path, "path", "/", s.t("the `PREFIX` of its URLs"))
	f.StringSliceVar(&flags.hosts, "host", nil, s.t("a `NAME` by which browsers may ask for it, besides localhost; may be repeated"))
	f.StringVar(&flags.passwordFile, "password-file", "", s.t("read the password from `FILE`"))
	f.BoolVar(&flags.noAuth, "insecure-no-auth", false, s.t("let everybody in who can reach the address"))
	f.BoolVar(&flags.readOnly, "read-only", false, s.t("refuse every change"))
	return cmd
}

func (s *session) serveWeb(ctx context.Context, flags webFlags) error {
	config, err := flags.config()
	if err != nil {
		return err
	}
	return s.withStore(ctx, func(st errand.Store, _ time.Time) (err error) {
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", flags.listen)
		if err != nil {
			return fmt.Errorf("web: %w", err)
		}
		config.Metrics = metrics.Handler(metrics.New(st, metrics.Config{}))
		dashboard := web.New(st, config)
		defer dashboard.Close()
		server := web.Server(dashboard)
		s.out.printf("%s\n", s.t("Dashboard at http://%s%s", listener.Addr(), flags.path))
		served := make(chan error, 1)
		go func() { served <- server.Serve(listener) }()
		select {
		case err = <-served:
		case <-ctx.Done():
			late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			dashboard.Close() // streams end first: the server waits for them
			err = server.Shutdown(late)
			err = errors.Join(err, notClosed(<-served))
		}
		return err
	})
}

// notClosed returns the error of a server unless it says only that the server was closed.
func notClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// config says who may see the dashboard; an address that others can reach needs a password, or the flag that says so.
func (f *webFlags) config() (web.Config, error) {
	config := web.Config{Path: f.path, ReadOnly: f.readOnly, Hosts: append([]string{"localhost", "127.0.0.1", "::1"}, f.hosts...)}
	host, _, err := net.SplitHostPort(f.listen)
	if err != nil {
		return config, misuse("--listen %q: use an address such as 127.0.0.1:9310", f.listen)
	}
	if ip := net.ParseIP(host); ip != nil && !ip.IsUnspecified() {
		config.Hosts = append(config.Hosts, host)
	}
	password := os.Getenv(webPasswordEnv)
	if f.passwordFile != "" {
		content, err := os.ReadFile(f.passwordFile)
		if err != nil {
			return config, fmt.Errorf("web: %w", err)
		}
		if password = strings.TrimRight(string(content), "\r\n"); password == "" {
			return config, misuse("--password-file %s is empty", f.passwordFile)
		}
	}
	switch {
	case f.noAuth && password != "":
		return config, misuse("--insecure-no-auth and a password exclude each other")
	case password != "":
		name := or(os.Getenv(webUserEnv), "admin")
		config.Auth = web.BasicAuth(web.User{Name: name, Password: password, Role: web.Admin})
	case f.noAuth || loopback(host):
		config.InsecureNoAuth = true
	default:
		return config, misuse("--listen %s can be reached from elsewhere: set $%s or --password-file, or say --insecure-no-auth", f.listen, webPasswordEnv)
	}
	return config, nil
}

// loopback reports whether only this machine can reach an address.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}
