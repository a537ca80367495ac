package blackbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/internal/initproc"
	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/scenarios"
)

// firstShares is what the first operation asks for, if it is an update.
const firstShares = 2000

// do makes the call of operation number i and records it. One that does not return in
// callLimit has no return.
func (c *container) do(ctx context.Context, op scenarios.Op, i int, probe bool) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit+op.Timeout)
	defer cancel()
	e := model.Event{Kind: model.Call, Probe: probe, ID: c.number()}
	var call func() error
	client := c.t.runtime
	switch op.Kind {
	case scenarios.Start:
		e.Op = model.OpStart
		call = func() error {
			_, err := client.StartContainer(ctx, &runtime.StartContainerRequest{ContainerId: c.id})
			return err
		}
	case scenarios.Stop:
		e.Op, e.Timeout = model.OpStop, int64(op.Timeout)
		call = func() error {
			_, err := client.StopContainer(ctx, &runtime.StopContainerRequest{
				ContainerId: c.id, Timeout: int64(op.Timeout / time.Second),
			})
			return err
		}
	case scenarios.Remove:
		e.Op = model.OpRemove
		call = func() error {
			_, err := client.RemoveContainer(ctx, &runtime.RemoveContainerRequest{ContainerId: c.id})
			return err
		}
	case scenarios.Status:
		e.Op = model.OpStatus
		call = func() error {
			status, err := c.status(ctx)
			if err == nil {
				c.tell(model.Event{Kind: model.Observed, ID: e.ID, Status: status})
			}
			return err
		}
	case scenarios.List:
		e.Op = model.OpList
		call = func() error { return c.list(ctx, e.ID) }
	case scenarios.Update:
		shares := int64(firstShares + i)
		e.Op, e.Resources = model.OpUpdate, fmt.Sprintf("%d shares", shares)
		call = func() error {
			_, err := client.UpdateContainerResources(ctx, &runtime.UpdateContainerResourcesRequest{
				ContainerId: c.id, Linux: &runtime.LinuxContainerResources{CpuShares: shares},
			})
			return err
		}
	case scenarios.Exec:
		e.Op = model.OpExec
		call = func() error {
			_, err := client.ExecSync(ctx, &runtime.ExecSyncRequest{
				ContainerId: c.id, Cmd: initproc.Command{ExitAfter: op.Timeout}.Args(),
			})
			return err
		}
	default:
		panic(fmt.Sprintf("blackbox: %s is no call", op.Kind))
	}
	c.tell(e)
	err := native(call())
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil {
		return err
	}
	e.Kind, e.Err = model.Return, errorText(err)
	c.tell(e)
	return err
}

// list makes one call, which sees the container or does not.
func (c *container) list(ctx context.Context, id int) error {
	r, err := c.t.runtime.ListContainers(ctx, &runtime.ListContainersRequest{})
	i := slices.IndexFunc(r.GetContainers(), func(l *runtime.Container) bool { return l.GetId() == c.id })
	if i >= 0 {
		l := r.GetContainers()[i]
		c.tell(model.Event{Kind: model.Observed, ID: id, Status: facts(l.GetState(), model.Status{CreatedAt: l.GetCreatedAt()})})
	}
	return err
}

// status asks for the status of the container.
func (c *container) status(ctx context.Context) (model.Status, error) {
	r, err := c.t.runtime.ContainerStatus(ctx, &runtime.ContainerStatusRequest{ContainerId: c.id})
	if err != nil {
		return model.Status{}, native(err)
	}
	s := r.GetStatus()
	return facts(s.GetState(), model.Status{
		CreatedAt: s.GetCreatedAt(), StartedAt: s.GetStartedAt(), FinishedAt: s.GetFinishedAt(),
		ExitCode: s.GetExitCode(), Reason: s.GetReason(), Message: s.GetMessage(),
	}), nil
}

// facts returns s with the facts that make it be in a state.
func facts(state runtime.ContainerState, s model.Status) model.Status {
	switch state {
	case runtime.ContainerState_CONTAINER_CREATED:
		s.StartedAt, s.FinishedAt = 0, 0
	case runtime.ContainerState_CONTAINER_RUNNING:
		s.StartedAt, s.FinishedAt = max(s.StartedAt, 1), 0
	case runtime.ContainerState_CONTAINER_EXITED:
		s.FinishedAt = max(s.FinishedAt, 1)
	case runtime.ContainerState_CONTAINER_UNKNOWN:
		s.Unknown = true
	}
	return s
}

func native(err error) error {
	if err == nil {
		return nil
	}
	return errgrpc.ToNative(err)
}

// errorText is the class and the text of err; "" for nil.
func errorText(err error) string {
	if err == nil {
		return ""
	}
	class, text := strings.TrimPrefix(errdefs.Resolve(err).Error(), "context "), err.Error()
	if strings.Contains(text, class) {
		return text
	}
	return class + ": " + text
}
