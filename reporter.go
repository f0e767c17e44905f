package errand

import (
	"sync"
	"time"
)

// reportEvery is the pace at which progress is stored.
const reportEvery = 250 * time.Millisecond

// reporter stores what running attempts say of themselves, all in one request and not more often than makes sense.
type reporter struct {
	engine *engine
	signal chan struct{}

	mu    sync.Mutex
	dirty []*JobInfo
}

func newReporter(e *engine) *reporter {
	return &reporter{engine: e, signal: make(chan struct{}, 1)}
}

// add notes that an attempt has something to say.
func (r *reporter) add(i *JobInfo) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dirty = append(r.dirty, i)
	poke(r.signal)
}

// run stores progress until over is closed. The first word goes out at once, further ones at the reporter's pace.
func (r *reporter) run(over <-chan struct{}) {
	for {
		select {
		case <-r.signal:
			r.flush()
		case <-over:
			return
		}
		t := time.NewTimer(reportEvery)
		select {
		case <-t.C:
		case <-over:
			t.Stop()
			return
		}
	}
}

func (r *reporter) flush() {
	r.mu.Lock()
	dirty := r.dirty
	r.dirty = nil
	r.mu.Unlock()
	var reports []ProgressReport
	for _, i := range dirty {
		if p, ok := i.takeReport(); ok {
			reports = append(reports, p)
		}
	}
	if len(reports) == 0 {
		return
	}
	ctx, cancel := r.engine.callContext()
	defer cancel()
	if _, err := r.engine.store.Report(ctx, reports); err != nil {
		r.engine.trouble("report", err) // progress is a courtesy: the next word replaces this one
	}
}
