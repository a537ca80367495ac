package sim

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/startrace/startrace/sim/internal/ctl"
	"github.com/startrace/startrace/sim/schedule"
)

var flagHang = flag.String("sim.hang", os.Getenv("SIM_HANG"), "real `time` without a scheduling point after which an execution hangs; -1s for never")

const (
	defaultHang = 10 * time.Second
	hangTicks   = 10 // looks without progress that make a hang
	minHangTick = 10 * time.Millisecond
)

// hangFlag returns the value of -sim.hang, 0 if it isn't given.
func hangFlag() (time.Duration, error) {
	if *flagHang == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(*flagHang)
	if err != nil || d == 0 {
		return 0, fmt.Errorf("-sim.hang: %q is no time to wait", *flagHang)
	}
	return d, nil
}

// watch looks at the execution that runs from outside of it. It is a timer and
// not a goroutine, which leak checks would see.
var watch watchdog

// A watchdog counts looks, each of them a tick of real time after the one
// before, and not the time itself: a process that was stopped, or a machine
// that is too busy for the watchdog, is none that hangs.
type watchdog struct {
	mu      sync.Mutex
	armed   bool
	running bool
	cfg     Config
	tick    time.Duration
	last    time.Time
	seen    uint64
	still   int // looks without progress
}

func (w *watchdog) begin(cfg Config) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cfg, w.running = cfg, true
	hang := cfg.Hang
	if hang == 0 {
		hang = defaultHang
		if d, err := hangFlag(); err == nil && d != 0 {
			hang = d
		}
	}
	if hang < 0 {
		w.running = false
		return
	}
	w.tick = max(hang/hangTicks, minHangTick)
	if !w.armed {
		w.armed, w.still = true, 0
		w.arm()
	}
}

func (w *watchdog) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running = false
}

func (w *watchdog) arm() {
	w.last = time.Now()
	time.AfterFunc(w.tick, w.look)
}

func (w *watchdog) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.running {
		w.armed = false
		return
	}
	now := ctl.Progress()
	switch {
	case now == 0 || now != w.seen:
		w.still = 0
	case time.Since(w.last) < 3*w.tick:
		w.still++
	}
	w.seen = now
	if w.still >= hangTicks {
		text := hangReport(w.cfg, time.Duration(w.still)*w.tick)
		if ctl.Progress() == now { // it did not go on meanwhile
			fmt.Fprint(os.Stderr, text)
			os.Exit(2)
		}
	}
	w.arm()
}

// hangReport says which goroutine keeps the execution from going on.
func hangReport(cfg Config, after time.Duration) string {
	goroutines, choices, points := ctl.Hanging()
	for len(choices) > 0 && choices[len(choices)-1] == 0 {
		choices = choices[:len(choices)-1]
	}
	stacks := allStacks()
	var b strings.Builder
	fmt.Fprintf(&b, "startrace: %s hangs: no scheduling point for %v of real time, after %d\n", orExecution(cfg.Name), after, points)
	state := uint32(ctl.HungOutside)
	for _, g := range goroutines {
		if g.State == ctl.HungHolds {
			state = ctl.HungHolds
		}
	}
	for _, g := range goroutines {
		if g.State == state {
			b.WriteString(hangLine(g, stacks[g.Goid]))
		}
	}
	s := schedule.Schedule{Label: cfg.Name, Rand: cfg.Rand, Options: cfg.options(), Choices: choices}
	fmt.Fprintf(&b, "The schedule so far, to replay with -sim.replay (it hangs again):\n  %s\n", s.Token())
	b.WriteString("An execution goes on only at scheduling points. -sim.hang sets the time to wait.\n")
	return b.String()
}

func orExecution(name string) string {
	if name == "" {
		return "the execution"
	}
	return name
}

// hangLine describes one goroutine and what it does, with its stack.
func hangLine(g ctl.Hung, stack []byte) string {
	name := "main"
	if g.ID != 1 {
		name = fmt.Sprintf("g%d", g.ID)
	}
	header, rest, _ := bytes.Cut(stack, []byte("\n"))
	_, status, _ := strings.Cut(string(header), "[")
	status, _, _ = strings.Cut(strings.TrimRight(status, "]:"), ",")
	call, at := "?", "?" // what the program called, and where
	for _, f := range stackFrames(string(rest)) {
		program := !standard(f) && !ours(f.Function)
		if !program || call == "?" {
			call = shortFunc(f.Function)
		}
		if program {
			at = fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line)
			break
		}
	}
	return fmt.Sprintf("%s %s, in %s, at %s:\n%s\n", name, hangReason(status), call, at, bytes.TrimSpace(stack))
}

// hangReason says in words what a goroutine does whose status, in stack dumps,
// is given.
func hangReason(status string) string {
	switch status {
	case "running", "runnable":
		return "runs without a scheduling point"
	case "syscall":
		return "is in a system call"
	case "IO wait":
		return "waits for IO"
	default:
		return "waits for something outside of the execution (" + status + ")"
	}
}

// allStacks returns the stack dumps of all goroutines by their number.
func allStacks() map[uint64][]byte {
	buf := make([]byte, 1<<16)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) {
			buf = buf[:n]
			break
		}
		buf = make([]byte, 2*len(buf))
	}
	stacks := map[uint64][]byte{}
	for s := range bytes.SplitSeq(buf, []byte("\n\n")) {
		number, _, _ := strings.Cut(strings.TrimPrefix(string(s), "goroutine "), " ")
		if n, err := strconv.ParseUint(number, 10, 64); err == nil {
			stacks[n] = s
		}
	}
	return stacks
}

// stackFrames reads the pairs of lines of a stack dump.
func stackFrames(text string) []runtime.Frame {
	var frames []runtime.Frame
	lines := strings.Split(text, "\n")
	for i := 0; i+1 < len(lines); i += 2 {
		fn := lines[i]
		if p := strings.LastIndexByte(fn, '('); p > 0 {
			fn = fn[:p]
		}
		file, _, _ := strings.Cut(strings.TrimSpace(lines[i+1]), " +0x")
		p := strings.LastIndexByte(file, ':')
		if p < 0 {
			continue
		}
		line, err := strconv.Atoi(file[p+1:])
		if err != nil {
			continue
		}
		frames = append(frames, runtime.Frame{Function: fn, File: file[:p], Line: line})
	}
	return frames
}
