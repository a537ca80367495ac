package systematic

import (
	"slices"

	"github.com/startrace/startrace/sim/internal/ctl"
)

// op is what a goroutine does at a point.
type op struct {
	kind  uint8
	obj   uint32   // 0 for none
	n     int      // what is added to a WaitGroup, or taken away
	chans []uint32 // of a select
	odd   bool     // in this execution the object is used in an irregular way
	calm  bool     // all channels are signals
	polls bool     // a receive or select that does not block
}

// null tells whether o is nothing that the order of goroutines could change.
func (o op) null() bool {
	switch o.kind {
	case ctl.KNone, ctl.KGo:
		return true
	case ctl.KGosched, ctl.KPoint, ctl.KSelect:
		return false
	}
	return o.obj == 0
}

// depends tells whether the order of a and b can make a difference: they work
// on the same object, and do not commute.
func (o op) depends(b op) bool {
	if signalled(o, b) {
		return false
	}
	if o.kind == ctl.KSelect || b.kind == ctl.KSelect {
		return o.uses(b.obj) || b.uses(o.obj) || o.meets(b)
	}
	return o.obj != 0 && o.obj == b.obj && !commute(o.kind, b.kind, o.odd || b.odd)
}

func (o op) uses(obj uint32) bool {
	return obj != 0 && slices.Contains(o.chans, obj)
}

func (o op) meets(b op) bool {
	return slices.ContainsFunc(o.chans, b.uses)
}

// commute tells whether operations of these kinds on one object do.
//
// An unlock is no race for those who wait: they are not enabled before it. The
// same goes for Done and Wait, since a Wait that blocks has the same end as one
// that comes later, for a send and a receive unless the channel is odd (see
// channels), and for Add and Done unless the WaitGroup is (see waitgroup).
func commute(a, b uint8, odd bool) bool {
	if a > b {
		a, b = b, a
	}
	switch {
	case a == ctl.KUnlock || a == ctl.KRUnlock || b == ctl.KUnlock || b == ctl.KRUnlock:
		return a != ctl.KTryLock && b != ctl.KTryLock
	case a == b:
		switch a {
		case ctl.KRLock, ctl.KAdd, ctl.KDone, ctl.KJoin, ctl.KLoad:
			return true
		}
	case a == ctl.KSend && b == ctl.KRecv, a == ctl.KAdd && b == ctl.KDone, a == ctl.KDone && b == ctl.KJoin:
		return !odd
	}
	return false
}
