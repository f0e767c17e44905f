package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"
)

// TestLogIsWrittenBack proves that the log gets into the database while the writer goes on, long before it would do that itself,
// and that nothing is amiss then.
func TestLogIsWrittenBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jobs.db")
	st := openAt(t, path)
	const rounds, jobs, payload = 8, 1000, 3000 // of which the pages are more than start it, and fewer than the writer waits for
	for range rounds {
		all := specs(jobs)
		for i := range all {
			all[i].Payload = make([]byte, payload)
		}
		if err := enqueue(st, all...); err != nil {
			t.Fatal(err)
		}
	}
	st.AwaitCheckpoint()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := int64(rounds * jobs * payload / 4); info.Size() < want {
		t.Errorf("the database has %d bytes, want %d at least", info.Size(), want)
	}
	checkIntegrity(t, path)
	if queued := counted(t, st).Enqueued.Total; queued != rounds*jobs {
		t.Errorf("%d jobs are counted, want %d", queued, rounds*jobs)
	}
}
