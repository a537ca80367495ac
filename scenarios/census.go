package scenarios

import (
	"fmt"
	"slices"
	"time"

	"github.com/startrace/startrace/model"
)

// census records what is left of containers that were removed.
func (x *execution) census() {
	records, err := x.checkpoints.List()
	if err != nil {
		x.t.Error(fmt.Errorf("look for records: %w", err))
	}
	client, err := x.containerd.Client()
	if err != nil {
		x.t.Error(err)
		return
	}
	var kept []string
	all, err := client.ContainerService().List(x.ctx)
	if err != nil {
		x.t.Error(fmt.Errorf("look for containers: %w", err))
	}
	for _, c := range all {
		kept = append(kept, c.ID)
	}
	tasks := x.containerd.Tasks()
	for _, c := range x.containers {
		if c.id == "" {
			continue
		}
		for _, left := range []struct {
			what string
			ids  []string
		}{{"a task", tasks}, {"a record of containerd", kept}, {"a record on disk", records}} {
			if slices.Contains(left.ids, c.id) {
				x.rec.add(model.Event{Kind: model.Leftover, Container: c.id, What: left.what, At: time.Now().UnixNano()})
			}
		}
	}
}
