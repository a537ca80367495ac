package mutants

// restart breaks rules of the recovery.
func restart() []Mutant {
	return []Mutant{
		{
			Name: "recovery-no-answer-is-no-task",
			Rule: "Nothing is concluded and nothing written before the runtime has answered.",
			File: "restart.go",
			Old:  "	if errdefs.IsNotFound(err) {\n		if !started || exited {",
			New:  "	if err != nil {\n		if !started || exited {",
			More: []Edit{{"restart.go", `	if err != nil {
		return fmt.Errorf("failed to load task: %w", err)
	}
`, ""}},
			By: []string{"I4", "I12"},
		},
		{
			Name: "recovery-asks-once",
			Rule: "A state that could not be found out is asked for until there is an answer.",
			File: "restart.go",
			Old: `	s.background(func(ctx context.Context) {
		retry(ctx, fmt.Sprintf("find out the state of container %q", c.ID), try)
	})`,
			By: []string{"I11", "I3", "I12"},
		},
		{
			Name: "recovery-skips-damaged",
			Rule: "A record that cannot be read for now leaves its container known (W17, containerd#7247).",
			File: "restart.go",
			Old: `	err := once(ctx, try)
	if err == nil {
		return
	}`,
			New: `	err := once(ctx, try)
	if err == nil {
		return
	}
	if c.SandboxID != "" {
		s.mu.Lock()
		delete(s.containers, c.ID)
		s.mu.Unlock()
		return
	}`,
			By: []string{"I12"},
		},
		{
			Name: "recovery-keeps-created-task",
			Rule: "A task that an interrupted start left is deleted, or the next start meets it.",
			File: "restart.go",
			Old:  "return s.settle(ctx, c, status, false, true)",
			New:  "return s.settle(ctx, c, status, false, exited)",
			By:   []string{"I3", "I11"},
		},
		{
			Name: "recovery-created-task-runs",
			Rule: "A task that was created and never started does not run.",
			File: "restart.go",
			Old:  "		if seen.Status != containerd.Created {\n			s.monitorExit(ctx, c, nil, nil)\n			return\n		}",
			New:  "		if status.StartedAt != 0 {\n			s.monitorExit(ctx, c, nil, nil)\n			return\n		}",
			By:   []string{"I3"},
		},
		{
			Name: "recovery-without-monitor",
			Rule: "A container that is found running is followed to its end.",
			File: "restart.go",
			Old:  "			s.monitorExit(ctx, c, nil, nil)\n			return\n",
			New:  "			return\n",
			By:   []string{"I3", "I11"},
		},
		{
			Name: "recovery-overwrites-exit",
			Rule: "A recorded exit is never changed by what the task says (W28).",
			File: "restart.go",
			Old:  "	if exited || !started && seen.Status == containerd.Created {",
			New:  "	if exited && seen.Status != containerd.Stopped || !started && seen.Status == containerd.Created {",
			By:   []string{"I4", "I5"},
		},
		{
			Name: "recovery-shows-running-again",
			Rule: "Who saw EXITED before a crash does not see RUNNING after it.",
			File: "restart.go",
			Old: `		c.commit(status)
		s.background(func(ctx context.Context) { s.monitorExit(ctx, c, nil, nil) })
		return nil`,
			New: `		c.running(status)
		s.background(func(ctx context.Context) { s.monitorExit(ctx, c, nil, nil) })
		return nil`,
			By: []string{"I5"},
		},
		{
			Name: "recovery-exit-not-recorded",
			Rule: "An exit that happened while no service ran is on disk before it is told.",
			File: "restart.go",
			Old:  "status.exited(exit{}), true, false)",
			New:  "status.exited(exit{}), false, false)",
			By:   []string{"I13"},
		},
		{
			Name: "recovery-deletes-stopped-task",
			Rule: "The exit of a process that ended during an outage is recorded before its task is deleted.",
			File: "restart.go",
			Old:  "	if exited || !started && seen.Status == containerd.Created {",
			New: `	if started && !exited && seen.Status == containerd.Stopped {
		if err := s.purgeTask(ctx, c); err != nil {
			return err
		}
		status = status.exited(exit{seen.ExitStatus, exitTime(seen.ExitTime)})
		if err := s.checkpoint(c.ID, status); err != nil {
			return err
		}
		c.settle(status)
		return nil
	}
	if exited || !started && seen.Status == containerd.Created {`,
			By: []string{"I4", "I5"},
		},
		{
			Name: "recovery-leaves-orphans",
			Rule: "A record on disk alone, which a removal left that was cut short, is deleted.",
			File: "restart.go",
			Old:  "		if !s.known(strings.TrimSuffix(id, sandboxSuffix)) {",
			New:  "		if !s.known(strings.TrimSuffix(id, sandboxSuffix)) && ctx.Err() != nil {",
			By:   []string{"I8"},
		},
		{
			Name: "recovery-read-error-is-damage",
			Rule: "A disk that does not answer for a moment is no damaged record.",
			File: "restart.go",
			Old:  "	if err != nil && !errdefs.IsNotFound(err) {\n		return Status{}, err\n	}\n	var status Status",
			New:  "	var status Status",
			By:   []string{"I4", "I5", "I13"},
		},
	}
}
