package cli

import (
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress shows how far something is that takes long: on a terminal only.
type progress struct{ bar *progressbar.ProgressBar }

// newProgress starts a bar on standard error. A total below 0 is one that is not known.
func (s *session) newProgress(what string, total int64) *progress {
	if !s.err.terminal || s.json {
		return &progress{}
	}
	width := min(40, max(10, s.err.width()-60))
	return &progress{bar: progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(s.err),
		progressbar.OptionSetDescription(what),
		progressbar.OptionSetWidth(width),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(),
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionSetPredictTime(false),
		progressbar.OptionSetItsString("jobs"),
		progressbar.OptionThrottle(60*time.Millisecond),
		progressbar.OptionUseANSICodes(true),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetTheme(progressbar.Theme{
			Saucer: "█", SaucerHead: "█", SaucerPadding: "░", BarStart: "", BarEnd: "",
		}),
	)}
}

// set says how many are done. With the first the bar appears: before, there is no rate to tell.
func (p *progress) set(n int64) {
	if p.bar != nil && n > 0 {
		_ = p.bar.Set64(n) // it fails only where the bar is over, and then there is nothing to show
	}
}

// end takes the bar away.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
