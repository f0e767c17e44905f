package storeclock

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// source is a store whose clock is ahead of this machine's, and which can be slow or away.
type source struct {
	ahead time.Duration
	slow  time.Duration
	err   error
	asked int
}

func (s *source) Now(context.Context) (time.Time, error) {
	s.asked++
	<-time.After(s.slow)
	return time.Now().Add(s.ahead - s.slow/2), s.err
}

// TestClock proves that the clock tells the source's time, asks rarely, and survives a source that goes away.
func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{ahead: time.Hour, err: errors.New("away")}
		c := New(s)
		if _, err := c.Now(t.Context()); !errors.Is(err, s.err) {
			t.Fatalf("Now of a source that never answered: %v, want its error", err)
		}
		s.err = nil
		check := func(asked int) {
			t.Helper()
			now, err := c.Now(t.Context())
			if want := time.Now().Add(time.Hour); err != nil || !now.Equal(want) {
				t.Errorf("Now = %v, %v; want %v", now, err, want)
			}
			if known := c.Known(); !known.Equal(now) {
				t.Errorf("Known = %v, Now = %v", known, now)
			}
			if s.asked != asked {
				t.Errorf("the source was asked %d times, want %d", s.asked, asked)
			}
		}
		check(2)
		<-time.After(remeasure - time.Second)
		check(2)
		<-time.After(time.Second)
		s.slow = 10 * time.Millisecond
		check(3)
		s.err = errors.New("away")
		<-time.After(remeasure)
		check(4)
	})
}

// TestClockDoesNotWait proves that a source which does not answer holds up only the one who asks.
func TestClockDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{}
		c := New(s)
		if _, err := c.Now(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-time.After(remeasure)
		s.slow = time.Hour
		var asker sync.WaitGroup
		defer asker.Wait()
		asker.Go(func() { _, _ = c.Now(context.Background()) })
		synctest.Wait()
		begin := time.Now()
		if _, err := c.Now(t.Context()); err != nil || time.Since(begin) > 0 {
			t.Errorf("Now took %v, %v", time.Since(begin), err)
		}
	})
}
