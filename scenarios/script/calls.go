package script

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/startrace/startrace/scenarios"
)

// worldCommands say what there is before anything happens.
var worldCommands = map[string]command{
	"container": {
		usage: "NAME ...", doc: "Containers that were created beforehand.", example: "container c1 c2",
		parse: func(a *args) (step, error) { return nothing, a.names(&a.p.s.Containers) },
	},
	"later": {
		usage: "NAME ...", doc: "Containers that a step creates.", example: "later c9",
		parse: func(a *args) (step, error) { return nothing, a.names(&a.p.s.Later) },
	},
	"ignoring": {
		usage: "TERM", doc: "The processes ignore SIGTERM.", example: "ignoring TERM",
		parse: func(a *args) (step, error) {
			a.p.s.IgnoreTerm = true
			return nothing, a.fixed("TERM")
		},
	},
}

func nothing(*stage) {}

// names reads names of new containers.
func (a *args) names(to *[]string) error {
	for {
		name := a.word()
		switch {
		case name == "" && len(*to) > 0:
			return nil
		case !containerName.MatchString(name):
			return a.errorf("%q is no name of a container: it is a lower-case letter and up to 15 more of them or digits", name)
		}
		*to = append(*to, name)
	}
}

// callCommands are calls of the service. With "as NAME" a call does not begin before a
// later step lets it; without, the story waits for its answer.
var callCommands = map[string]command{
	"update": {
		usage: "CONTAINER [fails=CLASS|mayfail=CLASS] [as NAME]", doc: "UpdateContainerResources, to what no other call has asked for.", example: "update c1 as U",
		parse: parseNamed("update", func(s *stage, ctx context.Context, name string) error { return s.world.Update(ctx, name) }, scenarios.Update),
	},
	"exec": {
		usage: "CONTAINER [timeout=DURATION] [fails=CLASS|mayfail=CLASS] [as NAME]", doc: "ExecSync of a process that ends by itself after this time, at once without one.",
		example: "exec c1 timeout=2s as E", parse: parseCall(scenarios.Exec),
	},
	"create": {usage: "CONTAINER [fails=CLASS|mayfail=CLASS] [as NAME]", doc: "CreateContainer.", example: "create c9", parse: parseNamed("create", func(s *stage, ctx context.Context, name string) error { return s.world.Create(ctx, name) })},
	"start":  {usage: "CONTAINER [fails=CLASS|mayfail=CLASS] [as NAME]", doc: "StartContainer.", example: "start c1 as S", parse: parseCall(scenarios.Start)},
	"stop": {
		usage: "CONTAINER [timeout=DURATION] [fails=CLASS|mayfail=CLASS] [as NAME]", doc: "StopContainer; without a timeout SIGKILL comes at once.",
		example: "stop c1 timeout=10s", parse: parseCall(scenarios.Stop),
	},
	"read":          {usage: "CONTAINER [fails=CLASS|mayfail=CLASS] [as NAME]", doc: "ContainerStatus, as a reader of whom the judge knows.", example: "read c1 as Q", parse: parseCall(scenarios.Status)},
	"remove":        {usage: "CONTAINER [fails=CLASS|mayfail=CLASS] [as NAME]", doc: "RemoveContainer.", example: "remove c1 fails=failed-precondition", parse: parseCall(scenarios.Remove)},
	"stopsandbox":   {usage: "[fails=CLASS|mayfail=CLASS] [as NAME]", doc: "StopPodSandbox.", example: "stopsandbox as P", parse: parseCall(scenarios.StopSandbox)},
	"removesandbox": {usage: "[fails=CLASS|mayfail=CLASS] [as NAME]", doc: "RemovePodSandbox.", example: "removesandbox", parse: parseCall(scenarios.RemoveSandbox)},
}

// how is what the options of a call say.
type how struct {
	timeout time.Duration
	wanted  *string // class of the error; nil if it is not to fail
	may     bool    // it may as well succeed
	label   string  // "" for a call that the story waits for
}

// want is what the story has of the answer.
func (h how) want() want {
	w := want{may: h.may}
	if h.wanted != nil {
		w.class = *h.wanted
	}
	return w
}

// options reads the options of a call.
func (a *args) options(timeout bool) (h how, err error) {
	for {
		name, value, ok := a.option()
		switch {
		case !ok:
			return h, nil
		case name == "timeout" && timeout:
			h.timeout, err = a.duration(value)
			if err == nil && h.timeout%time.Second != 0 {
				err = a.errorf("a timeout has whole seconds")
			}
		case name == "fails":
			class := strings.ReplaceAll(value, "-", " ")
			h.wanted, h.may = &class, false
		case name == "mayfail":
			class := strings.ReplaceAll(value, "-", " ")
			h.wanted, h.may = &class, true
		case name == "as":
			h.label, err = a.newOp()
		default:
			err = a.errorf("unknown option %q", name)
		}
		if err != nil {
			return h, err
		}
	}
}

// newOp reads a name for a call.
func (a *args) newOp() (string, error) {
	name := a.word()
	switch {
	case name == "":
		return "", a.errorf("a name is missing, as in \"as S\"")
	case a.p.ops[name]:
		return "", a.errorf("another call is named %q already", name)
	}
	a.p.ops[name] = true
	return name, nil
}

func parseCall(kind scenarios.OpKind) func(*args) (step, error) {
	return func(a *args) (step, error) {
		op := scenarios.Op{Kind: kind}
		text := string(kind)
		if kind != scenarios.StopSandbox && kind != scenarios.RemoveSandbox {
			var err error
			if op.Container, err = a.container(); err != nil {
				return nil, err
			}
			text += " " + op.Container
		} else {
			a.need(kind)
		}
		if kind == scenarios.Exec {
			a.need(kind)
		}
		h, err := a.options(kind == scenarios.Stop || kind == scenarios.Exec)
		if err != nil {
			return nil, err
		}
		op.Timeout = h.timeout
		a.p.about[h.label] = op.Container
		return h.step(text, func(s *stage, ctx context.Context) error { return s.world.Call(ctx, op) }), nil
	}
}

// parseNamed is the command of a call about a container that has no other options.
func parseNamed(word string, do func(*stage, context.Context, string) error, needs ...scenarios.OpKind) func(*args) (step, error) {
	return func(a *args) (step, error) {
		name, err := a.container()
		if err != nil {
			return nil, err
		}
		if word == "create" {
			if slices.Contains(a.p.s.Containers, name) {
				return nil, a.errorf("%s was created beforehand", name)
			}
			if a.p.made[name] {
				return nil, a.errorf("%s is created once", name)
			}
			a.p.made[name] = true
		}
		h, err := a.options(false)
		if err != nil {
			return nil, err
		}
		for _, k := range needs {
			a.need(k)
		}
		a.p.about[h.label] = name
		return h.step(word+" "+name, func(s *stage, ctx context.Context) error { return do(s, ctx, name) }), nil
	}
}

// step returns what makes the call.
func (h how) step(text string, do func(*stage, context.Context) error) step {
	return func(s *stage) {
		label := h.label
		if label == "" {
			label = text
		}
		for n := 2; s.calls[label] != nil; n++ {
			label = fmt.Sprintf("%s (%d)", text, n)
		}
		c := s.prepare(label, h.want(), func(ctx context.Context) error { return do(s, ctx) })
		if h.label == "" {
			s.await(c)
		}
	}
}
