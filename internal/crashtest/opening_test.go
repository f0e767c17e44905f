package crashtest

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store"
	"github.com/errandhq/errand/store/mysql"
	"github.com/errandhq/errand/store/postgres"
)

// TestServerNotThere: opening says that the server is not there and what can be done; told to wait, it opens as soon as the
// server is, and gives up when it has waited long enough.
func TestServerNotThere(t *testing.T) {
	for i := range sqlKinds {
		k := &sqlKinds[i]
		t.Run(k.name, func(t *testing.T) {
			server, where := k.start(t)
			server.Kill()
			_, err := store.Open(t.Context(), where)
			if !errors.Is(err, errand.ErrUnavailable) || !strings.Contains(err.Error(), server.Addrs[0]) || !strings.Contains(err.Error(), "wait=30s") {
				t.Errorf("without waiting: %v", err)
			}
			with := func(wait string) string {
				if strings.Contains(where, "?") {
					return where + "&wait=" + wait
				}
				return where + "?wait=" + wait
			}
			if _, err := store.Open(t.Context(), with("200ms")); !errors.Is(err, errand.ErrUnavailable) {
				t.Errorf("after waiting: %v", err)
			}
			if _, err := store.Open(t.Context(), with("soon")); !errors.Is(err, errand.ErrInvalid) {
				t.Errorf("wait=soon: %v", err)
			}
			opened := make(chan error, 1)
			go func() {
				st, err := store.Open(context.Background(), with("1m"))
				if err == nil {
					err = st.Close()
				}
				opened <- err
			}()
			server.Restart()
			if err := <-opened; err != nil {
				t.Errorf("while waiting: %v", err)
			}
		})
	}
}

// TestWeakSettingsAreTold: a server that may lose what was acknowledged is opened with a warning, which names the setting;
// one with its defaults without.
func TestWeakSettingsAreTold(t *testing.T) {
	open := map[string]func(where string, logger *slog.Logger) (errand.Store, error){
		"postgres": func(where string, logger *slog.Logger) (errand.Store, error) {
			return postgres.Open(t.Context(), where, postgres.Logger(logger), postgres.Wait(time.Minute))
		},
		"mariadb": func(where string, logger *slog.Logger) (errand.Store, error) {
			return mysql.Open(t.Context(), where, mysql.Logger(logger), mysql.Wait(time.Minute))
		},
	}
	weak := map[string][]string{
		"postgres": {"fsync=off", "synchronous_commit=off"},
		"mariadb":  {"--innodb-flush-log-at-trx-commit=2"},
	}
	for i := range sqlKinds {
		k := &sqlKinds[i]
		for _, setting := range append(weak[k.name], "") {
			t.Run(k.name+" "+setting, func(t *testing.T) {
				var options []string
				if setting != "" {
					options = append(options, setting)
				}
				_, where := k.start(t, options...)
				var said bytes.Buffer
				st, err := open[k.name](where, slog.New(slog.NewTextHandler(&said, nil)))
				if err != nil {
					t.Fatal(err)
				}
				defer st.Close()
				name, _, _ := strings.Cut(strings.ReplaceAll(strings.TrimLeft(setting, "-"), "-", "_"), "=")
				if told := strings.Contains(said.String(), "level=WARN"); told != (setting != "") || !strings.Contains(said.String(), name) {
					t.Errorf("with %q it said %q", setting, said.String())
				}
			})
		}
	}
}
