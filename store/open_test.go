package store_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store"
)

func TestOpen(t *testing.T) {
	file := filepath.Join(t.TempDir(), "jobs.db")
	for _, url := range []string{"memory:", "sqlite:" + file, "sqlite:" + file + "?synchronous=normal", "sqlite:" + file + "?synchronous=FULL"} {
		st, err := store.Open(t.Context(), url)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestOpenRefusesAndKeepsThePassword(t *testing.T) {
	for url, want := range map[string]string{
		"":                                      "no scheme",
		"jobs.db":                               "no scheme",
		"mysql://app:s3cret@db:3306/x":          `"mysql" is not known`,
		"http://:s3cret@h1:1,h2:2":              "use one of memory:, sqlite:",
		"redis://u:s3cret%zz@h":                 "cannot be read",
		"redis-sentinel://:s3cret@h1,h2":        "name the primary",
		"redis://:s3cret@h1,h2/3":               "a cluster has none",
		"rediss://:s3cret@h?x=s3cret":           "setting x is not known",
		"redis://:s3cret@h/x":                   "use a number",
		"memory:x":                              "takes nothing",
		"sqlite:":                               "names no file",
		"sqlite:x.db?synchronous=off":           "synchronous=full or normal",
		"sqlite:x.db?journal=wal":               "journal=wal is not known",
		"sqlite:/no/such/directory/at/all/x.db": "/no/such/directory/at/all",
	} {
		st, err := store.Open(t.Context(), url)
		if err == nil || st != nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v, %v; want an error with %q and without the password", url, st, err, want)
		}
		if !strings.HasPrefix(url, "sqlite:/no") && !errors.Is(err, errand.ErrInvalid) {
			t.Errorf("%q: %v is not ErrInvalid", url, err)
		}
	}
}
