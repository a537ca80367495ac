package script

import (
	"context"

	"github.com/startrace/startrace/scenarios"
)

// parseDeath is the command of what kills the service; besides is what happens
// before the next one starts.
func parseDeath(besides func(*scenarios.World)) func(*args) (step, error) {
	return func(a *args) (step, error) { return death(a, besides) }
}

func death(a *args, besides func(*scenarios.World)) (step, error) {
	a.need(scenarios.Crash)
	h, err := a.options(false)
	if err != nil {
		return nil, err
	}
	return func(s *stage) {
		label := h.label
		if label == "" {
			label = "recovery"
		}
		for _, c := range s.running {
			c.lost = c.lost || !c.returned()
		}
		s.world.Kill()
		s.settle()
		// What was held dies where it is.
		s.gates.release(func(*gate) bool { return true })
		s.settle()
		besides(s.world)
		c := s.prepare(label, want{}, func(context.Context) error { s.world.Recover(); return nil })
		if h.label == "" {
			s.await(c)
		}
	}, nil
}
