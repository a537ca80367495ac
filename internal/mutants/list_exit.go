package mutants

// exits breaks rules of whoever follows a process to its end.
func exits() []Mutant {
	return []Mutant{
		{
			Name: "exit-by-wait-error",
			Rule: "An error of task.Wait is not an exit (W8, containerd#9112).",
			File: "exit_monitor.go",
			Old:  "	return exitOf(<-exitCh)\n",
			New: `	e, err := exitOf(<-exitCh)
	if err != nil {
		return exit{}, nil
	}
	return e, nil
`,
			By: []string{"I4", "I3"},
		},
		{
			Name: "exit-deletes-task-first",
			Rule: "The task is deleted only when its exit is on disk (W22, W31).",
			File: "exit_monitor.go",
			Old:  "	recorded := retry(",
			New: `	retry(ctx, "", func(ctx context.Context) error { return s.deleteTask(ctx, c) })
	recorded := retry(`,
			By: []string{"I4"},
		},
		{
			Name: "exit-recorded-once",
			Rule: "An exit is written as often as it takes.",
			File: "exit_monitor.go",
			Old: `		if err == nil || status.StartedAt != 0 {
			c.commit(status)
		}
		return err
	})`,
			New: `		if err == nil || status.StartedAt != 0 {
			c.commit(status)
		}
		if err != nil {
			log.G(ctx).WithError(err).Errorf("Failed to record the exit of container %q", c.ID)
		}
		return nil
	})`,
			By: []string{"I13", "I3"},
		},
		{
			Name: "exit-dropped-on-error",
			Rule: "An exit that could not be handled is not dropped: nobody else has it (cri#1133, containerd#4682).",
			File: "exit_monitor.go",
			Old: `		if err == nil || status.StartedAt != 0 {
			c.commit(status)
		}
		return err
	})
	if !recorded {
		return
	}`,
			New: `		if err == nil {
			c.commit(status)
			recorded = true
		}
		return nil
	})
	if !recorded {
		return
	}`,
			More: []Edit{{"exit_monitor.go", "	recorded := retry(", "	recorded := false\n	retry("}},
			By:   []string{"I3", "I11"},
		},
		{
			Name: "exit-time-of-handling",
			Rule: "FinishedAt is the time that the runtime tells, not that at which it was handled.",
			File: "exit_monitor.go",
			Old:  "	if at.UnixNano() <= 0 {\n		return time.Now()\n	}\n	return at",
			New:  "	return time.Now()",
			By:   []string{"I4"},
		},
		{
			Name: "exit-follower-gives-up",
			Rule: "The runtime is asked for the process until it answers.",
			File: "exit_monitor.go",
			Old:  "		if b.pause(ctx, nil) != nil {",
			New:  "		if b.pause(ctx, nil) != nil || b.last >= 2*minBackoff {",
			By:   []string{"I3", "I11"},
		},
		{
			Name: "exit-no-answer-is-no-task",
			Rule: "Only NotFound means that there is no task: no answer hides a live process (W14, containerd#9112).",
			File: "exit_monitor.go",
			Old:  "			if errdefs.IsNotFound(err) {\n				return exit{}, true",
			New:  "			if err != nil {\n				return exit{}, true",
			By:   []string{"I4", "I3"},
		},
		{
			Name: "exit-kill-not-awaited",
			Rule: "A killed process of a failed start has ended before its container is EXITED.",
			File: "exit_monitor.go",
			Old:  "	timer := time.NewTimer(killTimeout)\n",
			New: `	if ctx.Err() == nil {
		return exit{}, nil
	}
	timer := time.NewTimer(killTimeout)
`,
			By: []string{"I3", "I4"},
		},
		{
			Name: "commit-drops-flags",
			Rule: "A transition leaves the flags to those who set them.",
			File: "container.go",
			Old:  "	status.Starting, status.Removing, status.Unknown = c.status.Starting, c.status.Removing, c.status.Unknown\n",
			By:   []string{"I11", "I5"},
		},
		{
			Name: "settled-without-a-word",
			Rule: "Who waits for the end of a start is told of it.",
			File: "container.go",
			Old:  "		close(c.settled)\n		c.settled = nil",
			New:  "		c.settled = nil",
			By:   []string{"I10"},
		},
	}
}
