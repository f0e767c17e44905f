package sqlserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"syscall"
	"time"
)

// Between one try to reach a server and the next.
const (
	firstPause  = 50 * time.Millisecond
	longestRest = time.Second
)

// Await tries to open what may not be there yet, until it is, or patience or ctx ends. absent says of which errors that is
// what they mean; others are returned at once, for waiting mends no wrong password.
func Await(ctx context.Context, patience time.Duration, absent func(error) bool, open func(context.Context) error) error {
	enough := time.NewTimer(max(patience, 0))
	defer enough.Stop()
	for pause := firstPause; ; pause = min(2*pause, longestRest) {
		err := open(ctx)
		if err == nil || !absent(err) {
			return err
		}
		select {
		case <-enough.C: // first where both are ready: without patience there is one try
			return err
		default:
		}
		select {
		case <-enough.C:
			return err
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// Unreachable reports whether an error of connecting says that nothing answers at the address, or that what did went away: a
// server that is being stopped or started resets connections.
func Unreachable(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial" || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// NotThere is what an error says besides that nothing answers.
const NotThere = ": is the server running there? wait=30s in the URL has Open wait for it"

// WaitParameter takes the setting wait out of those of a URL: how long Open waits for the server.
func WaitParameter(settings url.Values) (time.Duration, error) {
	text := settings.Get("wait")
	settings.Del("wait")
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("wait=%.50s: use a duration, as in wait=30s", text)
	}
	return d, nil
}
