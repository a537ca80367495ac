package mutants

// start breaks rules of CreateContainer and StartContainer.
func start() []Mutant {
	return []Mutant{
		{
			Name: "start-beside-start",
			Rule: "Starting keeps a second StartContainer out.",
			File: "container.go",
			Old: `	case c.status.Starting:
		return nil, fmt.Errorf("container is already in starting state: %w", errdefs.ErrFailedPrecondition)
`,
			By: []string{"I1"},
		},
		{
			Name: "start-beside-remove",
			Rule: "Removing keeps StartContainer out.",
			File: "container.go",
			Old: `	case c.status.Removing:
		return nil, fmt.Errorf("container is in removing state, can't be started: %w", errdefs.ErrFailedPrecondition)
	case c.status.Starting:`,
			New: `	case c.status.Starting:`,
			By:  []string{"I2", "I8"},
		},
		{
			Name: "start-admitted-early",
			Rule: "A start asks whether its sandbox is READY after it has set Starting, since StopPodSandbox looks in the other order (W19, containerd#13599).",
			File: "container_start.go",
			Old: `	if err := s.beginStart(ctx, c); err != nil {
		return err
	}`,
			New: `	admitted := s.admit(c)
	if err := s.beginStart(ctx, c); err != nil {
		return err
	}`,
			More: []Edit{{"container_start.go", "if err := s.admit(c); err != nil {", "if err := admitted; err != nil {"}},
			By:   []string{"I17"},
		},
		{
			Name: "create-task-with-caller",
			Rule: "A call that makes a task goes on when its caller has given up, since only its answer says what there is to undo.",
			File: "container_start.go",
			Old:  "created := ask(s, func(ctx context.Context) (containerd.Task, error) {",
			New:  "created := ask(s, func(context.Context) (containerd.Task, error) {",
			By:   []string{"I3", "I8"},
		},
		{
			Name: "create-record-with-caller",
			Rule: "So does a call that makes a container.",
			File: "container_create.go",
			Old:  "created := ask(s, func(ctx context.Context) (containerd.Container, error) {",
			New:  "created := ask(s, func(context.Context) (containerd.Container, error) {",
			By:   []string{"I8"},
		},
		{
			Name: "start-cleanup-after-create",
			Rule: "A task that was made although its creation failed is looked for and removed (W13, containerd#11037).",
			File: "container_start.go",
			Old: `	task, err := created.wait(ctx)
	if err != nil {
		return`,
			New: `	task, err := created.wait(ctx)
	if err != nil {
		failed := status.startFailed(err, 0, exit{})
		retry(ctx, "", func(context.Context) error { return s.checkpoint(c.ID, failed) })
		c.settle(failed)
		return`,
			More: []Edit{{"container_start.go", "		if retErr != nil {\n			s.abandonStart", "		if retErr != nil && c.get().Starting {\n			s.abandonStart"}},
			By:   []string{"I3", "I8", "I11"},
		},
		{
			Name: "start-cleanup-once",
			Rule: "The process of a failed start is killed as often as it takes (W10).",
			File: "container_start.go",
			Old: `		if e, ok := s.killTask(ctx, c, task, exitCh); ok {
			s.finish(ctx, c, c.get().startFailed(cause, startedAt, e))
		}
	})`,
			New: `		var e exit
		if task != nil && exitCh != nil {
			e, _ = killOnce(ctx, task, exitCh)
		}
		s.finish(ctx, c, c.get().startFailed(cause, startedAt, e))
	})`,
			By: []string{"I11", "I3"},
		},
		{
			Name: "start-cleanup-deletes-once",
			Rule: "The task of a failed start is deleted as often as it takes.",
			File: "exit_monitor.go",
			Old: `	if retry(ctx, fmt.Sprintf("delete the task of container %q", c.ID), func(ctx context.Context) error {
		return s.deleteTask(ctx, c)
	}) {
		c.taskGone()
	}`,
			New: `	if err := once(ctx, func(ctx context.Context) error { return s.deleteTask(ctx, c) }); err == nil {
		c.taskGone()
	}`,
			By: []string{"I11", "I10", "I14"},
		},
		{
			Name: "start-running-before-durable",
			Rule: "RUNNING is shown only when it is on disk.",
			File: "container_start.go",
			Old:  "	if err := s.checkpoint(c.ID, status); err != nil {",
			New:  "	c.commit(status)\n	if err := s.checkpoint(c.ID, status); err != nil {",
			By:   []string{"I13"},
		},
		{
			Name: "start-failed-write-reopens",
			Rule: "A start whose record could not be written never makes the container CREATED again (W3).",
			File: "container_start.go",
			Old: `	if err := s.checkpoint(c.ID, status); err != nil {
		return err
	}`,
			New: `	if err := s.checkpoint(c.ID, status); err != nil {
		s.killTask(s.ctx, c, task, exitCh)
		retry(s.ctx, "", func(ctx context.Context) error { return s.deleteTask(ctx, c) })
		status.Pid, status.StartedAt = 0, 0
		c.settle(status)
		return err
	}`,
			More: []Edit{{"container_start.go", "		if retErr != nil {\n			s.abandonStart", "		if retErr != nil && c.get().Starting {\n			s.abandonStart"}},
			By:   []string{"I13", "I1", "I5"},
		},
		{
			Name: "start-exit-code-made-up",
			Rule: "A failed start whose process ran has the code with which it ended, if the runtime knows it (W21, W29, W34, runc#2183).",
			File: "status.go",
			Old:  "	if startedAt == 0 || !e.known() {",
			New:  "	{",
			By:   []string{"I4"},
		},
		{
			Name: "start-monitored-early",
			Rule: "Nobody records an exit before RUNNING was committed (cri#1133).",
			File: "container_start.go",
			Old: `	c.running(status)
	s.background(func(ctx context.Context) { s.monitorExit(ctx, c, task, exitCh) })`,
			New: `	s.background(func(ctx context.Context) { s.monitorExit(ctx, c, task, exitCh) })
	c.running(status)`,
			By: []string{"I3", "I5"},
		},
		{
			Name: "start-failure-told-early",
			Rule: "A failed start that asked for no process is EXITED only when that is on disk: after a crash it is CREATED.",
			File: "exit_monitor.go",
			Old:  "		if err == nil || status.StartedAt != 0 {\n			c.commit(status)\n		}",
			New:  "		c.commit(status)",
			By:   []string{"I5", "I12", "I13"},
		},
		{
			Name: "create-cleanup-after-success",
			Rule: "A record that was made although its creation failed is deleted.",
			File: "container_create.go",
			Old: `	handle, err := created.wait(ctx)
	if err != nil {`,
			New: `	handle, err := created.wait(ctx)
	made = err == nil
	if err != nil {`,
			More: []Edit{{"container_create.go", `	defer func() {
		if retErr != nil {
			s.cleanUp(`, `	made := false
	defer func() {
		if retErr != nil && made {
			s.cleanUp(`}},
			By: []string{"I8"},
		},
		{
			Name: "create-cleanup-once",
			Rule: "What a failed creation left is deleted as often as it takes.",
			File: "container_create.go",
			Old: `	s.background(func(ctx context.Context) {
		retry(ctx, fmt.Sprintf("clean up container %q", id), fn)
	})`,
			By: []string{"I8"},
		},
		{
			Name: "create-beside-stop-sandbox",
			Rule: "A container is added only to a sandbox that is READY then, not when the call began (W19).",
			File: "container_create.go",
			Old: `	if _, err := s.readySandboxLocked(c.SandboxID); err != nil {
		return err
	}`,
			By: []string{"I17"},
		},
		{
			Name: "create-known-before-recorded",
			Rule: "A container can be called for only when its record is on disk.",
			File: "container_create.go",
			Old: `	if err := s.checkpoint(meta.ID, status); err != nil {
		return "", err
	}`,
			New: `	s.background(func(context.Context) { _ = s.checkpoint(meta.ID, status) })`,
			By:  []string{"I13", "I12", "I5"},
		},
	}
}
