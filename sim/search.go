package sim

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/startrace/startrace/sim/internal/ctl"
	"github.com/startrace/startrace/sim/schedule"
	"github.com/startrace/startrace/sim/strategy"
)

// Options say how to explore.
type Options struct {
	Name       string            // what is explored; default: the test's name
	Config     Config            // of each execution; Name, Plan and Seed are set by the exploration
	Strategy   strategy.Strategy // default: strategy.Auto
	Executions int               // budget; default 1000, 200 with -short
	Duration   time.Duration     // stop after so much real time as well; makes counts depend on the machine
	Seed       uint64            // default 1
	SelfCheck  int               // every so many executions one runs twice; default 64, -1 for never
	Shrink     int               // budget of the shrinker in executions; default 2000, -1 for no shrinking
	Replayable string            // command that replays a token, with %s for the token

	// Smaller returns bodies like that of the given name, each with less to do,
	// the smallest first; nil if there are none. With it a failure is shrunk to
	// the smallest body that fails in the same way, whose name its schedule has.
	// It must come to an end, and for equal names return the same.
	Smaller func(name string) []Body

	Progress func(Report) // called now and then, and never concurrently

	// Shard is the part of the executions to run; default: all of them. It is
	// for strategies that are not systematic, and for all of Auto but the
	// attempt to exhaust.
	Shard Shard
	// Workers is the number of processes that run executions. They are started
	// if the rest of the search takes longer than it takes to start them, and
	// change nothing but the time: what a search reports is the same with any
	// number of them. What the body leaves in variables of the process, they do
	// not share. A worker is this program, with the same arguments, which does
	// again what comes before the call of Search; its standard output is
	// discarded. The default is 1, this process, for Search, and GOMAXPROCS for
	// Explore. Systematic strategies and Feedback have only one.
	Workers int
	// Interrupt ends the search after the current execution when it is closed.
	Interrupt <-chan struct{}
	// Checkpoint, if not nil, has what an interrupted search had done, and takes
	// what this one does.
	Checkpoint *Checkpoint

	patience time.Duration // before workers are started; default: workersAfter
	recycle  int           // executions of a worker; default: recycleExecutions
}

// Report says what an exploration did and found.
type Report struct {
	Name       string
	Strategy   string
	Parts      []Part // of Auto: what ran, in order
	Seed       uint64
	Executions int // without those of shrinking and self-checks
	Distinct   int // executions with different sequences of points and choices
	Points     int
	Decisions  int
	MaxPoints  int // of the longest execution
	Checked    int // executions that ran twice and agreed
	FirstRun   int // of those, how many differed once since a lazy global was initialised
	Skipped    int
	Wasted     int // of a systematic strategy: executions equivalent to others
	Elapsed    time.Duration

	Interrupted bool // by Options.Interrupt: there is more to do
	Workers     int  // processes beside this one that ran executions

	Saturation
	Focus []string // of Config: what was a decision
	// Inequivalent is how many executions of a DPOR search differ in more than the
	// order of operations that commute; it is counted apart from what the search
	// avoids, by the partial order of their operations.
	Inequivalent int

	// Exhausted says that a systematic strategy left nothing to try within
	// Bounds: nothing fails in any execution of this body that respects them.
	Exhausted bool
	Bounds    []string

	Uncontrolled

	Found *Found // nil if nothing failed
	Err   error  // the exploration itself failed: nondeterminism, no execution
}

// ErrNondeterministic says that the same choices gave different executions:
// something outside of our control, as real IO, a goroutine from elsewhere or
// an address, decided. Wrapped by Report.Err.
var ErrNondeterministic = errors.New("nondeterminism")

// ErrNoShards says that a strategy can't run a part of an exploration. Wrapped
// by Report.Err.
var ErrNoShards = errors.New("the executions of this strategy depend on those before, so that there are no shards")

// ErrNothingRan says that no execution did anything. Wrapped by Report.Err.
var ErrNothingRan = errors.New("no execution ran")

// Search explores body until something fails or the budget is used up. It is
// Explore for programs: it reports instead of failing a test.
//
// A search that found nothing proves nothing about the schedules that it did
// not try.
func Search(opts Options, body func(*T)) Report { return search(nil, opts, body) }

func search(tb testing.TB, opts Options, body func(*T)) Report {
	opts.defaults()
	e := newExplorer(tb, opts, body)
	e.call = nextCall(opts.Name)
	if c := worksFor(); c != nil {
		if *c != e.call {
			return Report{Name: opts.Name} // the search of another process is meant
		}
		e.work()
		e.leave()
	}
	if e.report.Err = checkFocus(opts.Config.Focus); e.report.Err == nil {
		e.explore()
	}
	e.report.Elapsed = time.Since(e.start)
	return e.report
}

func newExplorer(tb testing.TB, opts Options, body func(*T)) *explorer {
	return &explorer{
		opts: opts, runner: newRunner(tb, body), start: time.Now(),
		seen: map[uint64]struct{}{}, classes: map[uint64]int{},
		report: Report{Name: opts.Name, Strategy: opts.Strategy.String(), Seed: opts.Seed, Focus: opts.Config.Focus},
	}
}

func (o *Options) defaults() {
	o.Config.Name = o.Name
	if o.Strategy == nil {
		o.Strategy = strategy.Auto{}
	}
	if o.Executions == 0 {
		o.Executions = 1000
		if testing.Testing() && testing.Short() {
			o.Executions = 200
		}
	}
	if o.recycle == 0 {
		o.recycle = recycleExecutions
	}
	if o.Seed == 0 {
		o.Seed = 1
	}
	if o.SelfCheck == 0 {
		o.SelfCheck = 64
	}
	if o.Shrink == 0 {
		o.Shrink = 2000
	}
}

type explorer struct {
	opts   Options
	runner *runner
	report Report
	start  time.Time
	seen   map[uint64]struct{} // hashes of executions
	list   []uint64            // if lists, in its place: somebody else counts
	lists  bool
	classifier
	classes map[uint64]int // executions of each class
	is      identity
	early   bool   // a timer fired early
	focused uint64 // points in focus
	unlock  bool
	raised  bool // the limit of points
	base    base
	call    call
	began   time.Time // the random search, with execution beganAt
	beganAt int
	suspect int         // 1 + the execution that a worker stopped at
	resumed bool        // a systematic search has looked into the checkpoint
	planned int         // executions of a systematic search that is a part of this one
	next    int         // the number of the next execution of a random one
	beside  func() bool // runs an execution after each of a systematic search; false ends that

	endless bool // an execution did not end within ten times as many points either
}

func (e *explorer) explore() {
	failed, decisions := warmUp(e.opts.Config, e.once)
	e.endless = false
	e.runner.longest = uint64(decisions)
	e.runner.profile = nil                                // what the first execution of a process does, others don't
	if failed != nil && failed.Failure.Kind == DataRace { // reported once in a process
		e.foundWarm(*failed)
		return
	}
	e.byStrategy()
	if e.report.Found != nil || e.report.Err != nil || e.report.Interrupted {
		return
	}
	if failed != nil {
		e.foundWarm(*failed) // what fails in a fresh process only
		return
	}
	if len(e.opts.Config.Focus) > 0 && e.focused == 0 {
		e.report.Exhausted = false
		e.report.Err = fmt.Errorf("%w: no operation of any execution belongs to %s", ErrFocus, strings.Join(e.opts.Config.Focus, ","))
		return
	}
	if e.report.Executions == e.report.Skipped {
		e.report.Err = fmt.Errorf("%w: %d were skipped", ErrNothingRan, e.report.Skipped)
	}
}

// byStrategy runs the executions that count.
func (e *explorer) byStrategy() {
	plans, _ := searcher(e.opts.Strategy)
	_, feedback := e.opts.Strategy.(strategy.Feedback)
	_, auto := e.opts.Strategy.(strategy.Auto)
	switch {
	case auto:
		e.auto()
	case plans == nil && !feedback:
		e.begin()
		e.random()
	case !e.opts.Shard.whole():
		e.report.Err = fmt.Errorf("%w: %s", ErrNoShards, e.opts.Strategy)
	case feedback:
		e.feedback()
	default:
		e.systematic(e.opts.Strategy, e.opts.Executions)
	}
}

// count adds an execution to the report.
func (e *explorer) count(res Result) {
	e.report.Executions++
	e.report.Points += res.Points
	e.report.Decisions += res.Decisions
	e.report.MaxPoints = max(e.report.MaxPoints, res.Points)
	e.focused += res.focused
	e.report.add(res.Uncontrolled)
	if e.lists {
		e.list = append(e.list, res.identity())
	} else {
		e.seen[res.identity()] = struct{}{}
		e.report.Distinct = len(e.seen)
	}
	if res.log != nil {
		e.classify(e.class(res.log), 1)
	}
	if res.Skipped {
		e.report.Skipped++
	}
}

// progress calls opts.Progress now and then.
func (e *explorer) progress(last *time.Time) {
	if e.opts.Progress == nil || time.Since(*last) <= 100*time.Millisecond {
		return
	}
	*last = time.Now()
	e.report.Elapsed = time.Since(e.start)
	e.opts.Progress(e.report)
}

// foundWarm reports a failure of the executions that do not count.
func (e *explorer) foundWarm(res Result) {
	e.report.Executions++
	e.report.Exhausted = false
	e.found(strategy.Plan{Name: "warm-up"}, res)
}

// once runs an execution and learns from it what later ones need.
func (e *explorer) once(cfg Config) Result {
	cfg.MaxPoints = max(cfg.MaxPoints, e.opts.Config.MaxPoints)
	res := e.runner.glance(cfg)
	if res.Failure != nil && res.Failure.Kind == Livelock && !e.raised && !e.endless {
		// It may just be long. If not, it stays what it was at its first limit, where
		// it ends whenever it runs again.
		cfg.MaxPoints = 10 * max(cfg.MaxPoints, defaultMaxPoints)
		longer := e.runner.glance(cfg)
		if e.endless = longer.Failure != nil && longer.Failure.Kind == Livelock; !e.endless {
			res, e.opts.Config.MaxPoints, e.raised = longer, cfg.MaxPoints, true
		}
	}
	if res.tried {
		// Whether a lock is held shows only to those who try it.
		e.unlock = true
	}
	return res
}

// check runs an execution again, which must be the same.
func (e *explorer) check(i int, res Result) bool {
	again := e.rerun(res.Schedule)
	if again.Hash() != res.Hash() {
		// A lazy global may have been initialised by the first run.
		e.report.FirstRun++
		third := e.rerun(again.Schedule)
		if third.Hash() != again.Hash() {
			e.report.Err = e.different(again.Schedule, fmt.Sprintf("execution %d", i))
			return false
		}
	}
	e.report.Checked++
	return true
}

// rerun replays a schedule, leniently.
func (e *explorer) rerun(s schedule.Schedule) Result {
	cfg, err := e.opts.Config.replaying(s)
	if err != nil {
		panic(err) // it is ours
	}
	return e.runner.run(cfg)
}

// different runs a schedule twice with traces and names the first step that
// differs.
func (e *explorer) different(s schedule.Schedule, what string) error {
	cfg, err := e.opts.Config.replaying(s)
	if err != nil {
		return err
	}
	cfg.Trace = true
	a := e.runner.run(cfg)
	log := append([]ctl.Event(nil), a.log...)
	b := e.runner.run(cfg)
	i := 0
	for i < min(len(log), len(b.log)) && log[i] == b.log[i] {
		i++
	}
	b.add(a.Uncontrolled)
	why := strings.Join(append([]string{""}, b.facts()...), "; ")
	return fmt.Errorf("%w: %s ran twice with the same choices and differs at step %d: %s in one run, %s in the other%s",
		ErrNondeterministic, what, i+1, a.step(i), b.step(i), why)
}

// step describes the step of the trace that belongs to event i of the log.
func (r Result) step(i int) string {
	if len(r.marks) == 0 || r.marks[len(r.marks)-1].event < i {
		return "the end"
	}
	for j, m := range r.marks {
		if m.event >= i {
			s := r.Trace.Steps[j]
			return fmt.Sprintf("%s in %s (%s)", s.Text, r.Trace.Lanes[s.Lane], s.Site)
		}
	}
	return "the end"
}

// mix derives the seed of execution i.
func mix(seed, i uint64) uint64 {
	z := seed*0x9e3779b97f4a7c15 + i
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}
