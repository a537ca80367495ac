package script

import (
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/errdefs"

	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/scenarios"
)

// lookCommands look, print, and compare.
var lookCommands = map[string]command{
	"status": {
		usage: "CONTAINER", doc: "Prints what ContainerStatus answers.", example: "status c1",
		parse: func(a *args) (step, error) {
			name, err := a.container()
			return func(s *stage) { s.printf("%s is %s", name, s.look(name)) }, err
		},
	},
	"watch": {
		usage: "[stalled] as NAME", doc: "Somebody subscribes to the events of the service; a stalled one takes none before the end.", example: "watch as W",
		parse: parseWatch,
	},
	"expect": {
		usage:   "CONTAINER CREATED|RUNNING|EXITED [CODE]|UNKNOWN|gone|alive|dead, or CALL ok|waiting",
		doc:     "What the service says of a container, or whether it has a process; or whether a call has succeeded, or waits.",
		example: "expect c1 EXITED 7", parse: parseExpect,
	},
}

// look is the status of a container in words.
func (s *stage) look(name string) string {
	status, err := s.world.Status(s.world.Context(), name)
	switch {
	case err == nil:
		return status.String()
	case scenarios.ErrorClass(err) == errdefs.ErrNotFound.Error():
		return "gone"
	}
	return err.Error()
}

var states = []string{
	model.StateCreated.String(), model.StateRunning.String(), model.StateExited.String(), model.StateUnknown.String(), "gone",
}

func parseExpect(a *args) (step, error) {
	who := a.word()
	if a.p.ops[who] {
		return expectCall(a, who)
	}
	a.pos = a.at - 1
	name, err := a.container()
	if err != nil {
		return nil, err
	}
	want := a.rest()
	state, code, _ := strings.Cut(want, " ")
	switch {
	case want == "alive", want == "dead":
		return func(s *stage) {
			if alive := s.world.Containerd().Live(s.world.ID(name)); alive != (want == "alive") {
				s.unmetf("%s is not %s", name, want)
			}
		}, nil
	case !slices.Contains(states, state) || code != "" && state != model.StateExited.String():
		return nil, a.errorf("%q is no state: they are %s, alive, dead", want, strings.Join(states, ", "))
	}
	return func(s *stage) {
		// Reason and flags are of no interest to the story.
		got := s.look(name)
		if got != want && !strings.HasPrefix(got, want+" ") {
			s.unmetf("%s is %s, not %s", name, got, want)
		}
	}, nil
}

func expectCall(a *args, label string) (step, error) {
	switch want := a.word(); want {
	case "ok":
		return func(s *stage) {
			if c := s.calls[label]; !c.returned() || c.err != nil {
				s.unmetf("%s has not succeeded", label)
			}
		}, nil
	case "waiting":
		return func(s *stage) {
			if s.calls[label].returned() {
				s.unmetf("%s does not wait", label)
			}
		}, nil
	default:
		return nil, a.errorf("%s of a call has to be ok or waiting", fmt.Sprintf("%q", want))
	}
}

func parseWatch(a *args) (step, error) {
	word, kind := a.word(), scenarios.Watch
	if word == "stalled" {
		word, kind = a.word(), scenarios.Stall
	}
	if word != "as" {
		return nil, a.errorf("there has to be \"as NAME\"")
	}
	name, err := a.newOp()
	a.need(kind)
	delete(a.p.ops, name) // nothing can be done with it
	return func(s *stage) {
		s.world.Watch(name, kind == scenarios.Stall)
		s.settle()
	}, err
}
