package mutants

// sandboxes breaks rules of the calls for pods.
func sandboxes() []Mutant {
	return []Mutant{
		{
			Name: "sandbox-marked-last",
			Rule: "StopPodSandbox makes the sandbox NOTREADY before it looks for containers.",
			File: "sandbox_stop.go",
			Old: `	first := ok && !p.stopping
	if ok {
		p.stopping = true
		if p.pause == nil {
			p.stop()
		}
	}
	s.mu.Unlock()`,
			New: `	first := ok && !p.stopping
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if ok {
			p.stop()
		}
	}()`,
			More: []Edit{{"sandbox_stop.go", `	if err := s.wait(ctx, p.told); err != nil {
		return fmt.Errorf("failed to stop sandbox %q: %w", id, err)
	}
`, ""}},
			By: []string{"I17"},
		},
		{
			Name: "sandbox-passes-over-starting",
			Rule: "StopPodSandbox stops containers that are being started too (W1).",
			File: "sandbox_stop.go",
			Old:  "	for i, c := range all {\n",
			New:  "	for i, c := range all {\n		if c.get().State() == runtime.ContainerState_CONTAINER_CREATED {\n			continue\n		}\n",
			By:   []string{"I17"},
		},
		{
			Name: "sandbox-does-not-wait",
			Rule: "StopPodSandbox returns when its containers have ended.",
			File: "sandbox_stop.go",
			Old:  "	stops.Wait()\n",
			By:   []string{"I17"},
		},
		{
			Name: "sandbox-removed-without-containers",
			Rule: "RemovePodSandbox removes the containers of the sandbox.",
			File: "sandbox_remove.go",
			Old:  "		if err := s.removeSettled(ctx, c, s.removeContainer); err != nil {\n			return",
			New:  "		if err := s.removeSettled(ctx, c, s.removeContainer); err != nil && c.get().Unknown {\n			return",
			By:   []string{"I2", "I8", "I12"},
		},
		{
			Name: "sandbox-does-not-wait-for-start",
			Rule: "RemovePodSandbox waits for what is left of a failed start.",
			File: "sandbox_remove.go",
			Old:  "	if err := s.wait(ctx, c.whenSettled()); err != nil {\n		return err\n	}\n	return remove(ctx, c)",
			New:  "	if c.get().Starting {\n		return nil\n	}\n	return remove(ctx, c)",
			By:   []string{"I8", "I2"},
		},
		{
			Name: "sandbox-forgotten-before-pause",
			Rule: "A sandbox is known until its pause process and its records are gone.",
			File: "sandbox_remove.go",
			Old:  "	err := s.removeSettled(ctx, p.pause,",
			New:  "	s.mu.Lock()\n	forget()\n	s.mu.Unlock()\n	err := s.removeSettled(ctx, p.pause,",
			By:   []string{"I8"},
		},
	}
}
