package cli

import (
	"fmt"
	"strings"

	"github.com/startrace/startrace/scenarios"
	"github.com/startrace/startrace/sim"
)

// label names what a schedule belongs to.
func label(v scenarios.Variant, w scenarios.Workload) string { return v.Name + "/" + w.String() }

// unlabel is the inverse of label.
func unlabel(text string) (v scenarios.Variant, w scenarios.Workload, err error) {
	name, workload, ok := strings.Cut(text, "/")
	if !ok {
		return v, w, fmt.Errorf("the schedule belongs to %q and not to a variant: replay it with go test -sim.replay", text)
	}
	if v, err = scenarios.Lookup(name); err == nil {
		w, err = scenarios.ParseWorkload(workload)
	}
	if err != nil {
		return v, w, fmt.Errorf("the schedule belongs to another version of startrace: %w", err)
	}
	return v, w, nil
}

// smaller returns what sim.Options.Smaller wants: the same variant with smaller
// workloads.
func smaller(name string) (bodies []sim.Body) {
	v, w, err := unlabel(name)
	if err != nil {
		panic(err) // it is ours
	}
	for _, less := range w.Smaller() {
		bodies = append(bodies, sim.Body{Name: label(v, less), Run: scenarios.Body(v, less)})
	}
	return bodies
}
