package sim

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/startrace/startrace/sim/internal/ctl"
	"github.com/startrace/startrace/sim/report"
	"github.com/startrace/startrace/sim/schedule"
)

// Result is what happened in one execution.
type Result struct {
	Failure  *Failure // nil if nothing failed
	Skipped  bool
	Schedule schedule.Schedule

	Points      int // scheduling points
	Decisions   int // points with more than one alternative
	Switches    int
	Preemptions int // switches away from a goroutine that could go on
	Goroutines  int
	EarlyTimers int           // timers that fired early
	Elapsed     time.Duration // virtual time

	Uncontrolled

	Trace *report.Trace // with Config.Trace

	diverged bool   // a forced choice did not fit
	tried    bool   // a lock was tried
	focused  uint64 // points in focus, if there is one
	log      []ctl.Event
	alts     []uint32
	marks    []stepMark // of Trace.Steps
}

// Hash identifies the sequence of points and choices of the execution.
func (r Result) Hash() uint64 { return r.Schedule.Hash }

// identity tells executions apart that differ in a value that was drawn only,
// which is no part of the hash.
func (r Result) identity() uint64 {
	h := r.Hash()
	for _, c := range r.Schedule.Choices {
		h = mix(h, uint64(c))
	}
	return h
}

// Run executes body once under control. Bodies run one at a time in a process:
// a concurrent call waits.
//
// It panics if the binary was built without the controlled runtime; see [Main].
func Run(cfg Config, body func(*T)) Result {
	return newRunner(nil, body).run(cfg)
}

// running is held while a body runs: two at a time would share what the process
// has only once, and so see each other.
var running sync.Mutex

// runner executes one body again and again, with the same buffers.
type runner struct {
	tb      testing.TB
	body    func(*T)
	c       *ctl.Config
	tracer  *ctl.Config
	logger  *ctl.Config
	t       *T
	longest uint64 // most decisions of an execution
	profile *profile
}

const (
	startChoices = 1 << 12
	startLog     = 1 << 14
	maxBlocked   = 64

	unknownLength = 20 // decisions of an execution, before the first one
)

func newRunner(tb testing.TB, body func(*T)) *runner {
	return &runner{tb: tb, body: body, c: &ctl.Config{
		Choices: make([]uint32, startChoices),
		Blocked: make([]ctl.Blocked, maxBlocked),
	}}
}

// run executes the body once.
func (r *runner) run(cfg Config) Result {
	return r.glance(cfg).keep()
}

// keep makes the result of a glance last.
func (r Result) keep() Result {
	r.Schedule.Choices = slices.Clone(r.Schedule.Choices)
	return r
}

// glance is run, but the choices of the result are overwritten by the next
// execution. An execution whose choices or whose log do not fit the buffers is
// repeated with larger ones.
func (r *runner) glance(cfg Config) Result {
	c := r.c
	switch {
	case cfg.Trace:
		c = r.traceConfig()
	case cfg.effects || cfg.logged:
		c = r.logConfig()
	}
	if cfg.length == 0 {
		cfg.length = r.longest
		if cfg.length == 0 {
			cfg.length = unknownLength
		}
	}
	if cfg.uniform() {
		if r.profile == nil {
			r.profile = r.watch(cfg)
		}
		cfg.profile = r.profile
	}
	for {
		cfg.apply(c)
		if cfg.Trace {
			c.Flags |= ctl.FlagStacks
		}
		t := r.newT(cfg.Name)
		races := raceErrors()
		r.execute(cfg, c, t)
		r.longest = max(r.longest, c.Decisions)
		if c.NChoices > uint64(len(c.Choices)) {
			c.Choices = make([]uint32, 2*c.NChoices)
			continue
		}
		if cfg.Trace && c.NLog >= uint64(len(c.Log)) {
			r.tracer = newTracer(4*len(c.Log), len(c.Choices))
			c = r.tracer
			continue
		}
		if (cfg.effects || cfg.logged) && (c.NLog >= uint64(len(c.Log)) || c.NAlts > uint64(len(c.Alts))) {
			r.logger = newLogger(4*len(c.Log), len(c.Choices))
			c = r.logger
			continue
		}
		return r.result(cfg, c, t, raceErrors()-races)
	}
}

// newT returns the T of the next execution: the one of the last, unless
// goroutines of that may still have it.
func (r *runner) newT(name string) *T {
	if r.t == nil || r.c.Verdict != ctl.VerdictNone || r.tracer != nil || r.logger != nil && r.logger.Verdict != ctl.VerdictNone {
		r.t = new(T)
	}
	r.t.reset(r.tb, name)
	return r.t
}

func (r *runner) execute(cfg Config, c *ctl.Config, t *T) {
	alone(cfg, func() { ctl.Run(c, func() { t.main(r.body) }) })
}

// alone calls f, which executes a body.
func alone(cfg Config, f func()) {
	if Controlled() {
		panic("sim: an execution can't run another one")
	}
	running.Lock()
	defer running.Unlock()
	watch.begin(cfg)
	defer watch.end()
	f()
}

func (r *runner) traceConfig() *ctl.Config {
	if r.tracer == nil {
		r.tracer = newTracer(startLog, len(r.c.Choices))
	}
	return r.tracer
}

func (r *runner) logConfig() *ctl.Config {
	if r.logger == nil {
		r.logger = newLogger(startLog/16, len(r.c.Choices))
	}
	return r.logger
}

// newLogger returns a config for executions whose log is wanted without stacks
// and labels.
func newLogger(events, choices int) *ctl.Config {
	return &ctl.Config{
		Choices: make([]uint32, choices),
		Blocked: make([]ctl.Blocked, maxBlocked),
		Log:     make([]ctl.Event, events),
		Alts:    make([]uint32, 4*events),
	}
}

func newTracer(events, choices int) *ctl.Config {
	return &ctl.Config{
		Choices: make([]uint32, choices),
		Blocked: make([]ctl.Blocked, maxBlocked),
		Log:     make([]ctl.Event, events),
		Stacks:  make([]uintptr, events*ctl.Depth),
		Labels:  make([]string, events),
	}
}

func (r *runner) result(cfg Config, c *ctl.Config, t *T, races int) Result {
	choices := c.Choices[:c.NChoices]
	for len(choices) > 0 && choices[len(choices)-1] == 0 {
		choices = choices[:len(choices)-1]
	}
	res := Result{
		Skipped: t.skipped,
		Schedule: schedule.Schedule{
			Label: cfg.Name, Rand: cfg.Rand, Options: cfg.options(),
			Choices: choices, Hash: c.Hash,
		},
		Points:      int(c.Points),
		Decisions:   int(c.Decisions),
		Switches:    int(c.Switches),
		Preemptions: int(c.Preemptions),
		Goroutines:  int(c.NGo),
		EarlyTimers: int(c.EarlyFired),
		Elapsed:     time.Duration(c.Now - bubbleStart),
		diverged:    c.Diverged != 0,
		tried:       c.Tried != 0,
		focused:     c.Focused,
	}
	res.Uncontrolled = uncontrolled(c)
	res.Failure = failure(c, t, races)
	if cfg.effects || cfg.logged {
		res.log, res.alts = c.Log[:c.NLog], c.Alts[:c.NAlts]
	}
	if cfg.Trace {
		res.log = c.Log[:c.NLog]
		res.Trace, res.marks = trace(c, cfg.Sites)
		if res.Failure != nil {
			res.Failure.name(res.Trace.Lanes)
		}
	}
	return res
}

// bubbleStart is when the clock of a bubble starts: midnight UTC 2000-01-01.
const bubbleStart = 946684800000000000
