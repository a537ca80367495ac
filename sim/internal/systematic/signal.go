package systematic

import (
	"slices"

	"github.com/startrace/startrace/sim/internal/ctl"
)

// A signal is a channel on which nothing is sent in an execution: it is only ever
// closed, as the Done channel of a context. Receives from it commute, and with its
// close too, since one that blocks has the same end as one that comes later. A
// select of signals commutes with the close that alone ends it: before it, the
// select blocks until then, and after it no other case is ready.
//
// That nothing is sent is known at the end of an execution only, but equivalent
// executions agree about it; an execution in which something is sent shows the
// races of that. What is taken without blocking has to wait for its close, or not.

// signals is what the log of an execution tells about channels.
type signals struct {
	noisy map[uint32]bool  // something is sent, or may be
	by    map[place]uint32 // the channel of which the close alone ends a select

	ever    map[uint32]bool // closed at some time
	closed  map[uint32]bool // closed now
	uses    map[uint32][]uint32
	polls   map[uint32]bool // what uses are of does not block
	pending map[uint32]*wait
	running map[uint32]*wait
	blocked map[uint32]*wait
	valued  [][]uint32 // of each of these one channel had a value
	polled  []uint32   // these may have had one
}

// wait is an operation on channels.
type wait struct {
	at    place
	kind  uint8
	chans []uint32
	polls bool
	ready []uint32 // closed when it comes to them
	drawn bool     // several cases were ready
}

// listen finds out which channels of an execution are signals.
func listen(log []ctl.Event) *signals {
	s := &signals{
		noisy: map[uint32]bool{}, by: map[place]uint32{}, ever: map[uint32]bool{}, closed: map[uint32]bool{},
		uses: map[uint32][]uint32{}, polls: map[uint32]bool{},
		pending: map[uint32]*wait{}, running: map[uint32]*wait{}, blocked: map[uint32]*wait{},
	}
	for _, e := range log {
		s.entry(e)
	}
	for g := range s.running {
		s.settle(g)
	}
	for _, chans := range s.valued {
		if open := s.open(chans); len(open) > 0 {
			chans = open
		}
		s.noise(chans)
	}
	s.noise(s.open(s.polled))
	return s
}

// open returns those channels that are never closed.
func (s *signals) open(chans []uint32) []uint32 {
	return slices.DeleteFunc(slices.Clone(chans), func(c uint32) bool { return s.ever[c] })
}

// noise notes that something is sent on channels, but for nil.
func (s *signals) noise(chans []uint32) {
	for _, c := range chans {
		if c != 0 {
			s.noisy[c] = true
		}
	}
}

// calm tells whether all of these channels are signals. Nil, 0, is never ready.
func (s *signals) calm(chans ...uint32) bool {
	return !slices.ContainsFunc(chans, func(c uint32) bool { return c == numberless || s.noisy[c] })
}

func (s *signals) entry(e ctl.Event) {
	switch {
	case e.Kind == ctl.KSpawn:
		return
	case e.Kind == ctl.KWake:
		s.wake(e.To)
		return
	case e.Kind == ctl.KUses:
		if e.Flags&ctl.EventSends != 0 {
			s.noise([]uint32{e.Obj})
		}
		s.uses[e.From] = append(s.uses[e.From], e.Obj)
		s.polls[e.From] = e.Flags&ctl.EventPolls != 0
		return
	case e.NAlts == 0:
		return
	case isData(e.Kind):
		if w := s.running[e.From]; w != nil {
			w.drawn = true
		}
		return
	case e.Kind < ctl.KPark:
		s.settle(e.From)
		w := &wait{at: place{e.From, e.Point}, kind: e.Kind, chans: s.uses[e.From], polls: s.polls[e.From] || polls(e)}
		if e.Kind != ctl.KSelect {
			w.chans = []uint32{e.Obj}
		}
		delete(s.uses, e.From)
		delete(s.polls, e.From)
		s.pending[e.From] = w
	case e.Kind < ctl.KSpawn:
		if w := s.running[e.From]; w != nil {
			delete(s.running, e.From)
			s.blocked[e.From] = w
		}
	default:
		s.settle(e.From)
	}
	if w := s.pending[e.To]; w != nil {
		delete(s.pending, e.To)
		s.run(w)
	}
}

// run is the moment when an operation takes effect, or begins to.
func (s *signals) run(w *wait) {
	switch w.kind {
	case ctl.KClose:
		s.closed[w.chans[0]], s.ever[w.chans[0]] = true, true
	case ctl.KSend:
		s.noisy[w.chans[0]] = true
	case ctl.KRecv, ctl.KSelect:
		w.ready = s.among(w.chans)
		s.running[w.at.g] = w
	}
}

// among returns those channels that are closed.
func (s *signals) among(chans []uint32) []uint32 {
	return slices.DeleteFunc(slices.Clone(chans), func(c uint32) bool { return !s.closed[c] })
}

// settle ends the operation of a goroutine that did not block.
func (s *signals) settle(g uint32) {
	w := s.running[g]
	if w == nil {
		return
	}
	delete(s.running, g)
	switch {
	case w.polls:
		s.polled = append(s.polled, w.chans...)
	case w.drawn:
	default:
		s.ended(w, w.ready)
	}
}

// wake ends the operation of a goroutine that blocked.
func (s *signals) wake(g uint32) {
	if w := s.blocked[g]; w != nil {
		delete(s.blocked, g)
		s.ended(w, s.among(w.chans))
	}
}

func (s *signals) ended(w *wait, closed []uint32) {
	switch len(closed) {
	case 0:
		s.valued = append(s.valued, w.chans)
	case 1:
		s.by[w.at] = closed[0]
	}
}

// signalled tells whether a and b are operations on signals that commute.
func signalled(a, b op) bool {
	if a.kind == ctl.KClose {
		a, b = b, a
	}
	return a.calm && b.calm && (b.kind != ctl.KClose || a.kind == ctl.KRecv && !a.polls)
}

// polls tells whether e is a receive that does not block, or that may have to do
// with the clock.
func polls(e ctl.Event) bool { return e.Kind == ctl.KRecv && e.Label&1 != 0 }

// closes tells whether e is the close that alone ends the select s.
func (e *event) closes(s *event) bool {
	return e.op.kind == ctl.KClose && s.by != 0 && s.by == e.op.obj
}

// operation reads what is done at a point.
func (r *reader) operation(e ctl.Event) op {
	o := op{kind: e.Kind, obj: e.Obj, n: int(e.Label), odd: r.odd[e.Obj], polls: r.polls[e.From] || polls(e)}
	switch e.Kind {
	case ctl.KSelect:
		o.chans = r.uses[e.From]
		o.calm = r.signals.calm(o.chans...)
	case ctl.KRecv, ctl.KClose:
		o.calm = r.signals.calm(e.Obj)
	}
	delete(r.uses, e.From)
	delete(r.polls, e.From)
	return o
}

// closes notes that e closes a channel, or is a select that a close ends which
// came before it.
func (r *reader) closes(e *event) {
	switch {
	case e.op.kind == ctl.KClose:
		r.closers[e.op.obj] = e
	case e.op.kind == ctl.KSelect && e.op.calm && !e.op.polls:
		e.by = r.signals.by[place{e.g, e.point}]
		if c := r.closers[e.by]; c != nil {
			c.ends(e)
		}
	}
}
