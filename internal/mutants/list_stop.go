package mutants

// stop breaks rules of StopContainer.
func stop() []Mutant {
	return []Mutant{
		{
			Name: "stop-ignores-starting",
			Rule: "A stop that comes while the container is starting is honoured (W1).",
			File: "container_stop.go",
			Old:  "	for c.settled != nil && c.status.FinishedAt == 0 {",
			New:  "	for c.status.Unknown {",
			By:   []string{"I9"},
		},
		{
			Name: "stop-waits-without-looking-again",
			Rule: "A stop that has waited for a start looks at what came of it.",
			File: "container_stop.go",
			Old: `		if err != nil {
			return false, err
		}
	}
	return`,
			New: `		return false, err
	}
	return`,
			By: []string{"I9"},
		},
		{
			Name: "stop-latched-before-sent",
			Rule: "The stop signal counts as sent when it was delivered, not before (W6).",
			File: "container_stop.go",
			Old:  "		c.signaled = err == nil\n",
			New:  "		c.signaled = true\n",
			By:   []string{"I15"},
		},
		{
			Name: "stop-asks-again",
			Rule: "A process is asked to end once, by whatever number of stops (containerd#5020).",
			File: "container_stop.go",
			Old:  "	if c.signaled {\n		<-c.signaling\n		return nil\n	}\n",
			By:   []string{"I15"},
		},
		{
			Name: "stop-abandons-signal",
			Rule: "A caller that gives up leaves the answer to its signal to the next one, so that a process is not asked twice.",
			File: "container_stop.go",
			Old: `	case err := <-sent:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}`,
			New: `	case err := <-sent:
		<-c.signaling
		return err
	case <-ctx.Done():
		<-c.signaling
		return ctx.Err()
	}`,
			More: []Edit{{"container_stop.go", "		c.signaled = err == nil\n		<-c.signaling\n", "		c.signaled = err == nil\n"}},
			By:   []string{"I15"},
		},
		{
			Name: "stop-not-found-is-success",
			Rule: "A task that is gone is no stopped container until its exit is committed (W7).",
			File: "container_stop.go",
			Old: `		if !errdefs.IsNotFound(err) {
			log`,
			New: `		if errdefs.IsNotFound(err) {
			return nil
		}
		{
			log`,
			By: []string{"I9", "L"},
		},
		{
			Name: "stop-returns-after-kill",
			Rule: "A stop returns when the exit is committed, not when the signal was sent.",
			File: "container_stop.go",
			Old:  "			return s.wait(ctx, c.exited)\n		}\n		if !",
			New:  "			return nil\n		}\n		if !",
			By:   []string{"I9"},
		},
		{
			Name: "stop-without-kill",
			Rule: "A process that does not end within the grace period is killed.",
			File: "container_stop.go",
			Old:  "		if graceCtx.Err() == nil {\n			return err\n		}",
			New:  "		if graceCtx.Err() == nil {\n			return err\n		}\n		if c.signaled {\n			return nil\n		}",
			By:   []string{"I9"},
		},
		{
			Name: "stop-kill-error-is-final",
			Rule: "A signal that failed is tried again (containerd#12396).",
			File: "container_stop.go",
			Old: `		if !errdefs.IsNotFound(err) {
			log`,
			New: `		if !errdefs.IsNotFound(err) {
			return s.wait(ctx, c.exited)
		}
		{
			log`,
			By: []string{"I10"},
		},
		{
			Name: "stop-does-not-hold-latch",
			Rule: "Of two stops that come at once only one sends the stop signal.",
			File: "container_stop.go",
			Old: `	if c.signaled {
		<-c.signaling
		return nil
	}
	sent := make(chan error, 1)`,
			New: `	if c.signaled {
		<-c.signaling
		return nil
	}
	<-c.signaling
	sent := make(chan error, 1)`,
			More: []Edit{
				{"container_stop.go", "		c.signaled = err == nil\n		<-c.signaling\n", "		c.signaled = err == nil\n"},
				{"container_stop.go", "	}) {\n		<-c.signaling\n		return errClosed", "	}) {\n		return errClosed"},
			},
			By: []string{"I15"},
		},
	}
}
