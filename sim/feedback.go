package sim

import (
	"time"

	"github.com/startrace/startrace/sim/internal/ctl"
)

const (
	feedbackFresh     = 4   // one of so many executions changes no other one
	feedbackChildren  = 16  // executions that change the same one
	feedbackPositions = 5   // choices that each of them draws again, at most
	feedbackParents   = 512 // executions that are kept
)

// parent is an execution that is worth changing.
type parent struct {
	choices []uint32
	alts    []uint16 // of each choice
	left    int      // children to run
}

// feedback runs executions that change choices of those that did something new,
// and others.
func (e *explorer) feedback() {
	e.begin()
	var parents []parent // to take turns, beginning with the first one
	progress := time.Now()
	for i := 0; i < e.opts.Executions && !e.over(); i++ {
		cfg := e.plan(i)
		cfg.effects = true
		if i%feedbackFresh != 0 && len(parents) > 0 {
			p := parents[0]
			parents = parents[1:]
			cfg.Plan.Replay = p.child(mix(e.opts.Seed, uint64(i)))
			if p.left--; p.left > 0 {
				parents = append(parents, p)
			}
		}
		res := e.run(cfg)
		before := e.report.Classes
		e.count(res)
		if res.Failure != nil {
			e.found(cfg.Plan, res.keep())
			return
		}
		if e.report.Classes > before && len(parents) < feedbackParents {
			parents = append(parents, newParent(res))
		}
		if e.checks(i) && !e.check(i, res.keep()) {
			return
		}
		e.progress(&progress)
	}
}

// newParent reads an execution with a log.
func newParent(res Result) parent {
	p := parent{left: feedbackChildren}
	for _, e := range res.log {
		if e.NAlts > 1 && e.Flags&ctl.EventAside == 0 {
			p.choices = append(p.choices, uint32(e.Choice))
			p.alts = append(p.alts, e.NAlts)
		}
	}
	return p
}

// child returns the choices with some of them drawn again.
func (p parent) child(seed uint64) []uint32 {
	choices := append([]uint32(nil), p.choices...)
	if len(choices) == 0 {
		return nil
	}
	draw := uint64(0)
	next := func(n int) int {
		draw++
		return int(mix(seed, draw) >> 33 % uint64(n))
	}
	for range 1 + next(feedbackPositions) {
		i := next(len(choices))
		choices[i] = uint32(next(int(p.alts[i])))
	}
	return choices
}
