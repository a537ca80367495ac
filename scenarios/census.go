package scenarios

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/startrace/startrace/model"
)

// census records what is left of containers that were removed.
func (x *execution) census() {
	records, err := x.checkpoints.List()
	if err != nil {
		x.t.Error(fmt.Errorf("look for records: %w", err))
	}
	var kept []string
	all, err := x.client.ContainerService().List(x.ctx)
	if err != nil {
		x.t.Error(fmt.Errorf("look for containers: %w", err))
	}
	for _, c := range all {
		kept = append(kept, c.ID)
	}
	var gone []string
	for _, c := range x.containers {
		if c.id != "" {
			gone = append(gone, c.id)
		}
	}
	if x.workload.pauses() {
		gone = append(gone, x.pods...)
	}
	tasks := x.containerd.Tasks()
	for _, id := range gone {
		for _, left := range []struct {
			what string
			is   bool
		}{
			{"a task", slices.Contains(tasks, id)},
			{"a record of containerd", slices.Contains(kept, id)},
			{"a record on disk", slices.ContainsFunc(records, func(r string) bool { return r == id || strings.HasPrefix(r, id+".") })},
		} {
			if left.is {
				x.rec.add(model.Event{Kind: model.Leftover, Container: id, What: left.what, At: time.Now().UnixNano()})
			}
		}
	}
}
