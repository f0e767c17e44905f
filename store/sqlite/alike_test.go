package sqlite_test

import (
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/errandhq/errand"
)

// TestAlike proves that jobs of a flood, of which a statement takes in once what they have in common and a claim reads no more
// than what differs, come whole and in order, also those among them that are unlike the one before.
func TestAlike(t *testing.T) {
	st := openAt(t, filepath.Join(t.TempDir(), "jobs.db"))
	all := specs(300)
	patient := errand.RetryPolicy{Max: 7, Backoff: errand.Backoff{Delays: []time.Duration{time.Second, time.Minute}}}
	for i := range all {
		spec := &all[i]
		switch {
		case i < 60: // one run of those that have nothing to tell
		case i < 100:
			spec.Task, spec.Timeout, spec.KeepResult = "other", time.Minute, time.Hour
		case i < 140:
			spec.Retry = patient
		case i%10 == 0:
			spec.Task = "rare"
		case i%10 == 3:
			spec.Payload = nil
		case i%10 == 5:
			spec.UniqueKey = spec.ID
		case i%10 == 7:
			spec.DependsOn = []string{all[i-1].ID} // which is here soon after it
		}
	}
	for from, size := 0, 1; from < len(all); size = size*2 + 1 {
		to := min(from+size, len(all))
		if err := enqueue(st, all[max(from-1, 0):to]...); err != nil { // one of them is in already
			t.Fatal(err)
		}
		from = to
	}
	corrupt(t, st, all[20].ID)
	want := make([]string, 0, len(all))
	for i := range all {
		if i != 20 && len(all[i].DependsOn) == 0 {
			want = append(want, all[i].ID)
		}
	}
	want = slices.Concat(want[:100], want[50:70], want[100:]) // 20 are retried at once
	var got []string
	claimed := make(map[string]*errand.Job)
	for n := int64(1); ; n++ {
		jobs := claim(t, st, n, 50)
		if len(jobs) == 0 {
			break
		}
		for _, job := range jobs {
			got = append(got, job.ID)
			claimed[job.ID] = job
		}
		if n == 2 { // so that the next are some that were claimed before
			retried := make([]errand.Outcome, 0, 20)
			for i, job := range jobs[:20] {
				retried = append(retried, errand.Outcome{
					ID: job.ID, Queue: job.Queue, Token: job.Token, Event: errand.EventRetried, At: now,
					Record: &errand.AttemptRecord{Attempt: job.Attempt, Token: job.Token, Outcome: errand.EventRetried, Error: strings.Repeat("x", i)},
				})
			}
			if _, err := st.Settle(t.Context(), errand.SettleRequest{Now: now, Worker: "w", Outcomes: retried}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("claimed %d jobs, want %d, or in another order", len(got), len(want))
	}
	page, err := st.Jobs(t.Context(), errand.JobFilter{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	started := 0
	for _, job := range page.Jobs {
		if job.State != errand.StateStarted {
			continue
		}
		started++
		i := slices.IndexFunc(all, func(spec errand.JobSpec) bool { return spec.ID == job.ID })
		if !reflect.DeepEqual(job.JobSpec, all[i]) {
			t.Errorf("enqueued\n%+v\nand stored\n%+v", all[i], job.JobSpec)
		}
		if mine := claimed[job.ID]; !reflect.DeepEqual(mine, job) {
			t.Errorf("claimed as\n%+v\nwant\n%+v", mine, job)
		}
	}
	if started != len(claimed) {
		t.Errorf("%d jobs are started, and %d were claimed", started, len(claimed))
	}
	plans, err := st.Plans()
	if err != nil {
		t.Fatal(err)
	}
	alike := 0
	for query, plan := range plans {
		if !strings.Contains(query, "options IS ?") {
			continue
		}
		alike++
		if !strings.Contains(plan, "errand_jobs_queued") || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("%s\nis planned as\n%s", query, plan)
		}
	}
	if alike != 1 {
		t.Errorf("%d statements for jobs that are alike were run, want 1", alike)
	}
}
