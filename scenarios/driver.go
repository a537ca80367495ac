package scenarios

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"google.golang.org/grpc/status"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/fakes"
	"github.com/startrace/startrace/internal/initproc"
	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/sim"
)

const sigterm = syscall.SIGTERM

// driver calls a service about one container and records what it sees.
type driver struct {
	service Service
	rec     *recorder
	pod, id string
}

// create makes a sandbox and a container in it, both of that name. Of w it
// takes what the process does with SIGTERM.
func (d *driver) create(ctx context.Context, name, rootfs string, args []string, w Workload) error {
	if err := d.createSandbox(ctx, name); err != nil {
		return err
	}
	return d.createContainer(ctx, name, rootfs, args, w)
}

func (d *driver) createSandbox(ctx context.Context, name string) error {
	pod, err := d.service.RunPodSandbox(ctx, &runtime.RunPodSandboxRequest{Config: sandboxConfig(name)})
	if err != nil {
		return fmt.Errorf("set up the sandbox: %w", err)
	}
	d.pod = pod.GetPodSandboxId()
	return nil
}

func sandboxConfig(name string) *runtime.PodSandboxConfig {
	return &runtime.PodSandboxConfig{
		Metadata: &runtime.PodSandboxMetadata{Name: name, Namespace: "default", Uid: name},
	}
}

func (d *driver) createContainer(ctx context.Context, name, rootfs string, args []string, w Workload) error {
	config := &runtime.ContainerConfig{
		Metadata: &runtime.ContainerMetadata{Name: name},
		Image:    &runtime.ImageSpec{Image: rootfs},
		Command:  args,
	}
	if w.IgnoreTerm {
		config.Envs = []*runtime.KeyValue{{Key: fakes.IgnoreTerm, Value: []byte("1")}}
	}
	c, err := d.service.CreateContainer(ctx, &runtime.CreateContainerRequest{PodSandboxId: d.pod, Config: config})
	if err != nil {
		return fmt.Errorf("set up the container: %w", err)
	}
	d.id = c.GetContainerId()
	return nil
}

// created records that the container was created by a call in this history. Nobody
// can have called anything about it before.
func (d *driver) created() {
	e := d.rec.call(model.Event{Container: d.id, Op: model.OpCreate})
	e.Kind = model.Return
	d.tell(e)
}

// do makes one call and records it.
func (d *driver) do(ctx context.Context, op Op, probe bool) error {
	e := model.Event{Container: d.id, Probe: probe}
	var call func(*model.Event) error
	switch op.Kind {
	case Start:
		e.Op = model.OpStart
		call = func(*model.Event) error {
			_, err := d.service.StartContainer(ctx, &runtime.StartContainerRequest{ContainerId: d.id})
			return err
		}
	case Stop:
		e.Op, e.Timeout = model.OpStop, int64(op.Timeout)
		call = func(*model.Event) error {
			_, err := d.service.StopContainer(ctx, &runtime.StopContainerRequest{
				ContainerId: d.id, Timeout: int64(op.Timeout / time.Second),
			})
			return err
		}
	case Remove:
		e.Op = model.OpRemove
		call = func(*model.Event) error {
			_, err := d.service.RemoveContainer(ctx, &runtime.RemoveContainerRequest{ContainerId: d.id})
			return err
		}
	case Status:
		e.Op = model.OpStatus
		call = func(e *model.Event) error {
			status, err := d.status(ctx)
			if err != nil {
				return err
			}
			d.tell(model.Event{Kind: model.Observed, Container: d.id, ID: e.ID, Status: status})
			return nil
		}
	case Exec:
		e.Op = model.OpExec
		call = func(*model.Event) error {
			_, err := d.service.(Execer).ExecSync(ctx, &runtime.ExecSyncRequest{
				ContainerId: d.id, Cmd: initproc.Command{ExitAfter: op.Timeout}.Args(),
			})
			return err
		}
	case StopSandbox:
		e.Container, e.Sandbox, e.Op = "", d.pod, model.OpStopSandbox
		call = func(*model.Event) error {
			_, err := d.service.StopPodSandbox(ctx, &runtime.StopPodSandboxRequest{PodSandboxId: d.pod})
			return err
		}
	case RemoveSandbox:
		e.Container, e.Sandbox, e.Op = "", d.pod, model.OpRemoveSandbox
		call = func(*model.Event) error {
			_, err := d.service.RemovePodSandbox(ctx, &runtime.RemovePodSandboxRequest{PodSandboxId: d.pod})
			return err
		}
	default:
		panic(fmt.Sprintf("scenarios: %s is no call of the service", op.Kind))
	}

	return d.call(e, call)
}

// call makes a call and records it.
func (d *driver) call(e model.Event, call func(*model.Event) error) error {
	e = d.rec.call(e)
	sim.Logf("%v", e)
	err := call(&e)
	e.Kind, e.Err = model.Return, errorText(err)
	d.tell(e)
	return err
}

// tell records something that happens now.
func (d *driver) tell(e model.Event) {
	e.At = time.Now().UnixNano()
	d.rec.add(e)
	sim.Logf("%v", e)
}

// status asks for the status, in the terms of the model. The CRI does not show
// the flags.
func (d *driver) status(ctx context.Context) (model.Status, error) {
	r, err := d.service.ContainerStatus(ctx, &runtime.ContainerStatusRequest{ContainerId: d.id})
	if err != nil {
		return model.Status{}, err
	}
	s := r.GetStatus()
	return model.Status{
		CreatedAt: s.GetCreatedAt(), StartedAt: s.GetStartedAt(), FinishedAt: s.GetFinishedAt(),
		ExitCode: s.GetExitCode(), Reason: s.GetReason(), Message: s.GetMessage(),
		Unknown: s.GetState() == runtime.ContainerState_CONTAINER_UNKNOWN,
	}, nil
}

// settled returns the final view of the container, to be completed with
// whether a process is alive.
func (d *driver) settled(ctx context.Context) (model.Event, error) {
	e := model.Event{Kind: model.Settled, Container: d.id}
	status, err := d.status(ctx)
	switch {
	case err == nil:
		e.Present, e.Status = true, status
	case !errdefs.IsNotFound(native(err)):
		return e, fmt.Errorf("ask for the final status: %w", err)
	}
	return e, nil
}

// command is what the process in a container of w does: with an exit, it ends
// after the given time.
func command(w Workload, exit Op, after time.Duration) initproc.Command {
	c := initproc.Command{ExitAfter: initproc.Forever}
	if w.has(Exit) {
		c.ExitAfter, c.Code = after, int(exit.Code)
	}
	if w.IgnoreTerm {
		c.Ignore = append(c.Ignore, sigterm)
	}
	return c
}

// native returns err as a containerd client would, whether it is a gRPC status
// or not.
func native(err error) error {
	if _, ok := status.FromError(err); ok {
		return errgrpc.ToNative(err)
	}
	return err
}

// errorText is the class and the text of err; "" for nil.
func errorText(err error) string {
	if err == nil {
		return ""
	}
	err = native(err)
	class, text := errorClass(err), err.Error()
	if strings.Contains(text, class) {
		return text
	}
	return class + ": " + text
}

// errorClass is the class of err; "" for nil.
func errorClass(err error) string {
	if err == nil {
		return ""
	}
	return strings.TrimPrefix(errdefs.Resolve(native(err)).Error(), "context ")
}
