package mutants

// remove breaks rules of RemoveContainer.
func remove() []Mutant {
	return []Mutant{
		{
			Name: "remove-beside-start",
			Rule: "A container that is starting is not removed.",
			File: "container.go",
			Old: `	case c.status.Starting:
		return false, nil, fmt.Errorf("container is in starting state, can't be removed: %w", errdefs.ErrFailedPrecondition)
`,
			By: []string{"I2", "I8"},
		},
		{
			Name: "remove-beside-remove",
			Rule: "Of two removals one is refused, so that the failure of one does not take the flag of the other.",
			File: "container.go",
			Old: `	case c.status.Removing:
		return false, nil, fmt.Errorf("container is already in removing state: %w", errdefs.ErrFailedPrecondition)
`,
			By: []string{"I2", "I8"},
		},
		{
			Name: "remove-unknown",
			Rule: "A container whose state is not known yet is not removed.",
			File: "container.go",
			Old: `	case c.status.Unknown:
		return false, nil, fmt.Errorf("container state is unknown, can't be removed yet: %w", errdefs.ErrFailedPrecondition)
`,
			By: []string{"I8", "I2"},
		},
		{
			Name: "remove-stops-first",
			Rule: "Removing is set before the container is stopped, so that nobody starts it in between.",
			File: "container_remove.go",
			Old: `	running, reaped, err := c.beginRemove()
	if err != nil {`,
			New: `	if err := s.stopContainer(ctx, c, 0); err != nil {
		return err
	}
	_, reaped, err := c.beginRemove()
	if err != nil {`,
			More: []Edit{{"container_remove.go", `	if running {
		log.G(ctx).Infof("Container %q is running, will stop it to remove it", c.ID)
		if err := s.stopContainer(ctx, c, 0); err != nil {
			return fmt.Errorf("failed to stop container: %w", err)
		}
	}
`, "	log.G(ctx).Debugf(\"Removing container %q\", c.ID)\n"}},
			By: []string{"I10", "I2"},
		},
		{
			Name: "remove-keeps-flag",
			Rule: "A removal that failed gives Removing back (cri#371).",
			File: "container_remove.go",
			Old:  "			c.abortRemove()\n",
			New:  "			log.G(ctx).WithError(retErr).Error(\"Failed to remove\")\n",
			By:   []string{"I11", "I14"},
		},
		{
			Name: "remove-does-not-wait",
			Rule: "A removal waits until the exit is durable and the task deleted.",
			File: "container_remove.go",
			Old: `	if err := s.wait(ctx, reaped); err != nil {
		return fmt.Errorf("task is not deleted yet: %w", err)
	}`,
			New: `	_ = reaped`,
			By:  []string{"I8"},
		},
		{
			Name: "remove-on-load-error",
			Rule: "The record of a container goes only when the runtime says that it has no task: no answer is no reason (W9).",
			File: "container_remove.go",
			Old: `	task, err := c.handle.Task(ctx, nil)
	if errdefs.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if _`,
			New: `	task, err := c.handle.Task(ctx, nil)
	if err != nil {
		return nil
	}
	if _`,
			By: []string{"I8", "I2"},
		},
		{
			Name: "remove-on-delete-error",
			Rule: "A task that could not be deleted keeps its record.",
			File: "container_remove.go",
			Old:  "	if _, err := task.Delete(ctx, containerd.WithProcessKill); err != nil && !errdefs.IsNotFound(err) {\n		return err\n	}",
			New:  "	_, _ = task.Delete(ctx, containerd.WithProcessKill)",
			By:   []string{"I8"},
		},
		{
			Name: "remove-disk-first",
			Rule: "The record on disk is deleted last: without it the other means a container that may run.",
			File: "container_remove.go",
			Old: `	if err := s.client.ContainerService().Delete(ctx, id); err != nil && !errdefs.IsNotFound(err) {
		return`,
			New: `	if err := s.disk.Remove(id); err != nil {
		return err
	}
	if err := s.client.ContainerService().Delete(ctx, id); err != nil && !errdefs.IsNotFound(err) {
		return`,
			By: []string{"I13", "I5", "I12"},
		},
		{
			Name: "remove-forgets-disk-error",
			Rule: "A removal succeeds only when the record on disk is gone.",
			File: "container_remove.go",
			Old:  "	return s.disk.Remove(id)",
			New:  "	_ = s.disk.Remove(id)\n	return nil",
			By:   []string{"I8"},
		},
		{
			Name: "remove-forgotten-first",
			Rule: "A container is known until its records are gone, so that a removal can be repeated.",
			File: "container_remove.go",
			Old: `	running, reaped, err := c.beginRemove()
	if err != nil {
		return err
	}`,
			New: `	running, reaped, err := c.beginRemove()
	if err != nil {
		return err
	}
	s.mu.Lock()
	forget()
	s.mu.Unlock()`,
			By: []string{"I8", "I2"},
		},
	}
}
