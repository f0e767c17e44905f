package measure

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/errandhq/errand/bench/peer"
)

// describeMachine says what the run is on. Dir is where SQLite's files are.
func describeMachine(dir string) []string {
	lines := []string{fmt.Sprintf("%d cores (%s), %s memory", runtime.NumCPU(), procField("/proc/cpuinfo", "model name"), memory())}
	lines = append(lines, fmt.Sprintf("%s, %s %s/%s", system(), runtime.Version(), runtime.GOOS, runtime.GOARCH))
	if each, err := syncTime(dir); err == nil {
		lines = append(lines, fmt.Sprintf("a write of 4 KiB and fsync to the disk take %.2f ms", each.Seconds()*1000))
	}
	return lines
}

// procField returns the value of the first line "name : value" of a file.
func procField(path, name string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(data)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func memory() string {
	var kib float64
	if _, err := fmt.Sscan(procField("/proc/meminfo", "MemTotal"), &kib); err != nil {
		return "unknown"
	}
	return fmt.Sprintf("%.0f GiB", kib/(1<<20))
}

func system() string {
	data, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return runtime.GOOS
	}
	for line := range strings.Lines(string(data)) {
		if name, ok := strings.CutPrefix(line, "PRETTY_NAME="); ok {
			return strings.Trim(strings.TrimSpace(name), `"`)
		}
	}
	return runtime.GOOS
}

// syncTime measures what a durable commit waits for at least.
func syncTime(dir string) (time.Duration, error) {
	f, err := os.Create(filepath.Join(dir, "sync"))
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	block := make([]byte, 4096)
	const times = 50
	began := time.Now()
	for range times {
		if _, err := f.WriteAt(block, 0); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
	}
	return time.Since(began) / times, nil
}

// describe writes down versions and settings of a store and its systems.
func (b *bench) describe(ctx context.Context, store peer.Store, entries []peer.Entry) {
	version, err := b.version(ctx, store)
	if err != nil {
		version = err.Error()
	}
	b.run.Servers = append(b.run.Servers, store.Title()+" "+version)
	for _, e := range entries {
		line := store.Title() + ": " + e.Name
		if v := e.Version(); v != "" {
			line += " " + strings.TrimPrefix(v, "v")
		}
		if strings.HasPrefix(e.Name, "RQ") {
			_, v, _ := peer.RQPython(ctx)
			line += " " + v
		}
		if e.Settings != "" {
			line += "; " + e.Settings
		}
		line += "; in bulk: " + e.Bulk
		b.run.Versions = append(b.run.Versions, line)
	}
}
