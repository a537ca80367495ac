package fakes

import (
	"fmt"

	cgroup "github.com/containerd/cgroups/v3/cgroup2/stats"
	"github.com/containerd/typeurl/v2"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/startrace/startrace/sim"
)

// metrics returns what the cgroup of a task counts: the processes that were
// killed for want of memory; none uses any memory or processor. Marshalling takes
// locks of its own, which are no scheduling points here. The lock of the
// Containerd is held.
func (t *task) metrics() *anypb.Any {
	var data *anypb.Any
	sim.Quietly(func() {
		encoded, err := typeurl.MarshalAnyToProto(&cgroup.Metrics{MemoryEvents: &cgroup.MemoryEvents{
			Oom: t.oomKills, OomKill: t.oomKills,
		}})
		if err != nil {
			panic(fmt.Errorf("fakes: metrics of %s: %w", t.id, err))
		}
		data = encoded
	})
	return data
}
