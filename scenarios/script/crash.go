package script

import (
	"context"

	"github.com/startrace/startrace/scenarios"
)

func parseCrash(a *args) (step, error) {
	a.need(func(o *scenarios.WorldOptions) { o.Crashes = true })
	h, err := a.options(false)
	if err != nil {
		return nil, err
	}
	return func(s *stage) {
		label := h.label
		if label == "" {
			label = "recovery"
		}
		s.world.Kill()
		s.settle()
		// What was held dies where it is.
		s.gates.release(func(*gate) bool { return true })
		s.settle()
		c := s.prepare(label, func(context.Context) error { s.world.Recover(); return nil })
		if h.label == "" {
			s.await(c, nil)
		}
	}, nil
}
