package sim

import (
	"fmt"
	"time"
)

// settled is the number of executions from which those after it learn, as how
// many decisions to expect. All parts of a search run these.
const settled = 64

// base is what executions depend on beside their number and the seed.
type base struct {
	Length uint64 // decisions that are expected
	Unlock bool   // unlocking is a point
}

// begin fixes what the executions of a random search depend on.
func (e *explorer) begin() { e.base = base{Length: e.runner.longest, Unlock: e.unlock} }

// random runs executions that are independent of one another, but for the first
// ones: what execution i does is a function of the seed and i.
func (e *explorer) random() {
	if !e.resume() {
		return
	}
	e.began, e.beganAt = time.Now(), e.next
	progress := e.began
	for e.more() && !e.over() {
		if e.worthwhile() && !e.share() {
			return
		}
		if !e.more() || e.report.Interrupted {
			break
		}
		if !e.step() {
			return
		}
		e.progress(&progress)
	}
	e.save()
}

// step runs the next execution of a random search, and reports whether the
// search goes on.
func (e *explorer) step() bool {
	i := e.next
	e.next++
	mine := e.opts.Shard.has(i)
	if !mine && i >= settled {
		return true
	}
	res := e.execute(i)
	if mine && res.Failure != nil {
		e.next = i
		e.save()
		e.count(res)
		e.found(e.opts.Strategy.At(i), res.keep())
		return false
	}
	e.early = e.early || res.EarlyTimers > 0
	if i < settled {
		e.base.Length = max(e.base.Length, uint64(res.Decisions))
		e.base.Unlock = e.unlock
	}
	if !mine {
		return true
	}
	checks := e.checks(i)
	if checks {
		res = res.keep()
	}
	e.count(res)
	if checks && !e.check(i, res) {
		return false
	}
	if e.suspect == i+1 {
		e.report.Err = fmt.Errorf("%w: execution %d failed in a worker process, or was not the same twice, and is fine in this one", ErrNondeterministic, i)
		return false
	}
	return true
}

// more tells whether an execution is left.
func (e *explorer) more() bool { return e.planned+e.next < e.opts.Executions }

// over tells whether the search is to end before that.
func (e *explorer) over() bool {
	select {
	case <-e.opts.Interrupt:
		e.report.Interrupted = true
		return true
	default:
		return e.opts.Duration > 0 && time.Since(e.start) > e.opts.Duration
	}
}

// checks tells whether execution i runs twice.
func (e *explorer) checks(i int) bool { return e.opts.SelfCheck > 0 && i%e.opts.SelfCheck == 0 }

// execute runs execution i of the exploration.
func (e *explorer) execute(i int) Result { return e.run(e.plan(i)) }

// plan is the config of execution i.
func (e *explorer) plan(i int) Config {
	cfg := e.opts.Config
	cfg.Plan = e.opts.Strategy.At(i)
	cfg.Seed = mix(e.opts.Seed, uint64(i))
	cfg.length = e.base.Length
	cfg.unlockPoints = e.base.Unlock
	cfg.effects = classified(i)
	return cfg
}

// run runs an execution; if it tries a lock once more, with points where locks
// are unlocked: whether a lock is held shows only to those who try it.
func (e *explorer) run(cfg Config) Result {
	res := e.once(cfg)
	if res.tried && !cfg.unlockPoints {
		cfg.unlockPoints = true
		res = e.once(cfg)
	}
	return res
}
