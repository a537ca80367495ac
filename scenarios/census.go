package scenarios

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/model"
)

// census records what is left of containers that were removed, or that were never made
// as far as their callers know.
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
	for _, id := range slices.Concat(kept, tasks, owners(records)) {
		if !slices.Contains(gone, id) && x.isStray(id) {
			x.strays, gone = append(x.strays, id), append(gone, id)
			x.tell(model.Event{Kind: model.Settled, Container: id, Alive: x.containerd.Live(id)})
		}
	}
	for _, id := range gone {
		for _, left := range []struct {
			what string
			is   bool
		}{
			{"a task", slices.Contains(tasks, id)},
			{"a record of containerd", slices.Contains(kept, id)},
			{"a record on disk", slices.Contains(owners(records), id)},
		} {
			if left.is {
				x.rec.add(model.Event{Kind: model.Leftover, Container: id, What: left.what, At: time.Now().UnixNano()})
			}
		}
	}
}

// owners are the ids of the containers and sandboxes that have the records.
func owners(records []string) []string {
	ids := make([]string, len(records))
	for i, r := range records {
		ids[i], _, _ = strings.Cut(r, ".")
	}
	return ids
}

// isStray reports whether id, of which something is there, is neither a container
// nor a sandbox of the workload, as after a creation that failed, and nothing that
// the service knows, as after a creation of which a crash kept the answer.
func (x *execution) isStray(id string) bool {
	if slices.Contains(x.pods, id) {
		return false
	}
	_, err := x.service.ContainerStatus(x.ctx, &runtime.ContainerStatusRequest{ContainerId: id})
	return errdefs.IsNotFound(native(err))
}
