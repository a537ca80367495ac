package script

import (
	"slices"

	"github.com/startrace/startrace/fakes"
	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/scenarios"
	"github.com/startrace/startrace/sim"
)

// Result is what a run came to.
type Result struct {
	Output     string            // what the steps and the judge said
	Violations []model.Violation // in the order of their events
	Unmet      int               // how often something was not as the story has it
	Failure    *sim.Failure      // why the execution failed; nil if it did not
	Execution  sim.Result        // to be drawn; with a trace if Run was asked for one
}

// Story stands for an invariant where what is wrong breaks none: something is not as
// the story has it.
const Story = "story"

// Invariant is what was violated first, "" if nothing was. What has no invariant, as
// a deadlock, has its own name; see also [Story].
func (r Result) Invariant() string {
	switch {
	case len(r.Violations) > 0:
		return r.Violations[0].Invariant
	case r.Failure != nil:
		return string(r.Failure.Kind)
	case r.Unmet > 0:
		return Story
	}
	return ""
}

// Run executes the story of s on a variant. It is deterministic: the same scenario
// gives the same result. With trace the result has what pictures need. It panics in a
// binary without the controlled runtime; see [sim.Main].
func Run(s *Scenario, variant string, trace bool) (Result, error) { return run(s, variant, trace, nil) }

// run calls also at each point, if that is not nil.
func run(s *Scenario, variant string, trace bool, also fakes.Hook) (Result, error) {
	v, err := scenarios.Lookup(variant)
	if err != nil {
		return Result{}, err
	}
	if err := s.Fits(v); err != nil {
		return Result{}, err
	}
	var r Result
	body := func(t *sim.T) {
		r = Result{}
		st := &stage{gates: &gates{}, calls: map[string]*call{}, names: slices.Concat(s.Containers, s.Later)}
		sim.Quietly(func() { st.world = scenarios.NewWorld(t, v, s.options(st.gates.with(also))) })
		for _, l := range s.Lines {
			if l.step != nil {
				l.step(st)
			}
		}
		st.close()
		var verdict string
		if _, r.Violations = st.world.Judge(); len(r.Violations) > 0 {
			verdict = scenarios.Summary(r.Violations[0])
		} else {
			verdict = "clean"
		}
		st.printf("=> %s", verdict)
		r.Output, r.Unmet = st.named(st.out.String()), st.unmet
	}
	cfg := sim.Config{Name: "scenario/" + s.Name, EarlyTimers: -1, Sites: sites}
	if trace { // what a process does once, such as to fill a cache, is no part of the story
		sim.Run(cfg, body)
		cfg.Trace = true
	}
	res := sim.Run(cfg, body)
	r.Failure, r.Execution = res.Failure, res
	if res.Failure != nil && len(r.Violations) == 0 {
		r.Output += "=> " + res.Failure.Title + "\n"
	}
	return r, nil
}

// sites are the code whose steps are of interest.
var sites = []string{
	"github.com/startrace/startrace/impl.",
	"github.com/startrace/startrace/scenarios/variants/",
	"github.com/startrace/startrace/scenarios.",
}

// options are what the world of s has to be ready for.
func (s *Scenario) options(hook fakes.Hook) scenarios.WorldOptions {
	return scenarios.WorldOptions{
		Containers: s.Containers, Later: s.Later, IgnoreTerm: s.IgnoreTerm,
		Faults: s.faults, Kinds: s.kinds, Hook: hook,
	}
}

// Fits returns an error if a variant cannot do what happens in s.
func (s *Scenario) Fits(v scenarios.Variant) error { return s.options(nil).Fits(v) }
