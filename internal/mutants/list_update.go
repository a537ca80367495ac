package mutants

// updates breaks rules of UpdateContainerResources and ExecSync.
func updates() []Mutant {
	return []Mutant{
		{
			Name: "update-ignores-starting",
			Rule: "An update that is accepted while the container is starting reaches the task (W2).",
			File: "container_update.go",
			Old:  "	case c.settled != nil:\n		return false, c.settled, nil\n",
			By:   []string{"I19"},
		},
		{
			Name: "start-ignores-update",
			Rule: "A start waits for an update at work, whose resources it would miss.",
			File: "container.go",
			Old:  "	case c.updating != nil:\n		return c.updating, nil\n	}\n	c.status.Starting",
			New:  "	}\n	c.status.Starting",
			By:   []string{"I19"},
		},
		{
			Name: "update-not-undone",
			Rule: "An update that failed is undone in the task, too (W26).",
			File: "container_update.go",
			Old:  "			if applied && c.get().FinishedAt == 0 {",
			New:  "			if applied && c.get().FinishedAt != 0 {",
			By:   []string{"I19"},
		},
		{
			Name: "update-undone-once",
			Rule: "An update that failed is undone as often as it takes.",
			File: "container_update.go",
			Old:  "				if err != nil && !errdefs.IsFailedPrecondition(err) {\n					return err\n				}",
			New:  "				if err != nil {\n					ctx.Done()\n				}",
			By:   []string{"I19"},
		},
		{
			Name: "update-undone-record-first",
			Rule: "The record is restored after the task, for a restart to apply what is in force.",
			File: "container_update.go",
			Old:  "			// The record goes last:",
			New: `			if err := s.writeSpec(ctx, c, old); err != nil && !errdefs.IsNotFound(err) {
				return err
			}
			// The record goes last:`,
			By: []string{"I19"},
		},
		{
			Name: "update-beside-update",
			Rule: "Two updates do not mix: each sees what the other has left.",
			File: "container_update.go",
			Old:  "	case c.updating != nil:\n		return false, c.updating, nil\n",
			By:   []string{"I19", "panic"},
		},
		{
			Name: "update-record-last",
			Rule: "The record has the new resources before the task has, for a restart to apply them again.",
			File: "container_update.go",
			Old: `	if err := s.writeSpec(ctx, c, updated); err != nil {
		return err
	}
	if running {
		applied = true
		if err := s.applyResources(ctx, c, updated.Linux.Resources); err != nil {
			return err
		}
	}`,
			New: `	if running {
		applied = true
		if err := s.applyResources(ctx, c, updated.Linux.Resources); err != nil {
			return err
		}
	}
	s.background(func(ctx context.Context) { _ = s.writeSpec(ctx, c, updated) })`,
			By: []string{"I19"},
		},
		{
			Name: "update-not-applied-again",
			Rule: "A restart applies the resources of the record to a container that runs.",
			File: "restart.go",
			Old:  "	if c.updated && seen.Status != containerd.Created {",
			New:  "	if c.updated && seen.Status == containerd.Created {",
			By:   []string{"I19"},
		},
		{
			Name: "call-under-the-lock",
			Rule: "No lock that readers take is held while the runtime is called (W27, containerd#9770).",
			File: "container_start.go",
			Old:  "	if err := task.Start(ctx); err != nil {\n",
			New:  "	c.mu.Lock()\n	err = task.Start(ctx)\n	c.mu.Unlock()\n	if err != nil {\n",
			By:   []string{"I18"},
		},
		{
			Name: "exec-left-behind",
			Rule: "No process of an ExecSync stays behind, whatever it returns.",
			File: "container_execsync.go",
			Old:  "	defer s.endExec(ctx, c, id)\n",
			By:   []string{"I8"},
		},
	}
}
