package daemon

import (
	"context"
	"errors"
	"fmt"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/errdefs"
)

// Stop kills all tasks and deletes all containers of the namespace, stops the
// daemon and removes everything that [Daemon.Census] would list. It reports
// what it could not remove, and may be called again then; once it has
// returned nil it does nothing. It takes 30 seconds at most.
func (d *Daemon) Stop() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stopped {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()

	var err error
	if d.proc != nil || d.in.address != "" {
		err = d.empty(ctx)
	}
	if d.proc != nil {
		if d.in.address == "" {
			// What the daemon did not clean up itself is cleaned up below.
			err = nil
		}
		err = errors.Join(err, d.proc.stop(stopGrace))
		d.proc = nil
	}
	if err = errors.Join(err, d.in.clean(ctx)); err != nil {
		return err
	}
	d.stopped = true
	return nil
}

// empty kills and deletes what the daemon knows in the namespace, and the
// namespace.
func (d *Daemon) empty(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, emptyTimeout)
	defer cancel()
	if err := d.serves(ctx); err != nil {
		return fmt.Errorf("daemon: %w", err)
	}
	client, err := d.Client()
	if err != nil {
		return err
	}
	defer client.Close()
	containers, err := client.Containers(ctx)
	if err != nil {
		return fmt.Errorf("daemon: list containers: %w", err)
	}
	var errs []error
	for _, c := range containers {
		if err := deleteContainer(ctx, c); err != nil {
			errs = append(errs, fmt.Errorf("daemon: delete container %s: %w", c.ID(), err))
		}
	}
	if err := client.NamespaceService().Delete(ctx, d.Namespace()); err != nil && !errdefs.IsNotFound(err) {
		errs = append(errs, fmt.Errorf("daemon: delete namespace: %w", err))
	}
	return errors.Join(errs...)
}

func deleteContainer(ctx context.Context, c containerd.Container) error {
	task, err := c.Task(ctx, nil)
	if err == nil {
		_, err = task.Delete(ctx, containerd.WithProcessKill)
	}
	if err != nil && !errdefs.IsNotFound(err) {
		return err
	}
	if err := c.Delete(ctx); err != nil && !errdefs.IsNotFound(err) {
		return err
	}
	return nil
}
