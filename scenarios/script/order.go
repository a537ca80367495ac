package script

import (
	"regexp"
	"time"
)

// orderCommands say who goes on, and how far.
var orderCommands = map[string]command{
	"until": {
		usage:   "CALL at SITE [after=N]",
		doc:     "The call goes on until what it does is at this point about its container, the N passages before not counted, and stays there. Everybody else goes on as far as he can.",
		example: "until S at tasks.Start/after-effect", parse: parseUntil,
	},
	"go": {
		usage: "CALL", doc: "The call goes on from where it is, as far as it can.", example: "go S",
		parse: onCall(func(s *stage, c *call) {
			s.release(c)
			s.settle()
		}),
	},
	"finish": {
		usage: "CALL", doc: "The call goes on until it returns, for up to an hour of virtual time.", example: "finish S",
		parse: func(a *args) (step, error) {
			label, err := a.op()
			if err != nil {
				return nil, err
			}
			return func(s *stage) { s.await(s.calls[label]) }, nil
		},
	},
	"cancel": {
		usage: "CALL", doc: "The caller gives up.", example: "cancel S",
		parse: onCall(func(s *stage, c *call) {
			c.cancel()
			s.settle()
		}),
	},
	"hold": {
		usage:   "CONTAINER at SITE [after=N]",
		doc:     "Whoever is the next at this point about this container stays there: a call, or what the service does in background.",
		example: "hold c1 at tasks.Delete/before-effect", parse: parseHold,
	},
	"release": {
		usage: "CONTAINER at SITE", doc: "Who is held there goes on.", example: "release c1 at tasks.Delete/before-effect",
		parse: func(a *args) (step, error) {
			name, site, _, err := a.place(a.container)
			return func(s *stage) {
				id := s.world.ID(name)
				if s.gates.release(func(g *gate) bool { return g.label == "" && g.object == id && g.site == site }) == 0 {
					s.printf("nobody is held at %s", site)
				}
				s.settle()
			}, err
		},
	},
	"wait": {
		usage: "DURATION", doc: "Time passes.", example: "wait 10s",
		parse: func(a *args) (step, error) {
			d, err := a.duration(a.word())
			return func(s *stage) {
				time.Sleep(d)
				s.settle()
			}, err
		},
	},
}

var containerName = regexp.MustCompile(`^[a-z][a-z0-9]{0,15}$`)

// site is a phase of a call.
var site = regexp.MustCompile(`^[a-z]+\.[A-Z][A-Za-z]*/(before-effect|after-effect|reply)$`)

// onCall is the command of what is done with a call.
func onCall(do func(*stage, *call)) func(*args) (step, error) {
	return func(a *args) (step, error) {
		label, err := a.op()
		return func(s *stage) { do(s, s.calls[label]) }, err
	}
}

// place reads "WHO at SITE [after=N]".
func (a *args) place(read func() (string, error)) (who, where string, after int, err error) {
	if who, err = read(); err != nil {
		return "", "", 0, err
	}
	if err := a.fixed("at"); err != nil {
		return "", "", 0, err
	}
	if where = a.word(); !site.MatchString(where) {
		return "", "", 0, a.errorf("%q is no point: it is a call with a phase, as tasks.Start/after-effect (or /before-effect, /reply)", where)
	}
	name, value, ok := a.option()
	switch {
	case !ok:
	case name == "after":
		after, err = a.number(value, 0, 1000)
	default:
		err = a.errorf("unknown option %q", name)
	}
	return who, where, after, err
}

func parseUntil(a *args) (step, error) {
	label, where, after, err := a.place(a.op)
	if err != nil {
		return nil, err
	}
	about := a.p.about[label]
	return func(s *stage) {
		c := s.calls[label]
		object := ""
		if about != "" {
			object = s.world.ID(about)
		}
		g := s.gates.add(where, object, label, after)
		if !c.begun {
			c.begun = true
			close(c.begin)
		}
		s.gates.release(func(other *gate) bool { return other != g && other.label == label && other.has() })
		s.settle()
		switch {
		case g.has():
		case c.returned():
			s.printf("%s returns and does not come to %s", label, where)
		default:
			s.printf("%s waits and does not come to %s", label, where)
		}
	}, nil
}

func parseHold(a *args) (step, error) {
	name, where, after, err := a.place(a.container)
	return func(s *stage) { s.gates.add(where, s.world.ID(name), "", after) }, err
}
