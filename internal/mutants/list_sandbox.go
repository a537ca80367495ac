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
	}
}
