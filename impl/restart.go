package impl

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/errdefs"
	"github.com/containerd/log"
	"github.com/containerd/typeurl/v2"
)

// recover makes every container known that containerd has a record of, and then
// finds out about their states. A record that is damaged, or about which the
// runtime gives no answer, is logged and holds up no other.
func (s *Service) recover(ctx context.Context) error {
	found, err := s.client.Containers(ctx,
		fmt.Sprintf("labels.%q==%q", kindLabel, kindContainer), fmt.Sprintf("labels.%q==%q", kindLabel, kindSandbox))
	if err != nil {
		return fmt.Errorf("failed to list containers: %w", err)
	}
	records, err := s.disk.List()
	if err != nil {
		return err
	}
	found = s.representSandboxes(ctx, found)
	for _, handle := range found {
		if err := s.represent(ctx, handle); err != nil {
			log.G(ctx).WithError(err).Errorf("Damaged record of container %q", handle.ID())
		}
	}

	// A record on disk alone is what a removal left behind that was cut short
	// before its last step.
	for _, id := range records {
		if !s.known(strings.TrimSuffix(id, sandboxSuffix)) {
			s.cleanUp(ctx, id, func(ctx context.Context) error {
				if err := s.deleteSnapshot(ctx, id); err != nil {
					return err
				}
				return s.disk.Remove(id)
			})
		}
	}

	var asked sync.WaitGroup
	for _, p := range s.pausedSandboxes() {
		asked.Go(func() {
			s.resolve(ctx, p.pause, func(ctx context.Context) error { return s.reconcileSandbox(ctx, p) })
		})
	}
	for _, c := range s.sortedContainers() {
		asked.Go(func() {
			s.resolve(ctx, c, func(ctx context.Context) error { return s.reconcile(ctx, c) })
		})
	}
	asked.Wait()
	return nil
}

// represent makes a container known whose state is yet to be found out, with
// its name and its sandbox. What cannot be read of it stays empty.
func (s *Service) represent(ctx context.Context, handle containerd.Container) error {
	info, err := handle.Info(ctx, containerd.WithoutRefreshedMetadata)
	if err != nil {
		return err
	}
	meta, err := decodeMetadata(info)
	c := newContainer(meta, handle, Status{
		CreatedAt: info.CreatedAt.UnixNano(), Resources: recordedResources(info), Unknown: true,
	})
	c.updated = !info.UpdatedAt.Equal(info.CreatedAt)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.containers[c.ID] = c
	if err != nil {
		return err
	}
	if owner, ok := s.names[c.Name]; ok {
		// Both are there, so both are managed (containerd#7247).
		return fmt.Errorf("name %q is reserved for %q: %w", c.Name, owner, errdefs.ErrAlreadyExists)
	}
	s.names[c.Name] = c.ID
	if _, ok := s.sandboxes[c.SandboxID]; !ok {
		p := newSandbox(c.SandboxID, sandboxName(c.SandboxConfig.GetMetadata()), c.SandboxConfig, info.CreatedAt.UnixNano())
		if s.config.Pause != nil {
			p.stop() // its pause process is gone
		}
		s.sandboxes[p.id] = p
		s.names[p.name] = p.id
	}
	return nil
}

func decodeMetadata(info containers.Container) (metadata, error) {
	none := metadata{ID: info.ID, Name: info.ID}
	ext, ok := info.Extensions[metadataExtension]
	if !ok {
		return none, fmt.Errorf("no metadata: %w", errdefs.ErrNotFound)
	}
	v, err := typeurl.UnmarshalAny(ext)
	if err != nil {
		return none, fmt.Errorf("failed to decode metadata: %w", err)
	}
	meta, ok := v.(*metadata)
	switch {
	case !ok || meta.ID != info.ID:
		return none, fmt.Errorf("metadata of something else: %w", errdefs.ErrInvalidArgument)
	case meta.Version != metadataVersion:
		return none, fmt.Errorf("unsupported version %q of metadata: %w", meta.Version, errdefs.ErrNotImplemented)
	}
	return *meta, nil
}

// resolve finds out the state of a container with try: at once, or in background
// if there is no answer now.
func (s *Service) resolve(ctx context.Context, c *container, try func(context.Context) error) {
	err := once(ctx, try)
	if err == nil {
		return
	}
	log.G(ctx).WithError(err).Warnf("Failed to find out the state of container %q, will retry", c.ID)
	s.background(func(ctx context.Context) {
		retry(ctx, fmt.Sprintf("find out the state of container %q", c.ID), try)
	})
}

// reconcile derives the state of a container from its record and its task:
//
//	task       record CREATED    RUNNING            EXITED
//	none       CREATED           EXITED, unknown    EXITED
//	created    delete, CREATED   kill, EXITED       delete, EXITED
//	stopped    EXITED            EXITED             delete, EXITED
//	other      RUNNING           RUNNING            kill, EXITED
//
// CREATED says that task.Start was not called, so a task that is only created
// is what an interrupted start left behind; RUNNING says that it may have been.
// EXITED is never changed. The end of a process is told when it is on disk, and
// until then the container is UNKNOWN. A record that cannot be understood counts as
// RUNNING, which rules out a second start and deletes nothing that lives. The
// state is left UNKNOWN after an error.
func (s *Service) reconcile(ctx context.Context, c *container) error {
	status, err := s.readStatus(ctx, c)
	if err != nil {
		return err
	}
	started, exited := status.StartedAt != 0, status.FinishedAt != 0

	task, err := c.handle.Task(ctx, nil)
	if errdefs.IsNotFound(err) {
		if !started || exited {
			return s.settle(ctx, c, status, false, false)
		}
		return s.settle(ctx, c, status.exited(exit{}), true, false)
	}
	if err != nil {
		return fmt.Errorf("failed to load task: %w", err)
	}
	seen, err := task.Status(ctx)
	if err != nil {
		return fmt.Errorf("failed to get task status: %w", err)
	}

	if exited || !started && seen.Status == containerd.Created {
		return s.settle(ctx, c, status, false, true)
	}

	if !started {
		status.Pid, status.StartedAt = task.Pid(), time.Now().UnixNano()
		status.Hooked = c.SandboxID != ""
		if err := s.checkpoint(c.ID, status); err != nil {
			return err
		}
	}
	if _, err := s.openOutput(c); err != nil {
		log.G(ctx).WithError(err).Errorf("No log of container %q from now on", c.ID)
	}
	if seen.Status == containerd.Stopped {
		// Somebody may have seen EXITED before the crash, so nobody is told RUNNING
		// again: it stays UNKNOWN until the exit is recorded.
		c.commit(status)
		s.background(func(ctx context.Context) { s.monitorExit(ctx, c, nil, nil) })
		return nil
	}
	c.running(status)
	if c.updated && seen.Status != containerd.Created {
		s.background(func(ctx context.Context) { s.reapplyResources(ctx, c) })
	}
	s.background(func(ctx context.Context) {
		if seen.Status != containerd.Created {
			s.monitorExit(ctx, c, nil, nil)
			return
		}
		if e, ok := s.killTask(ctx, c, nil, nil); ok {
			s.finish(ctx, c, c.get().startFailed(errInterrupted, status.StartedAt, e))
		}
	})
	return nil
}

// settle ends that the state of c, which has no process, is UNKNOWN: the status is
// written if it is new, and a task is deleted. That is done at once, or if hooks are
// to be told of the end of c in background when they were: a container that is CREATED
// again may be started after it.
func (s *Service) settle(ctx context.Context, c *container, status Status, isNew, purge bool) error {
	tell := s.config.Hooks != nil && status.Hooked
	if tell {
		status.Hooked, isNew = false, true
	}
	try := func(ctx context.Context) error {
		if isNew {
			if err := s.checkpoint(c.ID, status); err != nil {
				return err
			}
		}
		if purge {
			if err := s.purgeTask(ctx, c); err != nil {
				return fmt.Errorf("failed to delete task: %w", err)
			}
		}
		c.settle(status)
		return nil
	}
	if !tell {
		return try(ctx)
	}
	s.background(func(ctx context.Context) {
		s.stopHook(ctx, c)
		retry(ctx, fmt.Sprintf("settle container %q", c.ID), try)
	})
	return nil
}

var errInterrupted = errors.New("service ended while the container was starting")

// readStatus returns the record of c. An error means that it may be readable
// later; one that never will be is logged and counts as that of a container
// which may run.
func (s *Service) readStatus(ctx context.Context, c *container) (Status, error) {
	data, err := s.disk.Read(c.ID)
	if err != nil && !errdefs.IsNotFound(err) {
		return Status{}, err
	}
	var status Status
	if err == nil {
		status, err = decodeStatus(data)
	}
	if err != nil {
		log.G(ctx).WithError(err).Errorf("No status of container %q on disk, it may have been started", c.ID)
		created := c.get().CreatedAt
		return Status{CreatedAt: created, StartedAt: created, Hooked: c.SandboxID != ""}, nil
	}
	return status, nil
}
