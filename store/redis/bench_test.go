package redis_test

import (
	"context"
	"fmt"

	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/internal/testserver"
	"github.com/errandhq/errand/store/storetest"
)

func Benchmark(b *testing.B) {
	server := testserver.Redis(b)
	storetest.Benchmark(b, func(tb testing.TB) errand.Store { return openAt(tb, place{server.URL, newPrefix()}) })
}

const benchPayload = `{"n":1,"text":"` + "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" + `"}`

func benchSpecs(n, from int) []errand.JobSpec {
	specs := make([]errand.JobSpec, n)
	for i := range specs {
		specs[i] = errand.JobSpec{
			ID: fmt.Sprintf("0190b5c4-0000-7000-8000-%012x", from+i), Queue: "bench", Task: "bench", Payload: []byte(benchPayload),
		}
	}
	return specs
}

// BenchmarkStore is the store without the engine: enqueue, claim and settle by 500.
func BenchmarkStore(b *testing.B) {
	st := openAt(b, place{testserver.Redis(b).URL, newPrefix()})
	ctx, now := context.Background(), time.Now()
	const size = 500
	b.ReportAllocs()
	var spent [3]time.Duration
	done := 0
	for number := int64(1); done < b.N; number++ {
		began := time.Now()
		if _, err := st.Enqueue(ctx, errand.EnqueueRequest{Now: now, Groups: [][]errand.JobSpec{benchSpecs(size, done)}}); err != nil {
			b.Fatal(err)
		}
		spent[0] += time.Since(began)
		began = time.Now()
		reply, err := st.Claim(ctx, errand.ClaimRequest{
			Now: now, Worker: "w", Number: number, Queues: []string{"bench"}, Limit: size, Lease: time.Minute, MaxRecoveries: 2,
		})
		if err != nil || len(reply.Jobs) != size {
			b.Fatal(err, len(reply.Jobs))
		}
		spent[1] += time.Since(began)
		began = time.Now()
		req := errand.SettleRequest{Now: now, Worker: "w"}
		for _, job := range reply.Jobs {
			req.Outcomes = append(req.Outcomes, errand.Outcome{
				ID: job.ID, Queue: job.Queue, Token: job.Token, Event: errand.EventSucceeded,
			})
		}
		if _, err := st.Settle(ctx, req); err != nil {
			b.Fatal(err)
		}
		spent[2] += time.Since(began)
		done += size
	}
	for i, what := range []string{"enqueue", "claim", "settle"} {
		b.ReportMetric(float64(done)/spent[i].Seconds(), what+"/s")
	}
	b.ReportMetric(float64(done)/(spent[1]+spent[2]).Seconds(), "drain/s")
}

// The raw limit: bare scripts on the same kinds of keys, by 1000, one caller: no tokens, counters, priorities or wake-ups.
const (
	rawInsert = `local a, b = {}, {}
for i = 1, #ARGV, 2 do
  a[#a+1] = i; a[#a+1] = ARGV[i]; b[#b+1] = ARGV[i]; b[#b+1] = ARGV[i+1]
end
redis.call('ZADD', KEYS[1]..':queued', unpack(a))
redis.call('HSET', KEYS[1]..':jobs', unpack(b))
return 1`
	rawClaim = `local ids = redis.call('ZRANGE', KEYS[1]..':queued', 0, ARGV[1] - 1)
local raws = redis.call('HMGET', KEYS[1]..':jobs', unpack(ids))
local a, b = {}, {}
for i = 1, #ids do
  a[#a+1] = ARGV[2]; a[#a+1] = ids[i]; b[#b+1] = ids[i]; b[#b+1] = raws[i]; raws[i] = ids[i]..raws[i]
end
redis.call('ZREMRANGEBYRANK', KEYS[1]..':queued', 0, #ids - 1)
redis.call('ZADD', KEYS[1]..':started', unpack(a))
redis.call('HSET', KEYS[1]..':jobs', unpack(b))
return raws`
	rawDelete = `redis.call('HDEL', KEYS[1]..':jobs', unpack(ARGV))
redis.call('ZREM', KEYS[1]..':started', unpack(ARGV))
return 1`
)

func BenchmarkRaw(b *testing.B) {
	client := raw(b, testserver.Redis(b).URL)
	ctx := context.Background()
	insert, claim, remove := rueidis.NewLuaScript(rawInsert), rueidis.NewLuaScript(rawClaim), rueidis.NewLuaScript(rawDelete)
	const size = 1000
	keys := []string{"{raw}"}
	record := strings.Repeat("h", 40) + benchPayload
	var spent [3]time.Duration
	done := 0
	for done < b.N {
		args, ids := make([]string, 0, 2*size), make([]string, 0, size)
		for i := range size {
			id := fmt.Sprintf("%016x", done+i)
			ids = append(ids, id)
			args = append(args, id, record)
		}
		began := time.Now()
		if err := insert.Exec(ctx, client, keys, args).Error(); err != nil {
			b.Fatal(err)
		}
		spent[0] += time.Since(began)
		began = time.Now()
		if got, err := claim.Exec(ctx, client, keys, []string{"1000", "1700000000000000"}).AsStrSlice(); err != nil || len(got) != size {
			b.Fatal(err, len(got))
		}
		spent[1] += time.Since(began)
		began = time.Now()
		if err := remove.Exec(ctx, client, keys, ids).Error(); err != nil {
			b.Fatal(err)
		}
		spent[2] += time.Since(began)
		done += size
	}
	for i, what := range []string{"insert", "claim", "delete"} {
		b.ReportMetric(float64(done)/spent[i].Seconds(), what+"/s")
	}
	b.ReportMetric(float64(done)/(spent[1]+spent[2]).Seconds(), "drain/s")
}

// A waiting job with a payload of 100 bytes costs the server 400 bytes of memory at most.
func TestMemory(t *testing.T) {
	server := testserver.Redis(t)
	st := openAt(t, place{server.URL, newPrefix()})
	client := raw(t, server.URL)
	used := func() int64 {
		t.Helper()
		info, err := client.Do(t.Context(), client.B().Info().Section("memory").Build()).ToString()
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(info, "used_memory_dataset:")
		var n int64
		if _, err := fmt.Sscan(rest, &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	const jobs = 100_000
	fill := func(from, n int) {
		for i := from; i < from+n; i += 500 {
			if _, err := st.Enqueue(t.Context(), errand.EnqueueRequest{Now: time.Now(), Groups: [][]errand.JobSpec{benchSpecs(500, i)}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	fill(jobs, 500) // scripts and buffers are there
	before := used()
	fill(0, jobs)
	each := (used() - before) / jobs
	t.Logf("%d bytes a job, with a payload of %d", each, len(benchPayload))
	if each > 400 {
		t.Errorf("%d bytes a waiting job, at most 400 are allowed", each)
	}

}
