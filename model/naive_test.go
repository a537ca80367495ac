package model

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// naive is a second implementation of the state machine, written to be
// obviously right rather than usable: one step at a time, drawn by choose, it
// interleaves callers, the runtime and the exit handler of one container and
// writes down what happens. Every history of it must be judged clean, and with
// one of its guards taken out (mutant) some history must be judged broken.
type naive struct {
	choose func(n int) int
	mutant string
	events []Event
	now    int64

	status         Status // the committed record
	gone           bool
	alive, dead    bool // the current process
	code           int32
	exitedAt       int64
	life           int
	callers, steps int
	pending        []*caller
}

type caller struct {
	op    Op
	id    int
	phase int
	err   string
	fails bool // Start: a fault was drawn
	life  int  // Start: the task it made
}

func (n *naive) record(e Event) {
	n.now++
	e.Container, e.At = "c1", n.now
	n.events = append(n.events, e)
}

// commit makes s the record, on disk and for readers.
func (n *naive) commit(s Status) {
	n.status = s
	n.record(stored(s))
}

func (n *naive) exit(code int32) {
	n.alive, n.dead, n.code, n.exitedAt = false, true, code, n.now+1
	n.record(exits(n.life, code))
}

// finish commits the end of the process with the real code.
func (n *naive) finish() {
	s := n.status
	s.FinishedAt, s.ExitCode, s.Pid = n.exitedAt, n.code, 0
	if n.mutant == "made-up code" {
		s.ExitCode = UnknownCode
	}
	n.commit(s)
}

func (n *naive) is(s State) bool { return !n.gone && n.status.State() == s }

// run draws a whole history: six calls, then rest, then probes. It reports
// whether a call hung, which only mutants do.
func run(choose func(int) int, mutant string) (h History, hung bool) {
	n := &naive{choose: choose, mutant: mutant, now: 1}
	n.commit(created)
	for n.callers < 6 || len(n.pending) > 0 && n.steps < maxSteps {
		n.step(n.callers < 6)
	}
	n.rest()
	for _, op := range []Op{OpStop, OpRemove} {
		n.call(op, true)
		for len(n.pending) > 0 && n.steps < maxSteps {
			n.step(false)
		}
	}
	n.rest()
	return History{Events: n.events}, len(n.pending) > 0
}

const maxSteps = 5_000

func (n *naive) rest() {
	for n.unhandled() {
		n.handle()
	}
	s := n.status
	n.record(Event{Kind: Settled, Status: s, Present: !n.gone, Alive: n.alive})
}

func (n *naive) unhandled() bool {
	return n.dead && (n.is(StateRunning) || n.mutant == "exit first" && n.is(StateCreated)) && n.mutant != "lost exit"
}

func (n *naive) handle() {
	n.finish()
	n.dead = false
}

func (n *naive) call(op Op, isProbe bool) {
	n.callers++
	n.pending = append(n.pending, &caller{op: op, id: n.callers, fails: !isProbe && n.choose(3) == 1})
	e := call(op, n.callers)
	e.Probe = isProbe
	n.record(e)
}

// step lets one of those who can do something do one thing. The step of a
// caller that waits does nothing.
func (n *naive) step(more bool) {
	n.steps++
	switch pick := n.choose(4 + len(n.pending)); {
	case pick == 0 && more:
		n.call([]Op{OpStart, OpStart, OpStop, OpRemove, OpStatus}[n.choose(5)], false)
	case pick == 1 && n.alive && n.choose(4) == 0:
		n.exit(int32(n.choose(3)))
	case pick == 2 && n.unhandled():
		n.handle()
	case pick >= 4:
		n.advance(pick - 4)
	}
}

func (n *naive) advance(i int) {
	c := n.pending[i]
	var done bool
	switch c.op {
	case OpStart:
		done = n.start(c)
	case OpStop:
		done = n.stop(c)
	case OpRemove:
		done = n.remove(c)
	default:
		done = n.look(c)
	}
	if !done {
		return
	}
	n.pending = append(n.pending[:i], n.pending[i+1:]...)
	e := fail(c.op, c.id, c.err)
	for _, called := range n.events {
		if called.Kind == Call && called.ID == c.id {
			e.Probe = called.Probe
		}
	}
	n.record(e)
}

func (n *naive) start(c *caller) (done bool) {
	c.phase++
	switch c.phase {
	case 1:
		if !n.is(StateCreated) || n.status.Starting && n.mutant != "no starting flag" {
			c.err = "FailedPrecondition"
			return true
		}
		n.status.Starting = true
	case 2:
		n.life++
		c.life = n.life
		n.record(task(n.life))
	case 3:
		if c.fails && n.choose(2) == 0 { // no effect
			c.phase = 6
			break
		}
		n.alive = true
		n.record(starts(c.life))
	case 4:
		if c.fails { // with effect: undo it
			c.phase = 6
			if n.alive {
				n.exit(137)
			}
			n.dead = false
			break
		}
		if n.mutant != "exit first" || !n.is(StateExited) {
			s := n.status
			s.StartedAt = n.now
			n.commit(s)
		}
	case 5:
		n.status.Starting = n.mutant == "flag kept"
		return true
	case 7:
		s := n.status
		s.FinishedAt, s.ExitCode, s.Reason, s.Starting = n.now, StartErrorCode, StartErrorReason, false
		if n.exitedAt != 0 {
			s.FinishedAt, s.ExitCode = n.exitedAt, n.code
		}
		if n.mutant == "failure forgotten" {
			s = created
		}
		n.commit(s)
		c.err = "Unavailable"
		return true
	}
	return false
}

func (n *naive) stop(c *caller) (done bool) {
	switch {
	case c.phase == 1:
		return true
	case n.gone:
	case n.status.Starting && n.mutant != "stop ignores starting":
		return false
	case n.is(StateRunning):
		if n.alive {
			n.exit(137)
		}
		return false
	}
	c.phase = 1
	return false
}

func (n *naive) remove(c *caller) (done bool) {
	switch {
	case c.phase == 1 || n.gone:
		return true
	case n.mutant == "remove ignores state":
	case n.status.Starting || n.is(StateRunning):
		c.err = "FailedPrecondition"
		return true
	}
	n.gone, c.phase = true, 1
	return false
}

func (n *naive) look(c *caller) (done bool) {
	c.phase++
	if c.phase == 1 && !n.gone {
		s := n.status
		if n.mutant == "stale reads" && n.choose(2) == 0 {
			s = created
		}
		n.record(sees(c.id, s))
	}
	return c.phase == 2
}

func TestNaiveKeepsInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, hung := run(func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "step") }, "")
		require.Empty(t, Check(h), "%s", h)
		require.False(t, hung, "%s", h)
	})
	for seed := range uint64(20_000) {
		h, hung := run(rand.New(rand.NewPCG(seed, 0)).IntN, "")
		require.Empty(t, Check(h), "seed %d\n%s", seed, h)
		require.False(t, hung, "seed %d\n%s", seed, h)
	}
}

func TestMutantsBreakInvariants(t *testing.T) {
	for mutant, id := range map[string]string{
		"no starting flag":      "I1",
		"failure forgotten":     "I1",
		"remove ignores state":  "I2",
		"lost exit":             "I3",
		"made-up code":          "I4",
		"exit first":            "I5",
		"stale reads":           "I5",
		"stop ignores starting": "I9",
		"flag kept":             "I11",
	} {
		t.Run(mutant, func(t *testing.T) {
			for seed := range uint64(20_000) {
				h, _ := run(rand.New(rand.NewPCG(seed, 0)).IntN, mutant)
				for _, v := range Check(h) {
					if v.Invariant == id {
						return
					}
				}
			}
			assert.Fail(t, "no history breaks "+id)
		})
	}
}
