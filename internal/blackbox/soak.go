package blackbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/startrace/startrace/scenarios"
)

// Plan is what [Target.Soak] runs.
type Plan struct {
	Workloads  []scenarios.Workload // in turn; at least one
	Rounds     int                  // lifecycles of containers; 0: until ctx ends or Enough
	Concurrent int                  // at a time, at least 1
	Seed       uint64
	// Enough is asked after each round whether to end, one call at a time; nil: never.
	Enough func(Summary) bool
}

// Summary is what came of a plan.
type Summary struct {
	Target     string         `json:"target"`
	Seed       uint64         `json:"seed"`
	Lifecycles int            `json:"lifecycles"`
	Seconds    float64        `json:"seconds"`
	Rate       float64        `json:"rate"` // lifecycles per second
	Windows    map[string]int `json:"windows"`
	Findings   []Finding      `json:"findings"`
	Undecided  []string       `json:"undecided"`
}

// Violated reports whether an invariant was violated.
func (s Summary) Violated() bool {
	return slices.ContainsFunc(s.Findings, func(f Finding) bool { return f.Invariant != "" })
}

// Found returns how many histories show the finding with this ID of an invariant, or
// else this name.
func (s Summary) Found(id string) int {
	for _, f := range s.Findings {
		if cmp.Or(f.Invariant, f.Name) == id {
			return f.Count
		}
	}
	return 0
}

// Soak runs a plan. Round number n has seed Seed+n and workload n modulo their number.
// When ctx ends, rounds that are under way are given up. The summary is of the rounds
// that came to their end, with an error too.
func (t *Target) Soak(ctx context.Context, plan Plan) (Summary, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	begin := time.Now()
	s := Summary{Target: t.Name(), Seed: plan.Seed, Windows: map[string]int{}}
	var mu sync.Mutex
	next := 0
	take := func() (n int, ok bool) {
		mu.Lock()
		defer mu.Unlock()
		if ctx.Err() != nil || plan.Rounds > 0 && next == plan.Rounds {
			return 0, false
		}
		next++
		return next - 1, true
	}
	var workers sync.WaitGroup
	for range max(1, plan.Concurrent) {
		workers.Go(func() {
			for {
				n, ok := take()
				if !ok {
					return
				}
				w, seed := plan.Workloads[n%len(plan.Workloads)], plan.Seed+uint64(n)
				h, err := t.Run(ctx, w, seed)
				if err != nil {
					cancel(err)
					return
				}
				findings, hits := Judge(h), Hits(h)
				mu.Lock()
				s.add(findings, w, seed)
				for window, count := range hits {
					s.Windows[window] += count
				}
				if plan.Enough != nil && plan.Enough(s) {
					cancel(errEnough)
				}
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	s.Seconds = time.Since(begin).Seconds()
	s.Rate = float64(s.Lifecycles) / s.Seconds
	s.Undecided = t.Undecided()
	err := context.Cause(ctx)
	if errors.Is(err, errEnough) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("after %d lifecycles: %w", s.Lifecycles, err)
	}
	return s, nil
}

var errEnough = errors.New("enough")

// add adds what a round found, violations first and then by name.
func (s *Summary) add(findings []Finding, w scenarios.Workload, seed uint64) {
	s.Lifecycles++
	for _, f := range findings {
		i := slices.IndexFunc(s.Findings, func(o Finding) bool { return o.Name == f.Name })
		if i >= 0 {
			s.Findings[i].Count++
			continue
		}
		f.Workload, f.Seed = w.String(), seed
		s.Findings = append(s.Findings, f)
	}
	slices.SortStableFunc(s.Findings, func(a, b Finding) int {
		if (a.Invariant == "") != (b.Invariant == "") {
			return -cmp.Compare(a.Invariant, b.Invariant)
		}
		return cmp.Compare(a.Name, b.Name)
	})
}
