package mutants

// told breaks rules about who is told of transitions: subscribers and hooks.
func told() []Mutant {
	return []Mutant{
		{
			Name: "event-outside-of-the-lock",
			Rule: "A transition and its event are one step, so that events are in the order of transitions (W5).",
			File: "events.go",
			Old:  "		c.events.emit(runtime.ContainerEventType_CONTAINER_STARTED_EVENT, c, started)\n",
			New:  "		go c.events.emit(runtime.ContainerEventType_CONTAINER_STARTED_EVENT, c, started)\n",
			By:   []string{"I6"},
		},
		{
			Name: "event-for-each-try",
			Rule: "STOPPED is told once, however often the exit is written.",
			File: "events.go",
			Old:  "	if before.FinishedAt == 0 && c.status.FinishedAt != 0 {",
			New:  "	if c.status.FinishedAt != 0 {",
			By:   []string{"I16"},
		},
		{
			Name: "event-of-failed-start",
			Rule: "A process that ran although its start failed is told of to its end.",
			File: "events.go",
			Old:  "		c.events.emit(runtime.ContainerEventType_CONTAINER_STARTED_EVENT, c, started)\n",
			New: `		c.events.emit(runtime.ContainerEventType_CONTAINER_STARTED_EVENT, c, started)
		if c.status.Starting {
			return
		}
`,
			By: []string{"I16"},
		},
		{
			Name: "event-stopped-first",
			Rule: "Of a process that has ended before anybody saw it STARTED is told before STOPPED.",
			File: "events.go",
			Old:  "	if before.StartedAt == 0 {\n		started := c.status",
			New: `	if before.FinishedAt == 0 && c.status.FinishedAt != 0 {
		c.events.emit(runtime.ContainerEventType_CONTAINER_STOPPED_EVENT, c, c.status)
		before.FinishedAt = c.status.FinishedAt
	}
	if before.StartedAt == 0 {
		started := c.status`,
			By: []string{"I6"},
		},
		{
			Name: "event-waits-for-subscriber",
			Rule: "Nobody waits for a subscriber: one that is slow loses its own events (W11).",
			File: "events.go",
			Old: `		select {
		case sub.queue <- e:
			return false
		default:
			close(sub.queue)
			return true
		}`,
			New: `		sub.queue <- e
		return false`,
			More: []Edit{{"events.go", "const eventBuffer = 1000", "const eventBuffer = 1"}},
			By:   []string{"deadlock", "I10", "I18"},
		},
		{
			Name: "event-for-one-subscriber",
			Rule: "Each subscriber gets all events.",
			File: "events.go",
			Old:  "	s.events.subs = append(s.events.subs, sub)\n",
			New:  "	s.events.subs = []*subscription{sub}\n",
			By:   []string{"I16"},
		},
		{
			Name: "hook-for-each-try",
			Rule: "The hook of the end is called once, however often the exit is written (W23).",
			File: "exit_monitor.go",
			Old:  "		err := s.checkpoint(c.ID, status)\n",
			New: `		if s.config.Hooks != nil && status.Hooked {
			s.stopHook(ctx, c)
		}
		err := s.checkpoint(c.ID, status)
`,
			By: []string{"I16"},
		},
		{
			Name: "hook-forgotten-after-restart",
			Rule: "The hook of the end is called by the next service, if the one that called that of the start has ended.",
			File: "status.go",
			Old:  "`json:\",omitempty\"` // Hooks may know",
			New:  "`json:\"-\"` // Hooks may know",
			By:   []string{"I16"},
		},
		{
			Name: "hook-of-restart-asks-the-runtime",
			Rule: "That it has to be called is in the record of the container, not in what the runtime knows, which it forgets in a restart of its own.",
			File: "restart.go",
			Old:  "	tell := s.config.Hooks != nil && status.Hooked\n",
			New:  "	tell := s.config.Hooks != nil && status.Hooked && (isNew || purge)\n",
			By:   []string{"I16"},
		},
		{
			Name: "hook-of-failed-start-forgotten",
			Rule: "The hook of the end is called after a start that failed, too.",
			File: "hooks.go",
			Old:  "	status.Hooked = true\n",
			More: []Edit{{"hooks.go", "	return nil\n}\n\nvar errStopped", "	status.Hooked = true\n	c.commit(*status)\n	return nil\n}\n\nvar errStopped"}},
			By:   []string{"I16"},
		},
		{
			Name: "hook-of-outage-forgotten",
			Rule: "The hook of the end is called for a container that a restart finds at its end, too.",
			File: "restart.go",
			Old:  "		s.stopHook(ctx, c)\n		retry(ctx, fmt.Sprintf(\"settle",
			New:  "		retry(ctx, fmt.Sprintf(\"settle",
			By:   []string{"I16"},
		},
		{
			Name: "oom-not-asked-for",
			Rule: "An exit for lack of memory has that reason.",
			File: "oom.go",
			Old:  "	return kills > 0\n",
			New:  "	return kills > 1\n",
			By:   []string{"I20"},
		},
		{
			Name: "oom-after-exit",
			Rule: "The lack of memory is told with the exit, not after it (containerd#12714).",
			File: "exit_monitor.go",
			Old:  "		if s.oomKilled(ctx, c, e) {",
			New: `		if e.known() && retry(ctx, "", func(context.Context) error { return s.checkpoint(c.ID, status) }) {
			c.commit(status)
		}
		if s.oomKilled(ctx, c, e) {`,
			By: []string{"I20"},
		},
		{
			Name: "oom-asked-for-too-late",
			Rule: "The cgroup is asked before the task, and the cgroup with it, is deleted.",
			File: "exit_monitor.go",
			Old:  "		if s.oomKilled(ctx, c, e) {",
			New: `		retry(ctx, "", func(ctx context.Context) error { return s.deleteTask(ctx, c) })
		if s.oomKilled(ctx, c, e) {`,
			By: []string{"I20", "I4"},
		},
	}
}
