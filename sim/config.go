package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/startrace/startrace/sim/internal/ctl"
	"github.com/startrace/startrace/sim/schedule"
	"github.com/startrace/startrace/sim/strategy"
)

// Config says how one execution runs. The zero value is the default schedule:
// nobody is preempted.
type Config struct {
	Name string        // what is executed, as a test's name; schedules carry it
	Plan strategy.Plan // how choices are made
	Seed uint64        // of the choices

	// Rand seeds the data streams of the execution: map order, math/rand,
	// crypto/rand. Two executions with the same one draw the same keys.
	Rand uint64
	// EarlyTimers is the per mille of decisions at which a timer fires although
	// goroutines could run, as on a slow machine; -1 for never. Without it a
	// time-out never wins a race. The default is 5.
	EarlyTimers int
	// PlainAtomics makes the operations of sync/atomic no points.
	PlainAtomics bool
	// MaxPoints ends executions that do not end: livelock. The default is 1e6.
	MaxPoints int
	// Hang is the real time without a scheduling point after which an execution
	// counts as hanging, in a loop on plain memory, say, or in a system call. The
	// report names the goroutine and the call, and the process ends, since nobody
	// can take a goroutine's turn from it. The default is 10 s; negative is never.
	Hang time.Duration
	// Sites are prefixes of functions, as import paths are, that reports prefer
	// when they say where a step was taken.
	Sites []string
	// Focus are patterns of the code whose operations are decisions; without any
	// all are. What other code does still runs under control, but nobody else runs
	// before it unless it blocks or yields. An operation belongs to the function
	// that has it, not to those that call that: what package context does for its
	// callers is context's. A pattern is an import path, one with /... for all
	// packages below it as well, a function or method (path.F, path.(*T).M), or all
	// methods of a type (path.(*T)), each with the functions inside of it; the last
	// pattern that matches decides, and one with a - in front leaves out. Values
	// that are drawn are decisions in any case. Package main is called main.
	Focus []string
	// Trace keeps what the report of a failure shows. It is slow.
	Trace bool

	unlockPoints bool
	enabled      bool // waiting for a held lock is no alternative
	logged       bool // log without stacks
	effects      bool // log what a systematic search needs
	guided       bool // after the choices of Plan: guide and values
	guide        []ctl.Turn
	values       []ctl.Turn
	length       uint64 // PCT: estimate of the number of decisions
	turns        []ctl.Turn
	profile      *profile // for the uniform strategies
}

const (
	defaultEarly     = 5
	defaultMaxPoints = 1_000_000
	defaultTame      = 750    // per mille of data choices that are 0 without a draw
	timeEvery        = 20_000 // points after which the clock goes on
	fairEvery        = 1000   // points in a row after which a goroutine has to wait
	afterMain        = 100_000
)

// options are what a schedule has to know of how points were made.
func (c Config) options() string {
	var o []string
	if c.EarlyTimers >= 0 {
		o = append(o, "early")
	}
	if c.PlainAtomics {
		o = append(o, "plainatomics")
	}
	if c.unlockPoints {
		o = append(o, "unlock")
	}
	if c.enabled {
		o = append(o, "enabled")
	}
	if len(c.Focus) > 0 {
		o = append(o, optionFocus+strings.Join(c.Focus, " "))
	}
	return strings.Join(o, ",")
}

// replaying returns the config that makes the choices of s again.
func (c Config) replaying(s schedule.Schedule) (Config, error) {
	options := strings.FieldsFunc(s.Options, func(r rune) bool { return r == ',' })
	c.Focus = nil
	for i, o := range options {
		if patterns, ok := strings.CutPrefix(o, optionFocus); ok {
			focus, err := ParseFocus(patterns)
			if err != nil {
				return c, fmt.Errorf("the schedule has a focus that is none: %w", err)
			}
			c.Focus, options = focus, slices.Delete(options, i, i+1)
			break
		}
	}
	for _, o := range options {
		if !slices.Contains([]string{"early", "plainatomics", "unlock", "enabled"}, o) {
			return c, fmt.Errorf("the schedule has the unknown option %q: it was made by another version of startrace", o)
		}
	}
	c.EarlyTimers = -1
	if slices.Contains(options, "early") {
		c.EarlyTimers = defaultEarly
	}
	c.PlainAtomics = slices.Contains(options, "plainatomics")
	c.unlockPoints = slices.Contains(options, "unlock")
	c.enabled = slices.Contains(options, "enabled")
	c.Rand = s.Rand
	c.Plan = strategy.Plan{Name: "replay", Replay: s.Choices}
	return c, nil
}

// uniform tells whether the plan needs a profile.
func (c Config) uniform() bool {
	return c.Plan.Kind == strategy.KindURW || c.Plan.Kind == strategy.KindSURW
}

// apply writes c into what the controlled runtime reads.
func (c Config) apply(to *ctl.Config) {
	to.Seed, to.Rand = c.Seed, c.Rand
	to.Strategy = uint64(c.Plan.Kind)
	if c.uniform() {
		to.Strategy = ctl.URW
		c.profile.selectFor(c.Plan.Kind, c.Seed, to)
	}
	if c.guided {
		to.Strategy = ctl.Guided
	}
	to.Sticky = uint64(c.Plan.Sticky)
	to.PCTDepth, to.PCTLength = uint64(c.Plan.Depth), c.length
	to.Tame = defaultTame
	to.Forced = c.Plan.Replay
	to.Turns = c.turns
	to.Guide, to.Values = c.guide, c.values
	to.Focus = c.Focus
	to.Early = 0
	switch {
	case c.EarlyTimers == 0:
		to.Early = defaultEarly
	case c.EarlyTimers > 0:
		to.Early = uint64(c.EarlyTimers)
	}
	to.MaxPoints = uint64(c.MaxPoints)
	if c.MaxPoints == 0 {
		to.MaxPoints = defaultMaxPoints
	}
	to.TimeEvery, to.FairEvery, to.AfterMain = timeEvery, fairEvery, afterMain
	to.Flags = ctl.FlagCatchPanics
	if c.PlainAtomics {
		to.Flags |= ctl.FlagNoAtomics
	}
	if c.unlockPoints {
		to.Flags |= ctl.FlagUnlockPoints
	}
	if c.enabled {
		to.Flags |= ctl.FlagEnabled
	}
	if c.effects {
		to.Flags |= ctl.FlagEffects
	}
}
