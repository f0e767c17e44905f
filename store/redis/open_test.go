package redis_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testserver"
	"github.com/errandhq/errand/store/redis"
)

// A server that is not there is an error that says what to do, at once; where Open is told to wait, it opens as soon as the
// server is there, and gives up when it has waited for long enough.
func TestOpenWaits(t *testing.T) {
	server := testserver.Redis(t, "--appendonly", "yes")
	server.Kill()
	st, err := redis.Open(t.Context(), server.URL)
	if st != nil || !errors.Is(err, errand.ErrUnavailable) || !strings.Contains(err.Error(), "is the server running there? wait=30s") {
		t.Errorf("opened what is not there: %v", err)
	}
	began := time.Now()
	if st, err := redis.Open(t.Context(), server.URL, redis.Wait(300*time.Millisecond)); st != nil || !errors.Is(err, errand.ErrUnavailable) {
		t.Errorf("opened what is not there: %v", err)
	} else if took := time.Since(began); took < 300*time.Millisecond || took > 20*time.Second {
		t.Errorf("gave up after %v, want 300ms", took)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if st, err := redis.Open(ctx, server.URL+"?wait=1m"); st != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("a canceled Open: %v", err)
	}
	opened := make(chan error, 1)
	go func() {
		st, err := redis.Open(t.Context(), server.URL+"?wait=30s")
		if err == nil {
			err = st.Close()
		}
		opened <- err
	}()
	select {
	case err := <-opened:
		t.Fatalf("did not wait: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	server.StartNode(0)
	if err := <-opened; err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"soon", "-1s"} {
		if _, err := redis.Open(t.Context(), server.URL+"?wait="+bad); !errors.Is(err, errand.ErrInvalid) {
			t.Errorf("wait=%s: %v", bad, err)
		}
	}
}

// Jobs go through a server that encrypts, with a user name and a password from the URL. A server whose certificate is of
// nobody we trust is refused, and no error tells the password.
func TestTLS(t *testing.T) {
	server, trust := testserver.RedisTLS(t)
	if reply := server.Ask(0, "ACL", "SETUSER", "alice", "on", ">s3cret", "~*", "&*", "+@all"); reply != "OK" {
		t.Fatal(reply)
	}
	host := strings.TrimPrefix(server.URL, "rediss://")
	url := "rediss://alice:s3cret@" + host
	st, err := redis.Open(t.Context(), url, redis.TLS(trust), redis.Logger(quiet))
	if err != nil {
		t.Fatal(err)
	}
	drain(t, st, 2000, nil)
	if err := st.Close(); err != nil {
		t.Error(err)
	}
	strangers := &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	for what, open := range map[string]func() (*redis.Store, error){
		"a certificate of nobody we know": func() (*redis.Store, error) { return redis.Open(t.Context(), url, redis.TLS(strangers)) },
		"the system's authorities":        func() (*redis.Store, error) { return redis.Open(t.Context(), url) },
		"no TLS":                          func() (*redis.Store, error) { return redis.Open(t.Context(), "redis://alice:s3cret@"+host) },
		"another password": func() (*redis.Store, error) {
			return redis.Open(t.Context(), "rediss://alice:s3cret2@"+host, redis.TLS(trust))
		},
		"another user": func() (*redis.Store, error) {
			return redis.Open(t.Context(), "rediss://s3cretary:s3cret@"+host+"/x", redis.TLS(trust))
		},
	} {
		st, err := open()
		if st != nil || err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v, %v", what, st != nil, err)
		} else {
			t.Logf("%s: %v", what, err)
		}
	}
}
