package cri

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/errdefs"
	"github.com/containerd/typeurl/v2"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/scenarios/variants/internal/cri2019"
)

// recover makes known what containerd has records of. A container that cannot be
// loaded is left out. It follows restart.go.
func (s *Service) recover(ctx context.Context) error {
	found, err := s.Env.Client.Containers(ctx, fmt.Sprintf("labels.%q==%q", kindLabel, kind))
	if err != nil {
		return fmt.Errorf("list containers: %w", err)
	}
	var wg sync.WaitGroup
	errs := make([]error, len(found))
	for i, handle := range found {
		wg.Go(func() { errs[i] = s.load(ctx, handle) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return s.sweep(found)
}

// sweep deletes the records on disk of containers that containerd has none of.
func (s *Service) sweep(found []containerd.Container) error {
	ids, err := s.Env.Checkpoints.List()
	if err != nil {
		return fmt.Errorf("list checkpoints: %w", err)
	}
	for _, id := range ids {
		if !slices.ContainsFunc(found, func(c containerd.Container) bool { return c.ID() == id }) {
			_ = s.Env.Checkpoints.Remove(id)
		}
	}
	return nil
}

// loadTimeout bounds the recovery of one container.
const loadTimeout = 10 * time.Second

// load makes one container known. It returns an error if its name is taken.
func (s *Service) load(ctx context.Context, handle containerd.Container) error {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	meta, err := readMetadata(ctx, handle)
	if err != nil {
		return nil
	}
	c := cri2019.NewContainer(meta.Sandbox, meta.Config)
	c.ID, c.Client = handle.ID(), handle

	status, err := cri2019.ReadStatus(c.ID, s.Env.Checkpoints)
	if err != nil {
		status = cri2019.Status{ExitCode: 255, Reason: "Unknown", Unknown: true}
	}
	status, exit, err := s.reconcile(ctx, handle, status)
	if err != nil {
		status.Unknown = true // what else is known of it may be useful
	}
	watch := func() {
		if exit != nil {
			s.monitor(s.Context(), c.ID, exit)
		}
	}
	if !s.changes.WatchesLast {
		watch()
	}
	if c.Status, err = cri2019.NewStorage(c.ID, s.Env.Checkpoints, status); err != nil {
		return nil
	}
	if status.State() == runtime.ContainerState_CONTAINER_EXITED {
		c.Stop()
	}
	if status.FinishedAt == 0 {
		s.plugins.created(c.ID)
	}
	s.Adopt(c)
	if s.changes.WatchesLast {
		watch()
	}
	return s.ReserveName(c)
}

func readMetadata(ctx context.Context, handle containerd.Container) (*metadata, error) {
	extensions, err := handle.Extensions(ctx)
	if err != nil {
		return nil, err
	}
	ext, ok := extensions[extension]
	if !ok {
		return nil, fmt.Errorf("metadata of %q: %w", handle.ID(), errdefs.ErrNotFound)
	}
	v, err := typeurl.UnmarshalAny(ext)
	if err != nil {
		return nil, err
	}
	return v.(*metadata), nil
}

// reconcile returns the status of a container after what is on disk and what the
// runtime has, and what its monitor has to wait for:
//
//	task      CREATED     RUNNING       EXITED         unreadable
//	none      CREATED     EXITED, 255   EXITED         UNKNOWN
//	created   CREATED     UNKNOWN       UNKNOWN        UNKNOWN
//	running   RUNNING     RUNNING       UNKNOWN        UNKNOWN, watched
//	stopped   EXITED      EXITED        EXITED, anew   UNKNOWN
//	other     UNKNOWN     UNKNOWN       UNKNOWN        UNKNOWN
//
// Tasks that are created or stopped are deleted. An error makes it UNKNOWN.
func (s *Service) reconcile(ctx context.Context, handle containerd.Container, status cri2019.Status) (cri2019.Status, <-chan containerd.ExitStatus, error) {
	state := status.State()
	var seen containerd.Status
	task, err := handle.Task(ctx, nil)
	if err == nil {
		seen, err = task.Status(ctx)
	}
	switch {
	case errdefs.IsNotFound(err):
		if state == runtime.ContainerState_CONTAINER_RUNNING {
			status.FinishedAt = time.Now().UnixNano()
			status.ExitCode = 255
			status.Reason = "Unknown"
		}
		return status, nil, nil
	case err != nil:
		return status, nil, fmt.Errorf("ask for the task: %w", err)
	}
	switch seen.Status {
	case containerd.Created:
		if err := remove(ctx, task); err != nil {
			return status, nil, err
		}
		if state != runtime.ContainerState_CONTAINER_CREATED {
			return status, nil, fmt.Errorf("task is created, container %s: %w", state, errdefs.ErrFailedPrecondition)
		}
		return status, nil, nil
	case containerd.Running:
		switch state {
		case runtime.ContainerState_CONTAINER_EXITED:
			return status, nil, fmt.Errorf("task runs, container %s: %w", state, errdefs.ErrFailedPrecondition)
		case runtime.ContainerState_CONTAINER_RUNNING:
		default:
			status.StartedAt = time.Now().UnixNano()
			status.Pid = task.Pid()
		}
		exit, err := task.Wait(s.Context())
		return status, exit, err
	case containerd.Stopped:
		if err := remove(ctx, task); err != nil {
			return status, nil, err
		}
		status.FinishedAt = seen.ExitTime.UnixNano()
		status.ExitCode = int32(seen.ExitStatus)
		return status, nil, nil
	}
	return status, nil, fmt.Errorf("task is %s: %w", seen.Status, errdefs.ErrFailedPrecondition)
}

// remove kills and deletes a task.
func remove(ctx context.Context, task containerd.Task) error {
	if _, err := task.Delete(ctx, containerd.WithProcessKill); err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("delete task: %w", err)
	}
	return nil
}
