package scenarios

// Focus is, for sim.Config.Focus, the code that is tested, the world that it lives
// in, the order of events in the history, and the death of the service: not the rest of the harness, the
// client library, and what they are made of.
func Focus() []string {
	const module = "github.com/startrace/startrace/"
	return []string{
		module + "impl/...",
		module + "scenarios/variants/...",
		module + "fakes/...",
		module + "scenarios.(*recorder)",
		module + "scenarios.(*process)",
	}
}
