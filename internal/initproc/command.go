package initproc

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Path is where the root filesystem has the process.
const Path = "/init"

// Forever as [Command.ExitAfter] means that the process does not end by itself.
const Forever time.Duration = -1

// Quit is the signal that makes the process end with [Command.Code] at once.
const Quit = syscall.SIGUSR1

// ReadyName is the name that the process gives itself, in /proc/PID/comm, when
// it obeys signals.
const ReadyName = "startrace-ready"

// Command says what the process does. The zero value ends at once with code 0.
type Command struct {
	// ExitAfter is the time from start to exit, or [Forever].
	ExitAfter time.Duration
	// Code is the exit code after ExitAfter or [Quit], 0 to 255.
	Code int
	// Ignore lists the signals without effect: HUP, INT, QUIT, TERM. Each of
	// them not listed ends the process with code 128 plus its number, as a
	// shell would report it.
	Ignore []syscall.Signal
	// Spin keeps one processor busy until the process ends.
	Spin bool
	// Print is a line for stdout, written at the start and then, if Every is not
	// 0, whenever that time has passed, with a number at its end that counts from
	// 1. Empty: nothing is written.
	Print string
	Every time.Duration
	// Leave is how long a process lives that is started first, has the same
	// streams and is left behind; 0: none is.
	Leave time.Duration
	// Facts is the path of a file, as the process sees it, to which it adds what
	// happens to it; see [Fact]. It holds a lock on the file while it lives. Signals
	// of Ignore are then noted and have no effect. Empty: nothing is written.
	Facts string
}

// Args returns the argument vector, beginning with [Path].
func (c Command) Args() []string {
	args := []string{Path}
	if c.ExitAfter != Forever {
		args = append(args, "--exit-after="+c.ExitAfter.String())
	}
	if c.Code != 0 {
		args = append(args, "--code="+strconv.Itoa(c.Code))
	}
	if len(c.Ignore) > 0 {
		args = append(args, "--ignore="+signalList(c.Ignore).String())
	}
	if c.Spin {
		args = append(args, "--spin")
	}
	if c.Print != "" {
		args = append(args, "--print="+c.Print)
	}
	if c.Every != 0 {
		args = append(args, "--every="+c.Every.String())
	}
	if c.Leave != 0 {
		args = append(args, "--leave="+c.Leave.String())
	}
	if c.Facts != "" {
		args = append(args, "--facts="+c.Facts)
	}
	return args
}

// Parse is the inverse of [Command.Args]. It accepts the flags in any order
// and does not look at args[0].
func Parse(args []string) (Command, error) {
	if len(args) == 0 {
		return Command{}, errors.New("initproc: empty argument vector")
	}
	c := Command{ExitAfter: Forever}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	duration := func(d *time.Duration) func(string) error {
		return func(s string) (err error) {
			if *d, err = time.ParseDuration(s); err == nil && *d < 0 {
				err = errors.New("negative")
			}
			return err
		}
	}
	flags.Func("exit-after", "time until exit", duration(&c.ExitAfter))
	flags.Func("every", "time between lines", duration(&c.Every))
	flags.Func("leave", "how long a process lives that is left behind", duration(&c.Leave))
	flags.StringVar(&c.Facts, "facts", "", "file for what happens")
	flags.StringVar(&c.Print, "print", "", "line for stdout")
	flags.Func("code", "exit code", func(s string) error {
		n, err := strconv.ParseUint(s, 10, 8)
		c.Code = int(n)
		return err
	})
	flags.Var((*signalList)(&c.Ignore), "ignore", "signals to ignore")
	flags.BoolVar(&c.Spin, "spin", false, "burn a processor")
	if err := flags.Parse(args[1:]); err != nil {
		return Command{}, fmt.Errorf("initproc: %w", err)
	}
	if flags.NArg() > 0 {
		return Command{}, fmt.Errorf("initproc: unexpected argument %q", flags.Arg(0))
	}
	return c, nil
}

// signalList is a comma-separated list of signal names without SIG.
type signalList []syscall.Signal

func (l signalList) String() string {
	names := make([]string, 0, len(l))
	for _, sig := range l {
		names = append(names, signalName(sig))
	}
	return strings.Join(names, ",")
}

func (l *signalList) Set(s string) error {
	for name := range strings.SplitSeq(s, ",") {
		i := slices.IndexFunc(handled(), func(sig syscall.Signal) bool { return signalName(sig) == name })
		if i < 0 {
			return fmt.Errorf("unknown signal %q", name)
		}
		*l = append(*l, handled()[i])
	}
	return nil
}

// handled lists the signals that end the process unless ignored.
func handled() []syscall.Signal {
	return []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM}
}

func signalName(sig syscall.Signal) string {
	switch sig {
	case syscall.SIGHUP:
		return "HUP"
	case syscall.SIGINT:
		return "INT"
	case syscall.SIGQUIT:
		return "QUIT"
	case syscall.SIGTERM:
		return "TERM"
	default:
		return strconv.Itoa(int(sig))
	}
}
