package initproc

import (
	"fmt"
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
	signals := make(chan os.Signal, 8)
	for _, sig := range handled() {
		if slices.Contains(c.Ignore, sig) && c.Facts == "" {
			signal.Ignore(sig)
		} else {
			signal.Notify(signals, sig)
		}
	}
	quit := make(chan os.Signal, 1)
	signal.Notify(quit, Quit)
	var facts *factFile
	if c.Facts != "" {
		var err error
		if facts, err = openFacts(c.Facts); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 125
		}
	}
	code := c.run(signals, quit, facts)
	facts.write(FactExit, time.Now().UnixNano(), int64(code))
	return code
}

// run is the rest of Run, which begins with the first signals.
func (c Command) run(signals, quit <-chan os.Signal, facts *factFile) int {
	// It is for others to see and no part of what the process does, which goes on
	// where there is no /proc.
	_ = os.WriteFile("/proc/self/comm", []byte(ReadyName), 0)
	if c.Leave != 0 {
		if err := leave(c.Leave); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 125
		}
	}
	c.print(1)
	var every <-chan time.Time
	if c.Print != "" && c.Every != 0 {
		every = time.Tick(c.Every)
	}
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
	for line := 2; ; {
		select {
		case <-every:
			c.print(line)
			line++
		case sig := <-signals:
			number, ok := sig.(syscall.Signal)
			if !ok {
				continue
			}
			facts.write(FactSignal, time.Now().UnixNano(), int64(number))
			if !slices.Contains(c.Ignore, number) {
				return 128 + int(number)
			}
		case <-timeout:
			return c.Code
		case <-quit:
			return c.Code
		}
	}
}

// print writes the line, with a number if there are several.
func (c Command) print(number int) {
	switch {
	case c.Print == "":
	case c.Every == 0:
		fmt.Fprintln(os.Stdout, c.Print)
	default:
		fmt.Fprintln(os.Stdout, c.Print, number)
	}
}

// leave starts a process that outlives this one and has its streams.
func leave(d time.Duration) error {
	_, err := os.StartProcess("/proc/self/exe", Command{ExitAfter: d}.Args(), &os.ProcAttr{
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr},
	})
	return err
}
