package sim

import (
	"slices"

	"github.com/startrace/startrace/sim/internal/ctl"
	"github.com/startrace/startrace/sim/strategy"
)

// Body is a body with the name that its schedules carry.
type Body struct {
	Name string
	Run  func(*T)
}

const (
	leastBlind = 100 // executions of a smaller body before it counts as one that does not fail
	mostBlind  = 300
)

// reduce looks for the smallest body that fails in the same way, by
// Options.Smaller. It returns the failing execution of that one.
//
// Of each smaller body it first tries the turns of the failing execution, and
// then a short search, as long as the one that found the failure.
func (e *explorer) reduce(f *Found, res Result) Result {
	if e.opts.Smaller == nil {
		return res
	}
	for again := true; again; {
		turns := e.turns(res)
		again = f.BodyTries < e.opts.Shrink && slices.ContainsFunc(e.opts.Smaller(f.Name), func(b Body) bool {
			r, ok := e.fails(b, f, turns)
			if ok {
				res = r
			}
			return ok
		})
	}
	return res
}

// turns returns the turns of an execution of the present body.
func (e *explorer) turns(res Result) []ctl.Turn {
	cfg := e.replaying(res.Schedule)
	cfg.logged = true
	return turnsOf(e.runner.run(cfg).log)
}

// fails looks for an execution of b that fails like f. If there is one, b is the
// body from now on.
func (e *explorer) fails(b Body, f *Found, turns []ctl.Turn) (Result, bool) {
	before, name := e.runner, e.opts.Config.Name
	e.runner, e.opts.Config.Name = newRunner(before.tb, b.Run), b.Name
	e.runner.longest = before.longest
	for i := range min(max(f.Execution, leastBlind), mostBlind) {
		if f.BodyTries >= e.opts.Shrink {
			break
		}
		f.BodyTries++
		r := e.once(e.blind(i, turns)).keep()
		if !f.Failure.same(r) {
			continue
		}
		if r, ok := e.confirm(r); ok {
			if f.FoundTrace == nil { // only the first body can show it
				f.FoundTrace = before.run(e.retracing(f.FoundSchedule)).Trace
			}
			f.Name = b.Name
			return r, true
		}
	}
	e.runner, e.opts.Config.Name = before, name
	return Result{}, false
}

// blind is the configuration of the i-th try.
func (e *explorer) blind(i int, turns []ctl.Turn) Config {
	cfg := e.opts.Config
	cfg.unlockPoints = e.unlock
	if i == 0 && len(turns) > 0 {
		cfg.Plan, cfg.turns = strategy.Replay{}.At(0), turns
		return cfg
	}
	cfg.Plan = e.opts.Strategy.At(i)
	if plans, _ := searcher(e.opts.Strategy); plans != nil {
		cfg.Plan = strategy.Portfolio{}.At(i)
	}
	cfg.Seed = mix(e.opts.Seed, uint64(i))
	return cfg
}

// maxBodies limits how many smaller bodies are looked at for a name.
const maxBodies = 10_000

// named returns the body of that name: body, or one that is smaller. It is nil
// if there is none.
func (o Options) named(name string, body func(*T)) func(*T) {
	if name == o.Name {
		return body
	}
	if o.Smaller == nil {
		return nil
	}
	seen := map[string]bool{o.Name: true}
	for todo := []string{o.Name}; len(todo) > 0 && len(seen) < maxBodies; todo = todo[1:] {
		for _, b := range o.Smaller(todo[0]) {
			if b.Name == name {
				return b.Run
			}
			if !seen[b.Name] {
				seen[b.Name] = true
				todo = append(todo, b.Name)
			}
		}
	}
	return nil
}
