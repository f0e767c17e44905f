package sample

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/errandhq/errand"
)

// Evil is markup that would run if a page let it.
const Evil = `"><script>document.title='pwned'</script><img src=x onerror=alert(1)>'{{.}}javascript:alert(1)`

// Hostile makes jobs and workers that bring markup wherever text can come from.
func Hostile(ctx context.Context, st errand.Store) error {
	now, err := st.Now(ctx)
	if err != nil {
		return err
	}
	f := &filler{ctx: ctx, st: st, now: now}
	f.put(time.Minute, errand.JobSpec{Queue: "javascript:alert.1", Task: "javascript:alert.1", Payload: []byte(`{"x":` + fmt.Sprintf("%q", Evil) + `}`), UniqueKey: Evil})
	f.run(30*time.Second, "javascript:alert.1", 1, func(_ int, job *errand.Job) errand.Outcome {
		rec := f.record(job, errand.EventFailed, time.Second)
		rec.Error, rec.Stack, rec.Worker = Evil, Evil+"\n\t"+Evil, Evil
		rec.Chain, rec.Log = []string{Evil}, []string{Evil, "\x1b[31mred\x07\u202e"}
		return errand.Outcome{Event: errand.EventFailed, Record: rec}
	})
	f.put(time.Minute, errand.JobSpec{Queue: "javascript:alert.1", Task: "bytes", Payload: []byte{0xff, 0xfe, 0, 1, '<'}})
	f.keep(nil, f.st.Heartbeat(ctx, errand.WorkerRecord{
		ID: Evil, Kind: "worker", Host: Evil, Version: Evil, Queues: []string{Evil}, Tasks: []string{Evil}, Concurrency: 1,
		StartedAt: now, SeenAt: now, Every: time.Minute,
		Running: []errand.RunningJob{{ID: Evil, Queue: Evil, Task: Evil, StartedAt: now, Stuck: true}},
	}))
	f.keep(nil, st.RecordAudit(ctx, errand.AuditEntry{ID: errand.NewID(), At: now, Who: Evil, Via: Evil, Action: Evil, Target: Evil, Detail: "\u202eevil"}))
	f.keep(nil, f.st.Heartbeat(ctx, errand.WorkerRecord{ID: "plain", Kind: "worker", StartedAt: now, SeenAt: now, Every: time.Minute,
		Tasks: []string{"javascript:alert.1"}, Schemas: map[string]json.RawMessage{"javascript:alert.1": []byte(`{"description":` + fmt.Sprintf("%q", Evil) + `}`), "broken": []byte(`{"type":7`)}}))
	return f.err
}

// Huge makes a job and a name as long as they may be.
func Huge(ctx context.Context, st errand.Store) error {
	now, err := st.Now(ctx)
	if err != nil {
		return err
	}
	f := &filler{ctx: ctx, st: st, now: now}
	name := strings.Repeat("n", errand.MaxNameBytes)
	for range 300 {
		f.put(time.Minute, errand.JobSpec{Queue: name, Task: name, Payload: []byte(`["` + strings.Repeat("x", 2000) + `"]`)})
	}
	f.put(time.Hour, errand.JobSpec{Queue: "huge", Task: name, Payload: []byte(`["` + strings.Repeat("x", errand.MaxPayloadBytes-4) + `"]`)})
	f.run(30*time.Second, "huge", 1, func(_ int, job *errand.Job) errand.Outcome {
		rec := f.record(job, errand.EventFailed, time.Second)
		rec.Error = strings.Repeat("e", errand.MaxErrorBytes)
		rec.Stack = strings.Repeat(strings.Repeat("f", 200)+"()\n\t/"+strings.Repeat("g", 200)+".go:1\n", 70)
		for range errand.MaxLogLines {
			rec.Log = append(rec.Log, strings.Repeat("l", errand.MaxLogLineBytes))
		}
		return errand.Outcome{Event: errand.EventFailed, Record: rec}
	})
	return f.err
}
