package initproc

import (
	"os"
	"os/signal"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// Run does what c says and returns the exit code. It is the body of the
// container process, to be called once at its start: signal dispositions of
// the whole process change.
func (c Command) Run() int {
	signals := make(chan os.Signal, 1)
	for _, sig := range handled() {
		if slices.Contains(c.Ignore, sig) {
			signal.Ignore(sig)
		} else {
			signal.Notify(signals, sig)
		}
	}
	quit := make(chan os.Signal, 1)
	signal.Notify(quit, Quit)
	// It is for others to see and no part of what the process does, which goes on
	// where there is no /proc.
	_ = os.WriteFile("/proc/self/comm", []byte(ReadyName), 0)
	var timeout <-chan time.Time
	if c.ExitAfter != Forever {
		timeout = time.After(c.ExitAfter)
	}
	if c.Spin {
		go func() {
			for {
				runtime.Gosched()
			}
		}()
	}
	for {
		select {
		case sig := <-signals:
			if sig, ok := sig.(syscall.Signal); ok {
				return 128 + int(sig)
			}
		case <-timeout:
			return c.Code
		case <-quit:
			return c.Code
		}
	}
}
