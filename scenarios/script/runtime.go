package script

import "github.com/startrace/startrace/scenarios"

// runtimeCommands are what happens to processes, shims and the daemon by themselves.
var runtimeCommands = map[string]command{
	"exit": {
		usage: "CONTAINER [code=N]", doc: "The process ends by itself.", example: "exit c1 code=7",
		parse: func(a *args) (step, error) {
			name, err := a.container()
			if err != nil {
				return nil, err
			}
			code := 0
			if option, value, ok := a.option(); ok {
				if option != "code" {
					return nil, a.errorf("unknown option %q", option)
				}
				if code, err = a.number(value, 0, 255); err != nil {
					return nil, err
				}
			}
			return happens("no process could exit", func(w *scenarios.World) bool {
				return w.Containerd().Exit(w.ID(name), uint32(code))
			}), nil
		},
	},
	"oom": {
		usage: "CONTAINER", doc: "The kernel kills the process for lack of memory.", example: "oom c1",
		parse: needing(scenarios.OOM, onContainer("no process lacks memory", func(w *scenarios.World, id string) bool { return w.Containerd().OOM(id) })),
	},
	"pause": {
		usage: "CONTAINER", doc: "Somebody pauses the process, without the service.", example: "pause c1",
		parse: onRecord(func(w *scenarios.World, id string) error { return w.Pause(id, true) }),
	},
	"resume": {
		usage: "CONTAINER", doc: "Somebody resumes it.", example: "resume c1",
		parse: onRecord(func(w *scenarios.World, id string) error { return w.Pause(id, false) }),
	},
	"killshim": {
		usage: "CONTAINER", doc: "The shim is killed; the daemon cleans up after it.", example: "killshim c1",
		parse: needing(scenarios.Restart, onContainer("there is no shim", func(w *scenarios.World, id string) bool { return w.Containerd().KillShim(id) })),
	},
	"hang": {
		usage: "CONTAINER", doc: "The runtime does not answer about this container: its calls stay before their effect.", example: "hang c1",
		parse: parseHang(true),
	},
	"answer": {usage: "CONTAINER", doc: "The runtime answers again.", example: "answer c1", parse: parseHang(false)},
	"disconnect": {
		usage: "CONTAINER", doc: "The connection between daemon and shim is closed: calls under way end with \"ttrpc: closed\".", example: "disconnect c1",
		parse: onContainer("there is no shim", func(w *scenarios.World, id string) bool { return w.Containerd().CloseConnection(id) }),
	},
	"restart": {
		usage: "", doc: "The daemon is killed and starts again; shims and processes live on.", example: "restart",
		parse: needing(scenarios.Restart, func(*args) (step, error) {
			return func(s *stage) {
				s.world.RestartDaemon()
				s.settle()
			}, nil
		}),
	},
	"down": {
		usage: "", doc: "The daemon is killed, and stays down until \"restart\".", example: "down",
		parse: needing(scenarios.Restart, func(*args) (step, error) {
			return func(s *stage) {
				s.world.Containerd().Crash()
				s.settle()
			}, nil
		}),
	},
	"powercut": {
		usage: "[as NAME]", doc: "As crash, and what the disk has not synced is lost.", example: "powercut",
		parse: parseDeath(func(w *scenarios.World) { w.Checkpoints().Crash() }),
	},
	"crash": {
		usage: "[as NAME]", doc: "The service is killed, with all its calls, and a new one recovers. With a name it recovers when a later step lets it.", example: "crash as R",
		parse: parseDeath(func(*scenarios.World) {}),
	},
}

// happens is the step of what may find nothing that it can happen to.
func happens(otherwise string, do func(*scenarios.World) bool) step {
	return func(s *stage) {
		if !do(s.world) {
			s.unmetf("%s", otherwise)
		}
		s.settle()
	}
}

func onContainer(otherwise string, do func(w *scenarios.World, id string) bool) func(*args) (step, error) {
	return func(a *args) (step, error) {
		name, err := a.container()
		return happens(otherwise, func(w *scenarios.World) bool { return do(w, w.ID(name)) }), err
	}
}

// needing is for what the world has to be ready for.
func needing(k scenarios.OpKind, parse func(*args) (step, error)) func(*args) (step, error) {
	return func(a *args) (step, error) {
		a.need(k)
		return parse(a)
	}
}

// parseHang is the command of the runtime that does not answer, or does again.
func parseHang(hangs bool) func(*args) (step, error) {
	return func(a *args) (step, error) {
		name, err := a.container()
		return func(s *stage) {
			id := s.world.ID(name)
			if hangs {
				s.gates.hang(id)
			} else {
				s.gates.answer(id)
			}
			s.world.Hangs(name, hangs)
			s.settle()
		}, err
	}
}
