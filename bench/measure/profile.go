package measure

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"time"

	"github.com/errandhq/errand/bench/peer"
)

// profiles writes down what Errand's process spends its time on, in Config.Profiles: the ten most expensive functions of
// enqueueing by 64 producers, in bulk, and of draining at concurrency 100.
func (b *bench) profiles(ctx context.Context, store peer.Store, _ []peer.Entry) error {
	if b.Profiles == "" {
		return nil
	}
	if err := os.MkdirAll(b.Profiles, 0o755); err != nil { //nolint:gosec // it is for everybody
		return err
	}
	e, err := peer.Find(store, "Errand")
	if err != nil {
		return err
	}
	return b.opened(ctx, e, func(s peer.System, _ string) error {
		b.Phase *= 5 // a profile has 100 samples a second
		defer func() { b.Phase /= 5 }()
		c := cycle{enqueue: Enqueue64, producers: 64, drain: "profile", concurrency: 100, bytes: small}
		size, err := b.size(ctx, e, s, c)
		if err != nil {
			return err
		}
		jobs := work(0, size.enqueue, text(small))
		err = b.profile(store, Enqueue64, size.enqueue, func() error { return produce(ctx, s, 64, jobs) })
		if err == nil {
			_, err = drain(ctx, s, 100, size.enqueue)
		}
		jobs = work(0, size.drain, text(small))
		if err == nil {
			err = b.profile(store, EnqueueBulk, size.drain, func() error { return bulk(ctx, s, jobs) })
		}
		if err == nil {
			err = b.profile(store, Drain100, size.drain, func() error {
				_, err := drain(ctx, s, 100, size.drain)
				return err
			})
		}
		return err
	})
}

func (b *bench) profile(store peer.Store, what string, jobs int, do func() error) error {
	f, err := os.CreateTemp(b.dir, "*.pprof")
	if err != nil {
		return err
	}
	defer f.Close()
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	client, server, began := cpuSeconds([]int{os.Getpid()}), cpuSeconds(b.pids(store)), time.Now()
	err = do()
	took := time.Since(began).Seconds()
	client, server = cpuSeconds([]int{os.Getpid()})-client, cpuSeconds(b.pids(store))-server
	pprof.StopCPUProfile()
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s, %s: %d jobs in %.2f s; of a core, this process used %.2f", store.Title(), what, jobs, took, (client-server)/took)
	if server > 0 {
		fmt.Fprintf(&text, " and the server %.2f", server/took)
	}
	text.WriteString("\n\n")
	for _, order := range []string{"-flat", "-cum"} {
		cmd := exec.Command("go", "tool", "pprof", "-top", order, "-nodecount=25", self, f.Name()) //nolint:noctx // it ends by itself
		cmd.Stdout = &text
		if err := cmd.Run(); err != nil {
			return err
		}
		text.WriteString("\n")
	}
	return os.WriteFile(filepath.Join(b.Profiles, fmt.Sprintf("%s-%s.pprof.txt", store, what)), text.Bytes(), 0o644) //nolint:gosec // it is for everybody
}
