package simshim

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/sys/signal"

	"github.com/startrace/startrace/internal/initproc"
)

// Prefix begins the names of all annotations of this package. Annotations with
// other names are not looked at.
const Prefix = "io.startrace.shim/"

// Never as [Behavior.ExitAfter] means that the process does not end by itself.
const Never time.Duration = math.MaxInt64

// Call says what happens to calls of one method for the container's first
// process. The zero value does nothing.
type Call struct {
	Delay time.Duration // before anything else happens
	Err   error         // a class of errdefs, such as errdefs.ErrUnavailable; nil: no failure
	Text  string        // of the error
	Times int           // how many calls fail, the first ones; 0: all
	Late  bool          // they fail after they have had their effect
}

// Order says when Wait answers.
type Order int

// The orders.
const (
	BeforeEvent Order = iota // before the exit event is sent
	AfterEvent               // after it was sent
)

// Behavior is what a container does. The zero value ends at once with code 0.
type Behavior struct {
	Group string // containers of equal groups share a shim; empty: as [GroupOf] says

	Create, Start, Kill, Delete, State, Wait Call

	ExitAfter time.Duration    // from start to exit, or [Never]
	ExitCode  uint32           // 0 to 255
	Quit      syscall.Signal   // ends the process with ExitCode; 0: none does
	Ignore    []syscall.Signal // without effect
	KillAfter time.Duration    // from a signal to the exit it causes

	WaitOrder Order

	EventCopies int           // of the exit event: 0, 1 or 2
	EventDelay  time.Duration // from the exit to the event
	EventCode   *uint32       // that the event carries instead of the exit's; nil: the exit's
}

// setters has what each annotation does, by its name without [Prefix].
var setters = map[string]func(*Behavior, string) error{
	"group":            func(b *Behavior, v string) (err error) { b.Group, err = nonEmpty(v); return err },
	"exit.after":       func(b *Behavior, v string) (err error) { b.ExitAfter, err = durationOrNever(v); return err },
	"exit.code":        func(b *Behavior, v string) (err error) { b.ExitCode, err = code(v); return err },
	"kill.ignore":      func(b *Behavior, v string) (err error) { b.Ignore, err = signals(v); return err },
	"kill.after":       func(b *Behavior, v string) (err error) { b.KillAfter, err = duration(v); return err },
	"wait.order":       func(b *Behavior, v string) (err error) { b.WaitOrder, err = order(v); return err },
	"event.exit":       func(b *Behavior, v string) (err error) { b.EventCopies, err = copies(v); return err },
	"event.exit.delay": func(b *Behavior, v string) (err error) { b.EventDelay, err = duration(v); return err },
	"event.exit.code": func(b *Behavior, v string) error {
		c, err := code(v)
		b.EventCode = &c
		return err
	},
}

func init() {
	for name, call := range map[string]func(*Behavior) *Call{
		"create": func(b *Behavior) *Call { return &b.Create },
		"start":  func(b *Behavior) *Call { return &b.Start },
		"kill":   func(b *Behavior) *Call { return &b.Kill },
		"delete": func(b *Behavior) *Call { return &b.Delete },
		"state":  func(b *Behavior) *Call { return &b.State },
		"wait":   func(b *Behavior) *Call { return &b.Wait },
	} {
		setters[name+".delay"] = func(b *Behavior, v string) (err error) {
			call(b).Delay, err = duration(v)
			return err
		}
		setters[name+".error"] = func(b *Behavior, v string) (err error) {
			call(b).Err, call(b).Text, err = class(v)
			return err
		}
		setters[name+".error.times"] = func(b *Behavior, v string) (err error) {
			call(b).Times, err = times(v)
			return err
		}
		if name == "state" || name == "wait" {
			continue // they have no effect
		}
		setters[name+".error.late"] = func(b *Behavior, v string) (err error) {
			call(b).Late, err = strconv.ParseBool(v)
			return err
		}
	}
}

// Annotations returns the names of all annotations, with [Prefix], sorted.
func Annotations() []string {
	names := slices.Sorted(maps.Keys(setters))
	for i, name := range names {
		names[i] = Prefix + name
	}
	return names
}

// Parse returns what a container with the annotations and the arguments of its
// process does. Annotations win over arguments. An error names the annotation
// that is not known or whose value is not one; of several, the first by name.
func Parse(annotations map[string]string, args []string) (Behavior, error) {
	b, err := behaviorOf(args)
	if err != nil {
		return Behavior{}, err
	}
	b.EventCopies = 1
	for _, name := range slices.Sorted(maps.Keys(annotations)) {
		short, ok := strings.CutPrefix(name, Prefix)
		if !ok {
			continue
		}
		set := setters[short]
		if set == nil {
			return Behavior{}, fmt.Errorf("annotation %s is not known", name)
		}
		if err := set(&b, annotations[name]); err != nil {
			return Behavior{}, fmt.Errorf("annotation %s=%q: %w", name, annotations[name], err)
		}
	}
	for name, call := range map[string]Call{
		"create": b.Create, "start": b.Start, "kill": b.Kill, "delete": b.Delete, "state": b.State, "wait": b.Wait,
	} {
		if call.Err == nil && (call.Times != 0 || call.Late) {
			return Behavior{}, fmt.Errorf("annotation %s%s.error is missing, which the ones that begin with it say more about", Prefix, name)
		}
	}
	return b, nil
}

// behaviorOf returns what a process does that has only arguments.
func behaviorOf(args []string) (Behavior, error) {
	if len(args) == 0 || args[0] != initproc.Path {
		return Behavior{ExitAfter: Never}, nil
	}
	c, err := initproc.Parse(args)
	if err != nil {
		return Behavior{}, fmt.Errorf("arguments of the process: %w", err)
	}
	b := Behavior{ExitAfter: c.ExitAfter, ExitCode: uint32(c.Code), Quit: initproc.Quit, Ignore: c.Ignore}
	if c.ExitAfter == initproc.Forever {
		b.ExitAfter = Never
	}
	return b, nil
}

// ends tells whether a signal ends the process, and with which code.
func (b Behavior) ends(sig syscall.Signal) (code uint32, ends bool) {
	switch sig {
	case syscall.SIGKILL:
		return 128 + uint32(sig), true
	case 0, syscall.SIGCHLD, syscall.SIGURG, syscall.SIGWINCH, syscall.SIGCONT,
		syscall.SIGSTOP, syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU:
		return 0, false // not what a signal of that kind does, or not simulated
	}
	switch {
	case slices.Contains(b.Ignore, sig):
		return 0, false
	case b.Quit == sig:
		return b.ExitCode, true
	}
	return 128 + uint32(sig), true
}

func nonEmpty(v string) (string, error) {
	if v == "" {
		return "", fmt.Errorf("empty")
	}
	return v, nil
}

func duration(v string) (time.Duration, error) {
	d, err := time.ParseDuration(v)
	if err == nil && d < 0 {
		err = fmt.Errorf("negative")
	}
	return d, err
}

func durationOrNever(v string) (time.Duration, error) {
	if v == "never" {
		return Never, nil
	}
	return duration(v)
}

func code(v string) (uint32, error) {
	c, err := strconv.ParseUint(v, 10, 8)
	return uint32(c), err
}

func times(v string) (int, error) {
	n, err := strconv.Atoi(v)
	if err == nil && n < 1 {
		err = fmt.Errorf("less than 1")
	}
	return n, err
}

func order(v string) (Order, error) {
	switch v {
	case "before-event":
		return BeforeEvent, nil
	case "after-event":
		return AfterEvent, nil
	}
	return 0, fmt.Errorf("neither before-event nor after-event")
}

func copies(v string) (int, error) {
	n := slices.Index([]string{"lost", "once", "twice"}, v)
	if n < 0 {
		return 0, fmt.Errorf("neither once, lost nor twice")
	}
	return n, nil
}

func signals(v string) ([]syscall.Signal, error) {
	var list []syscall.Signal
	for name := range strings.SplitSeq(v, ",") {
		sig, err := signal.ParseSignal(strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		if sig == syscall.SIGKILL || sig == syscall.SIGSTOP {
			return nil, fmt.Errorf("%s cannot be ignored", name)
		}
		list = append(list, sig)
	}
	return list, nil
}

// classes are those of errors that cross the task API unchanged.
var classes = map[string]error{
	"already-exists":      errdefs.ErrAlreadyExists,
	"failed-precondition": errdefs.ErrFailedPrecondition,
	"internal":            errdefs.ErrInternal,
	"not-found":           errdefs.ErrNotFound,
	"not-implemented":     errdefs.ErrNotImplemented,
	"unavailable":         errdefs.ErrUnavailable,
	"unknown":             errdefs.ErrUnknown,
}

// class parses "CLASS" and "CLASS: TEXT".
func class(v string) (error, string, error) {
	name, text, _ := strings.Cut(v, ":")
	err := classes[strings.TrimSpace(name)]
	if err == nil {
		return nil, "", fmt.Errorf("%q is none of %s", name, strings.Join(slices.Sorted(maps.Keys(classes)), ", "))
	}
	if text = strings.TrimSpace(text); text == "" {
		text = "as its annotation says"
	}
	return err, text, nil
}
