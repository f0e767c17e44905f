package redis_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/rueidis"

	"github.com/google/uuid"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testserver"
	"github.com/errandhq/errand/store/redis"
	"github.com/errandhq/errand/store/storetest"
)

// prefixes keep the stores on one server apart.
var prefixes atomic.Int64

// opened says how a store that the suite uses was opened.
var opened sync.Map // *redis.Store -> place

type place struct{ url, prefix string }

func openAt(t testing.TB, p place) *redis.Store {
	t.Helper()
	st, err := redis.Open(t.Context(), p.url, redis.Prefix(p.prefix), redis.Logger(quiet))
	if err != nil {
		t.Fatal(err)
	}
	opened.Store(st, p)
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return st
}

// newPrefix is one that no other store has, also on a server that exists for longer.
func newPrefix() string { return "t" + uuid.NewString()[:8] + "-" + itoa(prefixes.Add(1)) }

// harness is for stores on one server.
func harness(url string) storetest.Harness {
	return storetest.Harness{
		Open: func(t *testing.T) errand.Store { return openAt(t, place{url, newPrefix()}) },
		Reopen: func(t *testing.T, st errand.Store) errand.Store {
			t.Helper()
			p, _ := opened.Load(st)
			if err := st.Close(); err != nil {
				t.Fatal(err)
			}
			return openAt(t, p.(place))
		},
		Corrupt: corrupt,
	}
}

func TestStore(t *testing.T) { harness(testserver.Redis(t).URL).Run(t) }

func TestModel(t *testing.T) { storetest.RunModel(t, harness(testserver.Redis(t).URL).Open) }

// Jobs whose records are in slices, which no claim has written, and whose queue has spans are in every way as the others, also
// beside those.
func TestMany(t *testing.T) {
	url := testserver.Redis(t).URL
	for many := 1; many <= 2; many++ {
		h := harness(url)
		open, reopen := h.Open, h.Reopen
		h.Open = func(t *testing.T) errand.Store {
			st := open(t)
			redis.Many(st.(*redis.Store), many)
			redis.Span(st.(*redis.Store), 2*many)
			return st
		}
		h.Reopen = func(t *testing.T, st errand.Store) errand.Store {
			st = reopen(t, st)
			redis.Many(st.(*redis.Store), many)
			redis.Span(st.(*redis.Store), 2*many)
			return st
		}
		t.Run(fmt.Sprint("Store-", many), h.Run)
		t.Run(fmt.Sprint("Model-", many), func(t *testing.T) { storetest.RunModel(t, h.Open) })
	}
}

func TestCluster(t *testing.T) {
	h := harness(testserver.RedisCluster(t).URL)
	t.Run("Store", h.Run)
	t.Run("Model", func(t *testing.T) { storetest.RunModel(t, h.Open) })
}

// raw connects to the server of a store, to do what the store would not.
func raw(t testing.TB, url string) rueidis.Client {
	t.Helper()
	addrs := strings.Split(strings.TrimPrefix(url, "redis://"), ",")
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: addrs, DisableCache: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// readRecord returns a job's record and the hash that it is in.
func readRecord(t *testing.T, client rueidis.Client, queue, key string) (hash, record string) {
	t.Helper()
	for _, hash := range []string{queue + ":jobs", queue + ":jobs:" + key[:5]} {
		record, err := client.Do(t.Context(), client.B().Hget().Key(hash).Field(key).Build()).ToString()
		if err == nil {
			return hash, record
		}
		if !rueidis.IsRedisNil(err) {
			t.Fatal(err)
		}
	}
	t.Fatalf("there is no record of %x", key)
	return "", ""
}

// corrupt damages the options in a job's record, which are before its payload.
func corrupt(t *testing.T, st errand.Store, id string) {
	t.Helper()
	v, _ := opened.Load(st)
	p := v.(place)
	client := raw(t, p.url)
	u := uuid.MustParse(id)
	key := string(u[:])
	hash, record := readRecord(t, client, "{"+p.prefix+":q:q}", key)
	record = redis.DamageOptions(record)
	if err := client.Do(t.Context(), client.B().Hset().Key(hash).FieldValue().FieldValue(key, record).Build()).Error(); err != nil {
		t.Fatal(err)
	}
}
