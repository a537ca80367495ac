package fakes

import (
	"encoding/json"

	runtimespec "github.com/opencontainers/runtime-spec/specs-go"
)

// Resources returns the resources that are in force in the task of container id:
// those of its spec when it was created, changed by each update; false if there
// is no task.
func (c *Containerd) Resources(id string) (runtimespec.LinuxResources, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	t := c.tasks[key{Namespace, id}]
	if t == nil {
		return runtimespec.LinuxResources{}, false
	}
	var spec struct {
		Linux struct{ Resources runtimespec.LinuxResources }
	}
	if t.spec != nil {
		_ = json.Unmarshal(t.spec, &spec) // one that cannot be read has none
	}
	for _, update := range t.updates {
		_ = json.Unmarshal(update, &spec.Linux.Resources) // leaves alone what it does not name
	}
	return spec.Linux.Resources, true
}
