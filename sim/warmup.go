package sim

import "github.com/startrace/startrace/sim/strategy"

// The first executions of a process initialise lazy globals, and so have other
// points than later ones. These constants say how many go before the first one
// that counts.
const (
	warmUpRound  = 6 // executions in a round: the default schedule and random ones
	warmUpRounds = 8 // at most; two that agree are enough
	startLength  = 100
)

// warmUp runs executions, with once, until they are what they were in the round
// before. It returns the first one that failed, if any did, and the number of
// decisions that executions have afterwards.
func warmUp(cfg Config, once func(Config) Result) (failed *Result, decisions int) {
	var before [warmUpRound]uint64
	for range warmUpRounds {
		var now [warmUpRound]uint64
		decisions = 0
		cfg.length = startLength
		for i := range now {
			cfg.Plan = warmUpPlan(i)
			cfg.Seed = mix(0, uint64(i))
			res := once(cfg)
			if res.Failure != nil && failed == nil {
				kept := res.keep()
				failed = &kept
			}
			now[i] = res.Hash()
			decisions = max(decisions, res.Decisions)
		}
		if now == before {
			break
		}
		before = now
	}
	return failed, decisions
}

func warmUpPlan(i int) strategy.Plan {
	switch i {
	case 0:
		return strategy.Replay{}.At(i)
	case 2, 3:
		return strategy.PCT{Depth: 2}.At(i)
	case 4:
		return strategy.RandomWalk{}.At(i)
	}
	return strategy.RandomWalk{Sticky: strategy.DefaultSticky}.At(i)
}
