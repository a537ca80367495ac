package script

import (
	"errors"
	"fmt"
	"strings"

	"github.com/startrace/startrace/fakes/failpoint"
	"github.com/startrace/startrace/scenarios"
)

// faultCommands are what goes wrong from some step on.
var faultCommands = map[string]command{
	"fail": {
		usage:   "SITE [times=N] [with=CLASS]",
		doc:     "The next N passages of a site fail, one if nothing else is said, with an error of this class: unavailable, or EIO on disk.",
		example: "fail disk.rename times=2 with=ENOSPC", parse: parseFail,
	},
	"fault": {
		usage: "RULE", doc: "What a rule of package failpoint says; docs/fake.md lists sites and actions.",
		example: "fault event/tasks/exit=1*drop",
		parse: func(a *args) (step, error) {
			rule := a.rest()
			return extend(a, rule)
		},
	},
	"damage": {
		usage: "CONTAINER", doc: "What is on disk about the container becomes unreadable.", example: "damage c1",
		parse: onRecord(func(w *scenarios.World, id string) error { return w.Checkpoints().Write(id, []byte("{")) }),
	},
	"lose": {
		usage: "CONTAINER", doc: "What is on disk about the container is deleted.", example: "lose c1",
		parse: onRecord(func(w *scenarios.World, id string) error { return w.Checkpoints().Remove(id) }),
	},
	"forget": {
		usage: "CONTAINER", doc: "containerd's record of the container is deleted, whatever its task does.", example: "forget c1",
		parse: onRecord(func(w *scenarios.World, id string) error { return w.Forget(id) }),
	},
	"heal": {
		usage: "", doc: "All faults end.", example: "heal",
		parse: func(*args) (step, error) {
			return func(s *stage) {
				s.world.Containerd().StopFaults()
				s.settle()
			}, nil
		},
	},
}

func parseFail(a *args) (step, error) {
	where := a.word()
	times, class := 1, "unavailable"
	if strings.HasPrefix(where, "disk.") || strings.HasPrefix(where, "checkpoint.") {
		class = "EIO"
	}
	for {
		name, value, ok := a.option()
		switch {
		case !ok:
			return extend(a, fmt.Sprintf("%s=%d*error(%s)", where, times, class))
		case name == "times":
			var err error
			if times, err = a.number(value, 1, 1000); err != nil {
				return nil, err
			}
		case name == "with":
			class = value
		default:
			return nil, a.errorf("unknown option %q", name)
		}
	}
}

// extend is the step that adds a rule to the faults.
func extend(a *args, rule string) (step, error) {
	plan, err := failpoint.Parse(rule)
	if err == nil && len(plan) == 0 {
		err = errors.New("a rule is missing, as event/tasks/exit=1*drop")
	}
	if err != nil {
		return nil, a.errorf("%v", err)
	}
	a.p.s.faults = true
	return func(s *stage) { s.world.Faults().Extend(plan) }, nil
}

// onRecord is the command of what somebody does to a record.
func onRecord(do func(*scenarios.World, string) error) func(*args) (step, error) {
	return func(a *args) (step, error) {
		name, err := a.container()
		return func(s *stage) {
			if err := do(s.world, s.world.ID(name)); err != nil {
				s.unmetf("%v", err)
			}
			s.settle()
		}, err
	}
}
