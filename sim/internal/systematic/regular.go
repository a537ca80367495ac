package systematic

import "github.com/startrace/startrace/sim/internal/ctl"

// A channel is regular in an execution if there are only sends and receives on
// it that wait as long as they have to, or that it is closed. Then they have no
// more to do with one another than that the n-th receive gets what the n-th send
// gives, and that send n on a channel that holds c goes on once there was receive
// n-c: it makes no difference in which order a send and a receive begin.

// numberless stands for all objects of an execution that got no number.
const numberless = ^uint32(0)

// place names an operation within its execution.
type place struct{ g, point uint32 }

// channel is a regular channel.
type channel struct {
	size         int
	sends, recvs []place
	closed       bool
}

// channels follows an execution to find out which channels are regular.
type channels struct {
	all     map[uint32]*channel
	odd     map[uint32]bool // not regular
	partner map[place]place // what an operation need not wait for, since it was there
	next    map[uint32]ctl.Event
	blocks  map[uint32]bool   // of a goroutine that is at a channel
	at      map[uint32]uint32 // its channel
	signals *signals
}

// follow returns the objects that are not regular, and what the operations on
// the others follow.
func follow(log []ctl.Event) *channels {
	c := &channels{
		all: map[uint32]*channel{}, odd: map[uint32]bool{}, partner: map[place]place{},
		next: map[uint32]ctl.Event{}, blocks: map[uint32]bool{}, at: map[uint32]uint32{},
		signals: listen(log),
	}
	c.odd[numberless] = true
	for _, e := range log {
		switch {
		case e.Flags&ctl.EventWaits != 0:
			return c
		case e.Kind == ctl.KUses || e.Flags&ctl.EventAway != 0:
			c.odd[e.Obj] = true
		case e.Kind == ctl.KSpawn || e.Kind == ctl.KWake || e.NAlts == 0 || isData(e.Kind):
		default:
			c.expect(e)
			if e.Kind < ctl.KPark {
				c.next[e.From] = e
			}
			if p, ok := c.next[e.To]; ok {
				delete(c.next, e.To)
				c.run(p)
			}
		}
	}
	return c
}

// expect compares what a goroutine did with what was expected of it. There may
// have been operations on its channel that are no points.
func (c *channels) expect(e ctl.Event) {
	blocks, ok := c.blocks[e.From]
	if !ok {
		return
	}
	delete(c.blocks, e.From)
	blocked := false
	if e.Kind >= ctl.KPark && e.Kind < ctl.KSpawn {
		switch ctl.Reason(uint32(e.Kind - ctl.KPark)) {
		case "chan send", "chan receive":
			blocked = true
		}
	}
	if blocked != blocks {
		c.odd[c.at[e.From]] = true
	}
}

// run has the operation that was announced at e happen.
func (c *channels) run(e ctl.Event) {
	switch e.Kind {
	case ctl.KSend, ctl.KRecv, ctl.KClose:
	default:
		return
	}
	if e.Obj == 0 {
		return
	}
	ch := c.all[e.Obj]
	if ch == nil {
		ch = &channel{}
		c.all[e.Obj] = ch
	}
	if e.Kind == ctl.KClose {
		ch.closed = true
		ch.sends = ch.sends[:min(len(ch.sends), ch.size+len(ch.recvs))] // those that wait panic
		return
	}
	if e.Label&1 != 0 {
		c.odd[e.Obj] = true
		return
	}
	ch.size = int(e.Label >> 1)
	me := place{e.From, e.Point}
	mine, others, lead := &ch.recvs, ch.sends, 0
	if e.Kind == ctl.KSend {
		if ch.closed {
			return // it panics
		}
		mine, others, lead = &ch.sends, ch.recvs, ch.size
	}
	i := len(*mine) - lead
	*mine = append(*mine, me)
	if i >= 0 && i < len(others) {
		c.partner[me] = others[i]
	}
	c.blocks[e.From] = i >= len(others) && !ch.closed
	c.at[e.From] = e.Obj
}
