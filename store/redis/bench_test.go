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

// BenchmarkRaw is the limit that draining is measured by: the least work that keeps the promise. One caller sends bare
// commands in pipelines, by 1000 jobs, for records and leases of the same size as ours in the same kinds of keys: insert
// jobs, claim a batch (look, fetch, move, note the leases), delete a batch. There are no scripts, tokens to check, counters,
// priorities or wake-ups, and nobody runs the jobs. The client and the server share the machine, as they do for us.
func BenchmarkRaw(b *testing.B) {
	client := raw(b, testserver.Redis(b).URL)
	const size = 1000
	record, lease := strings.Repeat("h", 40)+benchPayload, strings.Repeat("l", 28+40)
	r := rawQueue{client: client, jobs: "{raw}:jobs", queued: "{raw}:queued", started: "{raw}:started", leases: "{raw}:leases"}
	var spent [3]time.Duration
	jobs := max(b.N/size, 1) * size
	for done := 0; done < jobs; done += size { // all, so that the keys are as large as ours when we drain
		ids := make([]string, size)
		for i := range ids {
			ids[i] = fmt.Sprintf("%016x", done+i)
		}
		began := time.Now()
		r.insert(b, ids, record, int64(done))
		spent[0] += time.Since(began)
	}
	for done := 0; done < jobs; done += size {
		began := time.Now()
		claimed := r.claim(b, size, lease)
		spent[1] += time.Since(began)
		began = time.Now()
		r.remove(b, claimed)
		spent[2] += time.Since(began)
	}
	for i, what := range []string{"insert", "claim", "delete"} {
		b.ReportMetric(float64(jobs)/spent[i].Seconds(), what+"/s")
	}
	b.ReportMetric(float64(jobs)/(spent[1]+spent[2]).Seconds(), "drain/s")
}

// rawQueue is a queue without any of our code.
type rawQueue struct {
	client                        rueidis.Client
	jobs, queued, started, leases string
}

func (r *rawQueue) do(b *testing.B, cmds ...rueidis.Completed) []rueidis.RedisResult {
	b.Helper()
	results := r.client.DoMulti(context.Background(), cmds...)
	for _, result := range results {
		if err := result.Error(); err != nil {
			b.Fatal(err)
		}
	}
	return results
}

func (r *rawQueue) insert(b *testing.B, ids []string, record string, from int64) {
	b.Helper()
	place, job := make([]string, 0, 2*len(ids)), make([]string, 0, 2*len(ids))
	for i, id := range ids {
		place = append(place, itoa(from+int64(i)), id)
		job = append(job, id, record)
	}
	cmd := r.client.B()
	r.do(b, cmd.Arbitrary("ZADD").Keys(r.queued).Args(place...).Build(), cmd.Arbitrary("HSET").Keys(r.jobs).Args(job...).Build())
}

func (r *rawQueue) claim(b *testing.B, size int, lease string) []string {
	b.Helper()
	cmd := r.client.B()
	ids, err := r.do(b, cmd.Zrange().Key(r.queued).Min("0").Max(itoa(int64(size-1))).Build())[0].AsStrSlice()
	if err != nil || len(ids) != size {
		b.Fatal(err, len(ids))
	}
	started, leases := make([]string, 0, 2*len(ids)), make([]string, 0, 2*len(ids))
	for _, id := range ids {
		started = append(started, "1700000000000000", id)
		leases = append(leases, id, lease)
	}
	results := r.do(b,
		cmd.Hmget().Key(r.jobs).Field(ids...).Build(),
		cmd.Zremrangebyrank().Key(r.queued).Start(0).Stop(int64(size-1)).Build(),
		cmd.Arbitrary("ZADD").Keys(r.started).Args(started...).Build(),
		cmd.Arbitrary("HSET").Keys(r.leases).Args(leases...).Build(),
	)
	if records, err := results[0].AsStrSlice(); err != nil || len(records) != size || records[0] == "" {
		b.Fatal(err, len(records))
	}
	return ids
}

func (r *rawQueue) remove(b *testing.B, ids []string) {
	b.Helper()
	cmd := r.client.B()
	r.do(b, cmd.Hdel().Key(r.jobs).Field(ids...).Build(), cmd.Zrem().Key(r.started).Member(ids...).Build(),
		cmd.Hdel().Key(r.leases).Field(ids...).Build())
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
