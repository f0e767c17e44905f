package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/errandhq/errand"
)

// normal is a job with no bytes, no list and no progress as nil, so that jobs can be compared.
func normal(job *errand.Job) errand.Job {
	n := *job
	n.Payload, n.Result = none(n.Payload), none(n.Result)
	n.DependsOn = none(n.DependsOn)
	n.Retry.Backoff.Delays = none(n.Retry.Backoff.Delays)
	n.Attempts = none(slices.Clone(n.Attempts))
	for i := range n.Attempts {
		n.Attempts[i] = normalRecord(n.Attempts[i])
	}
	if n.Progress != nil {
		p := *n.Progress
		p.Log = none(p.Log)
		n.Progress = &p
	}
	return n
}

func normalRecord(rec errand.AttemptRecord) errand.AttemptRecord {
	rec.Chain, rec.Log = none(rec.Chain), none(rec.Log)
	return rec
}

func none[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}

// difference describes how two values of a struct type differ, field by field; empty: they are equal.
func difference(got, want any) string {
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	var text strings.Builder
	for i := range g.NumField() {
		field := g.Type().Field(i)
		a, b := g.Field(i).Interface(), w.Field(i).Interface()
		if reflect.DeepEqual(a, b) {
			continue
		}
		if field.Anonymous {
			text.WriteString(difference(a, b))
			continue
		}
		fmt.Fprintf(&text, "\n\t%s: got %s, want %s", field.Name, short(a), short(b))
	}
	return text.String()
}

// short prints a value, at most a few hundred bytes of it.
func short(v any) string {
	if r := reflect.ValueOf(v); r.Kind() == reflect.Pointer && !r.IsNil() {
		v = r.Elem().Interface()
	}
	text := fmt.Sprintf("%+v", v)
	if b, ok := v.([]byte); ok {
		text = fmt.Sprintf("%q", b)
	}
	if len(text) > 400 {
		text = text[:400] + fmt.Sprintf("... (%d bytes)", len(text))
	}
	return text
}

// same fails unless two jobs are equal in every field.
func (k *kit) same(what string, got, want *errand.Job) {
	k.Helper()
	if diff := difference(normal(got), normal(want)); diff != "" {
		k.Fatalf("%s %s:%s", what, want.ID, diff)
	}
}

// list returns every job that the filter selects, page by page, or fails.
func (k *kit) list(filter errand.JobFilter) []*errand.Job {
	k.Helper()
	var jobs []*errand.Job
	for range 100_000 {
		page, err := k.st.Jobs(k.ctx, filter)
		k.ok(err)
		if filter.Limit > 0 && len(page.Jobs) > filter.Limit {
			k.Fatalf("page of %d jobs, limit %d", len(page.Jobs), filter.Limit)
		}
		jobs = append(jobs, page.Jobs...)
		if page.Next == "" {
			return jobs
		}
		filter.Cursor = page.Next
	}
	k.Fatal("pages without end")
	return nil
}

func idsOf(jobs []*errand.Job) []string {
	list := make([]string, len(jobs))
	for i, job := range jobs {
		list[i] = job.ID
	}
	return list
}

// wantIDs fails unless the jobs are exactly these, in this order.
func (k *kit) wantIDs(what string, jobs []*errand.Job, want ...string) {
	k.Helper()
	if got := idsOf(jobs); !slices.Equal(got, want) {
		k.Fatalf("%s: wrong jobs or order:\n\tgot  %v\n\twant %v", what, got, want)
	}
}

func (k *kit) wantError(got, want error) {
	k.Helper()
	if !errors.Is(got, want) {
		k.Fatalf("got error %v, want %v", got, want)
	}
}

// queueInfo returns what the store says of a queue; of one that it does not list, the zero value.
func (k *kit) queueInfo(name string) errand.QueueInfo {
	k.Helper()
	infos, err := k.st.Queues(k.ctx, k.now)
	k.ok(err)
	for _, info := range infos {
		if info.Name == name {
			return info
		}
	}
	return errand.QueueInfo{}
}

// checkInvariants fails when what the store shows contradicts itself: counters against a full listing, listing against
// look-ups, and the fields of each job against its state.
func (k *kit) checkInvariants() {
	k.Helper()
	if k.closed || k.Failed() {
		return
	}
	jobs := k.list(errand.JobFilter{Limit: 1000})
	k.checkCounters(jobs)
	seen := make(map[string]*errand.Job)
	for _, job := range jobs {
		if seen[job.ID] != nil {
			k.Errorf("job %s is listed twice", job.ID)
		}
		seen[job.ID] = job
	}
	for i, job := range jobs {
		if i < 50 || i%20 == 0 { // of long lists, some
			found, err := k.st.Job(k.ctx, job.Queue, job.ID)
			k.ok(err)
			k.same("listed job against Job", found, job)
		}
		k.checkJob(job)
	}
	k.checkRelations(jobs, seen)
}

// checkCounters compares what Queues says with a full listing.
func (k *kit) checkCounters(jobs []*errand.Job) {
	k.Helper()
	counts := make(map[string]map[errand.State]int64)
	oldest := make(map[string]time.Time)
	for _, job := range jobs {
		if counts[job.Queue] == nil {
			counts[job.Queue] = make(map[errand.State]int64)
		}
		counts[job.Queue][job.State]++
		if o := oldest[job.Queue]; job.State == errand.StateQueued && (o.IsZero() || job.ReadyAt.Before(o)) {
			oldest[job.Queue] = job.ReadyAt
		}
	}
	infos, err := k.st.Queues(k.ctx, k.now)
	k.ok(err)
	listed := make(map[string]bool)
	for i, info := range infos {
		listed[info.Name] = true
		if i > 0 && infos[i-1].Name >= info.Name {
			k.Errorf("queues are not sorted: %q before %q", infos[i-1].Name, info.Name)
		}
		for _, state := range errand.States() {
			if got, want := info.Counts[state], counts[info.Name][state]; got != want {
				k.Errorf("queue %q: counts %d %v jobs, lists %d", info.Name, got, state, want)
			}
		}
		if !info.Oldest.Equal(oldest[info.Name]) {
			k.Errorf("queue %q: oldest %v, listing says %v", info.Name, info.Oldest, oldest[info.Name])
		}
	}
	for name := range counts {
		if !listed[name] {
			k.Errorf("queue %q has jobs and is not listed", name)
		}
	}
}

// checkJob compares a job's fields with its state.
func (k *kit) checkJob(job *errand.Job) {
	k.Helper()
	held := job.State == errand.StateStarted
	if held != !job.LeaseUntil.IsZero() {
		k.Errorf("job %s is %v and its lease ends %v", job.ID, job.State, job.LeaseUntil)
	}
	if held && (job.Token < 1 || job.Worker == "" || job.Attempt < 1) {
		k.Errorf("started job %s: token %d, worker %q, attempt %d", job.ID, job.Token, job.Worker, job.Attempt)
	}
	if job.State.Final() != !job.EndedAt.IsZero() {
		k.Errorf("job %s is %v and ended %v", job.ID, job.State, job.EndedAt)
	}
	if len(job.Result) > 0 && job.State != errand.StateFinished {
		k.Errorf("job %s is %v and has a result", job.ID, job.State)
	}
	if len(job.Attempts) > errand.MaxAttemptRecords {
		k.Errorf("job %s has %d attempt records", job.ID, len(job.Attempts))
	}
	for _, t := range []time.Time{job.CreatedAt, job.ReadyAt, job.StartedAt, job.EndedAt, job.LeaseUntil, job.RunAt, job.UnknownSince} {
		if t.Location() != time.UTC || !t.Equal(t.Truncate(time.Microsecond)) {
			k.Errorf("job %s: time %v is not UTC to the microsecond", job.ID, t)
		}
	}
	if job.CreatedAt.IsZero() || job.ReadyAt.IsZero() {
		k.Errorf("job %s: created %v, ready %v", job.ID, job.CreatedAt, job.ReadyAt)
	}
}

// checkRelations looks for stranded children and for unique keys that two living jobs hold.
func (k *kit) checkRelations(jobs []*errand.Job, byID map[string]*errand.Job) {
	k.Helper()
	type key struct{ queue, key string }
	holders := make(map[key]string)
	for _, job := range jobs {
		if job.State == errand.StateDeferred && !slices.ContainsFunc(job.DependsOn, func(id string) bool {
			return byID[id] != nil && !byID[id].State.Final()
		}) {
			k.Errorf("job %s is deferred and no job that it depends on is alive", job.ID)
		}
		if job.UniqueKey != "" && job.UniqueFor == 0 && !job.State.Final() {
			if other := holders[key{job.Queue, job.UniqueKey}]; other != "" {
				k.Errorf("jobs %s and %s both hold unique key %q", other, job.ID, job.UniqueKey)
			}
			holders[key{job.Queue, job.UniqueKey}] = job.ID
		}
	}
}
