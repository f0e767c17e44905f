package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/errandhq/errand"
)

// demoQueue is the queue of the demo's jobs.
const demoQueue = "demo"

// fileJob is the payload of a job per file.
type fileJob struct {
	Path string `json:"path"`
	Raw  []byte `json:"raw,omitempty"` // the path's bytes where they are no UTF-8, which JSON cannot hold
}

// fileResult is what such a job finds out.
type fileResult struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	Lines  int64  `json:"lines"` // newline characters, as wc -l counts them
	SHA256 string `json:"sha256"`
}

func newFileJob(path string) fileJob {
	if utf8.ValidString(path) {
		return fileJob{Path: path}
	}
	return fileJob{Path: strings.ToValidUTF8(path, "\uFFFD"), Raw: []byte(path)}
}

// demoResultsKept is how long the demo's results can be looked at.
const demoResultsKept = time.Hour

var (
	demoDigest = errand.Define("demo.digest", digestFile, errand.KeepResult(demoResultsKept))
	// What follows fails: with an error that a missing file causes, with a panic, by its timeout, and twice before it
	// succeeds.
	demoImport = errand.Define("demo.import", importPrices, errand.KeepResult(demoResultsKept))
	demoPanic  = errand.DefineFunc("demo.panic", func(_ context.Context, line string) error {
		_, err := parsePrice(line)
		return err
	})
	demoSlow = errand.DefineFunc("demo.slow", func(ctx context.Context, host string) error {
		<-ctx.Done() // a server that never answers
		return fmt.Errorf("fetch exchange rates from %s: %w", host, context.Cause(ctx))
	}, errand.Timeout(300*time.Millisecond))
	demoFlaky = errand.Define("demo.flaky", sendMail, errand.KeepResult(demoResultsKept),
		errand.Retry(2, errand.Fixed(200*time.Millisecond)))
)

// demoTasks returns the demo's tasks but those whose names are taken.
func demoTasks(taken []errand.AnyTask) []errand.AnyTask {
	tasks := []errand.AnyTask{demoDigest, demoImport, demoPanic, demoSlow, demoFlaky}
	names := taskNames(taken)
	return slices.DeleteFunc(tasks, func(t errand.AnyTask) bool { return slices.Contains(names, t.Name()) })
}

func digestFile(ctx context.Context, in fileJob) (fileResult, error) {
	path := in.Path
	if len(in.Raw) > 0 {
		path = string(in.Raw)
	}
	f, err := os.Open(path)
	if err != nil {
		return fileResult{}, fmt.Errorf("digest file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fileResult{}, fmt.Errorf("digest file: %w", err)
	}
	result := fileResult{Path: in.Path}
	hash := sha256.New()
	buffer := make([]byte, min(max(info.Size()+1, 512), 128<<10)) // most files are small
	for {
		if err := context.Cause(ctx); err != nil {
			return fileResult{}, fmt.Errorf("digest file %s: %w", in.Path, err)
		}
		n, err := f.Read(buffer)
		hash.Write(buffer[:n])
		result.Size += int64(n)
		result.Lines += int64(bytes.Count(buffer[:n], []byte{'\n'}))
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fileResult{}, fmt.Errorf("digest file: %w", err)
		}
	}
	result.SHA256 = hex.EncodeToString(hash.Sum(nil))
	return result, nil
}

// importPrices adds up a price list.
func importPrices(_ context.Context, path string) (float64, error) {
	list, err := readPrices(path)
	if err != nil {
		return 0, fmt.Errorf("import the price list: %w", err)
	}
	sum := 0.0
	for _, line := range list {
		price, err := parsePrice(line)
		if err != nil {
			return 0, fmt.Errorf("import the price list: %w", err)
		}
		sum += price
	}
	return sum, nil
}

func readPrices(path string) ([]string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("supplier has sent no list: %w", err)
	}
	return strings.Split(strings.TrimSpace(string(content)), "\n"), nil
}

// parsePrice reads the third column. Of a line with two it makes the panic that the demo shows.
func parsePrice(line string) (float64, error) {
	columns := strings.Split(line, ",")
	return strconv.ParseFloat(columns[2], 64)
}

// sendMail meets a server that is busy twice.
func sendMail(ctx context.Context, to string) (string, error) {
	job, ok := errand.JobFromContext(ctx)
	if !ok {
		return "", errors.New("not called as a job")
	}
	job.Logf("attempt %d: calling the mail server", job.Attempt)
	if job.Attempt <= 2 {
		return "", fmt.Errorf("send mail to %s: %w", to, errors.New("451 server busy, try again later"))
	}
	return fmt.Sprintf("sent to %s at the third attempt", to), nil
}
