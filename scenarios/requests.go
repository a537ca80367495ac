package scenarios

import (
	"context"
	"fmt"
	"slices"

	"github.com/containerd/typeurl/v2"
	runtimespec "github.com/opencontainers/runtime-spec/specs-go"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/model"
)

// firstShares is what the first operation of a workload asks for, if that is an
// update; the next ones ask for more. It is no value that a cgroup has by itself.
const firstShares = 2000

func sharesText(shares uint64) string { return fmt.Sprintf("%d shares", shares) }

// update asks for the resources that belong to operation i.
func (d *driver) update(ctx context.Context, i int) error {
	shares := uint64(firstShares + i)
	e := model.Event{Container: d.id, Op: model.OpUpdate, Resources: sharesText(shares)}
	return d.call(e, func(*model.Event) error {
		_, err := d.service.(Updater).UpdateContainerResources(ctx, &runtime.UpdateContainerResourcesRequest{
			ContainerId: d.id, Linux: &runtime.LinuxContainerResources{CpuShares: int64(shares)},
		})
		return err
	})
}

// tellResources records the resources of a live process, if they are not those
// that it was made with.
func (x *execution) tellResources(id string) {
	r, ok := x.containerd.Resources(id)
	if ok && x.containerd.Live(id) && r.CPU != nil && r.CPU.Shares != nil {
		x.tell(model.Event{Kind: model.Applied, Container: id, Resources: sharesText(*r.CPU.Shares)})
	}
}

// recordedShares is what the record of a container says of its resources.
func (x *execution) recordedShares(id string) (string, error) {
	client, err := x.containerd.Client()
	if err != nil {
		return "", err
	}
	record, err := client.ContainerService().Get(x.ctx, id)
	if err != nil {
		return "", err
	}
	var spec runtimespec.Spec
	if err := typeurl.UnmarshalTo(record.Spec, &spec); err != nil {
		return "", err
	}
	if spec.Linux == nil || spec.Linux.Resources == nil || spec.Linux.Resources.CPU == nil || spec.Linux.Resources.CPU.Shares == nil {
		return "nothing", nil
	}
	return sharesText(*spec.Linux.Resources.CPU.Shares), nil
}

// list makes one call, which is one about each of the containers that there are.
func (x *execution) list() {
	var calls []model.Event
	for _, c := range x.containers {
		if c.ready != nil {
			select {
			case <-c.ready:
			default:
				continue
			}
		}
		if c.id != "" {
			calls = append(calls, x.rec.call(model.Event{Container: c.id, Op: model.OpList}))
		}
	}
	r, err := x.service.ListContainers(x.callers.context(), &runtime.ListContainersRequest{})
	for _, e := range calls {
		if i := slices.IndexFunc(r.GetContainers(), func(c *runtime.Container) bool { return c.GetId() == e.Container }); i >= 0 {
			x.tell(model.Event{Kind: model.Observed, Container: e.Container, ID: e.ID, Status: listed(r.GetContainers()[i])})
		}
		e.Kind, e.Err = model.Return, errorText(err)
		x.tell(e)
	}
}

// listed is what a list says of a container, in the terms of the model: its
// state, and none of the facts that make it.
func listed(c *runtime.Container) model.Status {
	s := model.Status{CreatedAt: c.GetCreatedAt()}
	switch c.GetState() {
	case runtime.ContainerState_CONTAINER_RUNNING:
		s.StartedAt = c.GetCreatedAt()
	case runtime.ContainerState_CONTAINER_EXITED:
		s.StartedAt, s.FinishedAt = c.GetCreatedAt(), c.GetCreatedAt()
	case runtime.ContainerState_CONTAINER_UNKNOWN:
		s.Unknown = true
	}
	return s
}
