package impl

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/containerd/containerd/api/services/tasks/v1"
	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/containerd/log"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// maxExecOutput is how many bytes ExecSync keeps of each stream; what comes after
// that is read and dropped.
const maxExecOutput = 16 << 20

// ExecSync runs a command in a RUNNING container and returns its output and exit
// code. It fails with FailedPrecondition if the container does not run or ends
// before the command does, and with DeadlineExceeded after the timeout of the
// request (seconds, 0 is none). Whatever it returns, no process of the command
// itself stays behind; what the command left in background does, and its output
// is waited for no longer than 2 s.
func (s *Service) ExecSync(ctx context.Context, r *runtime.ExecSyncRequest) (_ *runtime.ExecSyncResponse, retErr error) {
	defer func() { retErr = errgrpc.ToGRPC(retErr) }()
	ctx = s.withNamespace(ctx)
	c, err := s.container(r.GetContainerId())
	if err != nil {
		return nil, err
	}
	response, err := s.execSync(ctx, c, r.GetCmd(), time.Duration(r.GetTimeout())*time.Second)
	if err != nil {
		return nil, fmt.Errorf("failed to execute in container %q: %w", c.ID, err)
	}
	return response, nil
}

func (s *Service) execSync(ctx context.Context, c *container, command []string, timeout time.Duration) (*runtime.ExecSyncResponse, error) {
	if len(command) == 0 {
		return nil, fmt.Errorf("no command: %w", errdefs.ErrInvalidArgument)
	}
	// What waits in the client for the end of the process ends with this call.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if state := c.get().State(); state != runtime.ContainerState_CONTAINER_RUNNING {
		return nil, fmt.Errorf("container is in %s state: %w", state, errdefs.ErrFailedPrecondition)
	}
	spec, err := c.handle.Spec(ctx)
	if err != nil {
		return nil, fmt.Errorf("failed to get container spec: %w", c.ended(err))
	}
	spec.Process.Args, spec.Process.Terminal = command, false
	task, err := s.loadTask(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("failed to load task: %w", c.ended(err))
	}

	id := s.config.NewID()
	var stdout, stderr capped
	creator := cio.Creator(cio.NullIO)
	var output *streams
	if s.config.StreamDir != "" {
		output, err = s.openStreams(c, id, &stdout, &stderr, func() {})
		if err != nil {
			return nil, err
		}
		defer output.close()
		creator = output.creator
	}
	// The process may be there although its creation or its start failed.
	defer s.endExec(ctx, c, id)
	process, err := task.Exec(ctx, id, spec.Process, creator)
	if err != nil {
		return nil, fmt.Errorf("failed to create exec process: %w", c.ended(err))
	}
	if err := process.Start(ctx); err != nil {
		return nil, fmt.Errorf("failed to start exec process: %w", c.ended(err))
	}
	code, err := s.awaitExec(ctx, c, process)
	if err != nil {
		return nil, fmt.Errorf("failed to wait for exec process: %w", err)
	}
	if output != nil {
		s.drain(ctx, output)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return &runtime.ExecSyncResponse{Stdout: stdout.bytes(), Stderr: stderr.bytes(), ExitCode: int32(code)}, nil
}

// ended returns err with class FailedPrecondition if it is there because the
// container has ended.
func (c *container) ended(err error) error {
	if errdefs.IsNotFound(err) || c.get().FinishedAt != 0 {
		return fmt.Errorf("container has ended: %w: %w", errdefs.ErrFailedPrecondition, err)
	}
	return err
}

// awaitExec returns the exit code of an exec process. An error of waiting is not
// an exit, so only NotFound ends it.
func (s *Service) awaitExec(ctx context.Context, c *container, process containerd.Process) (uint32, error) {
	for b := (backoff{}); ; {
		exitCh, err := process.Wait(ctx)
		if err == nil {
			select {
			case es := <-exitCh:
				e, exitErr := exitOf(es)
				if exitErr == nil {
					return e.code, nil
				}
				err = exitErr
			case <-ctx.Done():
				return 0, ctx.Err()
			case <-s.ctx.Done():
				return 0, errClosed
			}
		}
		if errdefs.IsNotFound(err) {
			return 0, c.ended(err)
		}
		if err := b.pause(ctx, s.ctx.Done()); err != nil {
			return 0, err
		}
		if s.ctx.Err() != nil {
			return 0, errClosed
		}
	}
}

// endExec sees to it that nothing is left of an exec process. It returns when
// that is done or has turned out to take longer than the caller should wait: the
// shim of runc drains the streams for 10 s.
func (s *Service) endExec(ctx context.Context, c *container, id string) {
	done := make(chan struct{})
	s.background(func(ctx context.Context) {
		defer close(done)
		retry(ctx, fmt.Sprintf("delete an exec process of container %q", c.ID), func(ctx context.Context) error {
			return s.deleteExec(ctx, c, id)
		})
	})
	waitCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	err := s.wait(waitCtx, done)
	if s.ctx.Err() != nil {
		// Nobody else will do it: a restart does not know of exec processes.
		ctx, cancel := detach(ctx)
		defer cancel()
		err = s.deleteExec(ctx, c, id)
	}
	if err != nil {
		log.G(ctx).WithError(err).Warnf("An exec process of container %q is still being deleted", c.ID)
	}
}

// deleteExec makes the runtime forget an exec process, which it kills if it runs.
func (s *Service) deleteExec(ctx context.Context, c *container, id string) error {
	service := s.client.TaskService()
	forget := func() error {
		_, err := service.DeleteProcess(ctx, &tasks.DeleteProcessRequest{ContainerID: c.ID, ExecID: id})
		if err = errgrpc.ToNative(err); errdefs.IsNotFound(err) {
			return nil
		}
		return err
	}
	if forget() == nil {
		return nil
	}
	// The runtime refuses to delete a process that runs.
	_, err := service.Kill(ctx, &tasks.KillRequest{ContainerID: c.ID, ExecID: id, Signal: uint32(syscall.SIGKILL)})
	if err = errgrpc.ToNative(err); err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("failed to kill exec process: %w", err)
	}
	waitCtx, cancel := context.WithTimeout(ctx, killTimeout)
	defer cancel()
	_, err = service.Wait(waitCtx, &tasks.WaitRequest{ContainerID: c.ID, ExecID: id})
	if err = errgrpc.ToNative(err); err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("failed to wait for killed exec process: %w", err)
	}
	if err := forget(); err != nil {
		return fmt.Errorf("failed to delete exec process: %w", err)
	}
	return nil
}

// capped keeps the first maxExecOutput bytes that are written to it. It is safe
// for concurrent use.
type capped struct {
	mu   sync.Mutex
	kept bytes.Buffer
}

// Write never fails.
func (w *capped) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept.Write(p[:min(len(p), maxExecOutput-w.kept.Len())])
	return len(p), nil
}

func (w *capped) bytes() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return bytes.Clone(w.kept.Bytes())
}
