package measure

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// alarm waits to within some microseconds. A sleep of Go's runtime is too coarse for a network: where nothing else is to do
// it is rounded up to a whole millisecond, which made a round trip of one millisecond take more than two.
type alarm struct{ timer *os.File }

func newAlarm() (*alarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("timerfd_create", err)
	}
	return &alarm{os.NewFile(uintptr(fd), "timer")}, nil
}

// sleep returns after d.
func (a *alarm) sleep(d time.Duration) error {
	if d <= 0 {
		return nil
	}
	raw, err := a.timer.SyscallConn()
	if err != nil {
		return err
	}
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(d.Nanoseconds())}
	var set error
	if err := raw.Control(func(fd uintptr) { set = unix.TimerfdSettime(int(fd), 0, &spec, nil) }); err != nil {
		return err
	}
	if set != nil {
		return os.NewSyscallError("timerfd_settime", set)
	}
	var expirations [8]byte
	_, err = a.timer.Read(expirations[:])
	return err
}

func (a *alarm) close() error { return a.timer.Close() }
