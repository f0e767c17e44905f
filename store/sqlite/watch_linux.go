package sqlite

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// inotify is a logWatch by Linux's inotify. It does not open the log, so it cannot disturb SQLite's locks.
type inotify struct {
	events *os.File
	buffer [4096]byte
}

// openLogWatch watches a file that exists.
func openLogWatch(path string) logWatch {
	fd, err := syscall.InotifyInit1(syscall.IN_CLOEXEC | syscall.IN_NONBLOCK)
	if err != nil {
		return blind{make(chan struct{})} // there are too many, in all
	}
	events := os.NewFile(uintptr(fd), "inotify")
	if _, err := syscall.InotifyAddWatch(fd, path, syscall.IN_MODIFY); err != nil {
		_ = events.Close()
		return blind{make(chan struct{})}
	}
	return &inotify{events: events}
}

func (n *inotify) wait(d time.Duration) bool {
	if err := n.events.SetReadDeadline(time.Now().Add(d)); err != nil {
		return false
	}
	_, err := n.events.Read(n.buffer[:])
	return err == nil || !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, os.ErrClosed)
}

func (n *inotify) close() { _ = n.events.Close() }
