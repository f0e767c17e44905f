package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/errandhq/errand"
	"github.com/errandhq/errand/store/internal/sqlstore"
	"github.com/errandhq/errand/store/sqlite"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newSpec(payload []byte) errand.JobSpec {
	return errand.JobSpec{ID: errand.NewID(), Queue: "q", Task: "task", Payload: payload}
}

func enqueue(st errand.Store, specs ...errand.JobSpec) error {
	errs, err := st.Enqueue(context.Background(), errand.EnqueueRequest{Now: now, Groups: [][]errand.JobSpec{specs}})
	if err != nil {
		return err
	}
	return errs[0]
}

func claim(t testing.TB, st errand.Store, number int64, limit int) []*errand.Job {
	t.Helper()
	reply, err := st.Claim(context.Background(), errand.ClaimRequest{
		Now: now, Worker: "w", Number: number, Queues: []string{"q"}, Limit: limit, Lease: time.Minute, MaxRecoveries: 3,
	})
	if err != nil {
		t.Fatal(err)
	}
	return reply.Jobs
}

// wantError fails unless err wraps the kind and says all the words.
func wantError(t testing.TB, err, kind error, words ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("got error %v, want one that wraps %q", err, kind)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %q does not say %q", err, word)
		}
	}
}

// TestOpenRefuses proves that a path or option that cannot be is an error that says what is wrong.
func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "notes.txt")
	content := []byte(strings.Repeat("this is not a database\n", 100))
	if err := os.WriteFile(text, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, path string
		opts       []sqlite.Option
		kind       error
		words      []string
	}{
		{"no path", "", nil, errand.ErrInvalid, []string{"name a file"}},
		{"memory", ":memory:", nil, errand.ErrInvalid, []string{"package memory"}},
		{"unknown mode", filepath.Join(dir, "a.db"), []sqlite.Option{sqlite.Synchronous("OFF")}, errand.ErrInvalid, []string{"Synchronous", "OFF"}},
		{"bad timeout", filepath.Join(dir, "a.db"), []sqlite.Option{sqlite.LockTimeout(-1)}, errand.ErrInvalid, []string{"LockTimeout"}},
		{"directory", dir, nil, errand.ErrUnavailable, []string{dir, "is a directory"}},
		{"no parent", filepath.Join(dir, "none", "a.db"), nil, errand.ErrUnavailable, []string{filepath.Join(dir, "none"), "make it first"}},
		{"parent is a file", filepath.Join(text, "a.db"), nil, errand.ErrUnavailable, []string{text}},
		{"not a database", text, nil, errand.ErrCorrupt, []string{text, "not an SQLite database"}},
		{"missing and not to be made", filepath.Join(dir, "b.db"), []sqlite.Option{sqlite.NoMigrate()}, errand.ErrUnavailable, []string{"NoMigrate"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			st, err := sqlite.Open(t.Context(), c.path, c.opts...)
			if err == nil {
				st.Close()
			}
			wantError(t, err, c.kind, append(c.words, "open sqlite")...)
		})
	}
	if got, err := os.ReadFile(text); err != nil || !bytes.Equal(got, content) {
		t.Errorf("the file that is no database was changed: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := sqlite.Open(ctx, filepath.Join(dir, "c.db")); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
}

// TestFileMode proves that only its owner can read the database and what SQLite keeps beside it, and that odd
// characters in a path are only characters.
func TestFileMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?mode=memory#%41&c.db")
	st := openAt(t, path)
	if err := enqueue(st, newSpec(nil)); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v", info.Name(), info.Mode())
		}
	}
}

// TestCorrupt proves that damage to the file is reported as such, and names the file.
func TestCorrupt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jobs.db")
	st := openAt(t, path)
	specs := make([]errand.JobSpec, 500)
	for i := range specs {
		specs[i] = newSpec(bytes.Repeat([]byte{1}, 500))
	}
	if err := enqueue(st, specs...); err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range file[8192:] { // the first pages hold the schema
		file[8192+i] ^= 0xa5
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	st, err = sqlite.Open(t.Context(), path)
	if err == nil {
		defer st.Close()
		_, err = st.Jobs(t.Context(), errand.JobFilter{})
	}
	wantError(t, err, errand.ErrCorrupt, path, ".recover")
}

// TestReadOnly proves that a file or directory that may not be written is an error that says so.
func TestReadOnly(t *testing.T) {
	newDir := func() string {
		dir, err := os.MkdirTemp("", "errand")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = os.Chmod(dir, 0o700)
			_ = os.RemoveAll(dir)
		})
		return dir
	}
	chmod := func(path string, mode os.FileMode) {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	newFile := func(dir string) string {
		path := filepath.Join(dir, "jobs.db")
		if err := openAt(t, path).Close(); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct {
		name string
		path func() string
	}{
		{"new file in a directory that may not be written", func() string {
			dir := newDir()
			chmod(dir, 0o555)
			return filepath.Join(dir, "jobs.db")
		}},
		{"file that may not be written", func() string {
			path := newFile(newDir())
			chmod(filepath.Dir(path), 0o755)
			chmod(path, 0o444)
			return path
		}},
		{"file in a directory that may not be written", func() string {
			path := newFile(newDir())
			chmod(path, 0o666)
			chmod(filepath.Dir(path), 0o555)
			return path
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := c.path()
			var err error
			unprivileged(t, func() {
				var st *sqlite.Store
				if st, err = sqlite.Open(t.Context(), path); err == nil {
					st.Close()
				}
			})
			wantError(t, err, errand.ErrUnavailable, path, "permission")
		})
	}
}

// TestFull proves that a full disk refuses what does not fit, keeps all that was acknowledged, and is got over.
func TestFull(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jobs.db")
	st := openAt(t, path)
	pages, err := st.Pages()
	if err != nil {
		t.Fatal(err)
	}
	if err := st.LimitPages(pages + 50); err != nil {
		t.Fatal(err)
	}
	in := fill(t, st, path)
	if err := st.LimitPages(1 << 30); err != nil {
		t.Fatal(err)
	}
	checkFilled(t, st, in)
	checkIntegrity(t, path)
}

// fill enqueues until the disk is full, from several goroutines, so that groups are hit, and returns the ids that were
// acknowledged.
func fill(t *testing.T, st errand.Store, path string) map[string]bool {
	t.Helper()
	in := make(map[string]bool)
	var mu sync.Mutex
	var wg sync.WaitGroup
	payload := bytes.Repeat([]byte{7}, 3000)
	for range 4 {
		wg.Go(func() {
			for range 2000 {
				spec := newSpec(payload)
				err := enqueue(st, spec)
				if err != nil {
					if !errors.Is(err, errand.ErrUnavailable) || !strings.Contains(err.Error(), "disk is full") || !strings.Contains(err.Error(), path) {
						t.Errorf("got %v", err)
					}
					return
				}
				mu.Lock()
				in[spec.ID] = true
				mu.Unlock()
			}
			t.Error("the disk does not get full")
		})
	}
	wg.Wait()
	if len(in) == 0 {
		t.Error("nothing was acknowledged")
	}
	return in
}

// checkFilled proves that exactly the acknowledged jobs are there, and that more go in again.
func checkFilled(t *testing.T, st errand.Store, in map[string]bool) {
	t.Helper()
	jobs := claim(t, st, 1, len(in)+10)
	for _, job := range jobs {
		if !in[job.ID] {
			t.Errorf("job %s was refused and is there", job.ID)
		}
	}
	if len(jobs) != len(in) {
		t.Errorf("%d jobs are there, %d were acknowledged", len(jobs), len(in))
	}
	if err := enqueue(st, newSpec(nil)); err != nil {
		t.Errorf("after it was full: %v", err)
	}
}

// TestMalformed proves that a job that cannot be read fails, shows what it holds, and disturbs nothing else.
func TestMalformed(t *testing.T) {
	for _, column := range []string{"options", "history", "progress"} {
		t.Run(column, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "jobs.db")
			st := openAt(t, path)
			bad, good := newSpec([]byte("payload")), newSpec(nil)
			if err := enqueue(st, bad, good); err != nil {
				t.Fatal(err)
			}
			damage := fmt.Sprintf("UPDATE errand_jobs SET %s = CAST('{garbage' AS BLOB) WHERE seq = 1", column)
			if _, err := user(t, path).Exec(damage); err != nil {
				t.Fatal(err)
			}
			job, err := st.Job(t.Context(), "q", bad.ID)
			if err != nil {
				t.Fatal(err)
			}
			if rec, ok := job.LastError(); !ok || !strings.Contains(rec.Error, "{garbage") {
				t.Errorf("the job does not show what it holds: %+v", job.Attempts)
			}
			jobs := claim(t, st, 1, 10)
			if column == "progress" { // it is begun anew with each attempt
				if len(jobs) != 2 {
					t.Fatalf("claimed %d jobs", len(jobs))
				}
				return
			}
			if len(jobs) != 1 || jobs[0].ID != good.ID {
				t.Fatalf("claimed %d jobs", len(jobs))
			}
			job, err = st.Job(t.Context(), "q", bad.ID)
			if err != nil || job.State != errand.StateFailed || string(job.Payload) != "payload" {
				t.Fatalf("the job is %+v, %v", job, err)
			}
			if reply, err := st.Delete(t.Context(), errand.Command{Now: now, IDs: []string{bad.ID}}); err != nil || reply.Done != 1 {
				t.Errorf("delete: %+v, %v", reply, err)
			}
		})
	}
}

// TestGroup proves that an operation that fails hurts no other of its group.
func TestGroup(t *testing.T) {
	st := openAt(t, filepath.Join(t.TempDir(), "jobs.db"))
	put := func(body string) func(*sqlstore.Session) error {
		return func(s *sqlstore.Session) error {
			return s.Put(errand.PutRequest{Now: now, Queue: "m", Messages: [][]byte{[]byte(body)}})
		}
	}
	broken := errors.New("as asked")
	errs := st.Group(put("a"), func(s *sqlstore.Session) error {
		if err := put("lost")(s); err != nil {
			return err
		}
		return broken
	}, put("b"))
	if errs[0] != nil || !errors.Is(errs[1], broken) || errs[2] != nil {
		t.Errorf("got %v", errs)
	}
	popped, err := st.Pop(t.Context(), now, "m", 10)
	if got := string(bytes.Join(popped, nil)); err != nil || got != "ab" {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestLocked proves that an operation waits for another's lock up to the timeout, that one whose context ends in the
// line is not done, and that all goes on when the lock is free.
func TestLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jobs.db")
	st := openAt(t, path, sqlite.LockTimeout(200*time.Millisecond))
	tx, err := user(t, path).Begin() // takes the lock
	if err != nil {
		t.Fatal(err)
	}
	timedOut := make(chan error, 1)
	go func() { timedOut <- enqueue(st, newSpec(nil)) }()
	wantError(t, <-timedOut, errand.ErrUnavailable, "lock", path)
	waits := make(chan error, 1)
	first, second := newSpec(nil), newSpec(nil)
	go func() { waits <- enqueue(st, first) }()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	// Either it leads and is told of the lock, or it waits in the line and leaves it: it is not done.
	_, err = st.Enqueue(ctx, errand.EnqueueRequest{Now: now, Groups: [][]errand.JobSpec{{second}}})
	if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, errand.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if _, err := st.Job(t.Context(), "", first.ID); !errors.Is(err, errand.ErrJobNotFound) {
		t.Errorf("reading while another writes: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-waits; err != nil && !errors.Is(err, errand.ErrUnavailable) {
		t.Error(err)
	}
	if err := enqueue(st, newSpec(nil)); err != nil {
		t.Error(err)
	}
	if _, err := st.Job(t.Context(), "", second.ID); !errors.Is(err, errand.ErrJobNotFound) {
		t.Errorf("it left the line and was done all the same: %v", err)
	}
}

// TestMigrate proves that many may open a new database at once, that it is made once, and that a newer one is refused.
func TestMigrate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jobs.db")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			st, err := sqlite.Open(t.Context(), path)
			if err != nil {
				t.Error(err)
				return
			}
			if err := enqueue(st, newSpec(nil)); err != nil {
				t.Error(err)
			}
			if err := st.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	st := openAt(t, path, sqlite.NoMigrate())
	if jobs := claim(t, st, 1, 100); len(jobs) != 8 {
		t.Errorf("%d jobs are there, want 8", len(jobs))
	}
	db := user(t, path)
	if _, err := db.Exec("INSERT INTO errand_migrations VALUES (99, 'later', 0)"); err != nil {
		t.Fatal(err)
	}
	_, err := sqlite.Open(t.Context(), path)
	wantError(t, err, errand.ErrUnavailable, "newer", "99", path)

	old := filepath.Join(t.TempDir(), "old.db")
	if err := os.WriteFile(old, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = sqlite.Open(t.Context(), old, sqlite.NoMigrate())
	wantError(t, err, errand.ErrUnavailable, "NoMigrate", "version 0", old)
}

// TestFullDisk proves the same of a real disk. Where none can be mounted, TestFull stands alone.
func TestFullDisk(t *testing.T) {
	dir := smallDisk(t)
	if dir == "" {
		return
	}
	path, ballast := filepath.Join(dir, "jobs.db"), filepath.Join(dir, "ballast")
	// A quarter is for the jobs, and what is freed later is enough to claim them all, which writes each of them anew.
	if err := os.WriteFile(ballast, make([]byte, 3<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	st := openAt(t, path)
	in := fill(t, st, path)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	checkFilled(t, st, in)
	checkIntegrity(t, path)
	if err := st.Close(); err != nil { // before the disk goes
		t.Error(err)
	}
}

// TestTxRefused proves that a transaction on another database, or through another copy of SQLite, is refused and can go
// on.
func TestTxRefused(t *testing.T) {
	dir := t.TempDir()
	st := openAt(t, filepath.Join(dir, "jobs.db"))
	other := openAt(t, filepath.Join(dir, "other.db"))
	foreign := openAt(t, filepath.Join(dir, "jobs.db"))
	foreign.PretendSource("1999-12-31 another")
	link := filepath.Join(dir, "link.db")
	if err := os.Symlink(filepath.Join(dir, "jobs.db"), link); err != nil {
		t.Fatal(err)
	}
	tx, err := user(t, link).Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	spec := newSpec(nil)
	req := errand.EnqueueRequest{Now: now, Groups: [][]errand.JobSpec{{spec}}}
	_, err = other.EnqueueTx(t.Context(), tx, req)
	wantError(t, err, errand.ErrTxUnsupported, "other.db", "jobs.db")
	_, err = foreign.EnqueueTx(t.Context(), tx, req)
	wantError(t, err, errand.ErrTxUnsupported, "1999-12-31 another", "modernc.org/sqlite")
	if _, err := st.EnqueueTx(t.Context(), tx, req); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Job(t.Context(), "q", spec.ID); err != nil {
		t.Error(err)
	}
}
