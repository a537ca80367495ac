package systematic

import "github.com/startrace/startrace/sim/internal/ctl"

// Operations out of focus are no events: they are part of the one before, and
// taken to commute with all others. What has to come before something, a message
// before its receiver goes on, still has to.

// away reads an operation out of focus.
func (r *reader) away(e ctl.Event) {
	o := r.operation(e)
	r.last[e.From] = op{} // whoever ends it has touched nothing else
	if c := r.current[e.From]; c != nil && e.Kind == ctl.KClose {
		r.closers[e.Obj] = c
	}
	switch e.Kind {
	case ctl.KSend, ctl.KClose, ctl.KAdd, ctl.KDone, ctl.KSignal:
		r.add(item{kind: itemTells, from: e.From, obj: e.Obj})
	case ctl.KRecv, ctl.KSelect, ctl.KJoin, ctl.KWait:
		r.add(item{kind: itemHears, from: e.From, op: o})
	}
}

// hears orders what goroutine g does after o behind what it may have learned by
// that from operations out of focus.
func (o *order) hears(g uint32, p op) {
	switch p.kind {
	case ctl.KRecv, ctl.KJoin, ctl.KWait:
		o.hearsOf(g, p.obj)
	case ctl.KSelect:
		for _, c := range p.chans {
			o.hearsOf(g, c)
		}
	}
}

func (o *order) hearsOf(g, obj uint32) {
	if ob := o.objects[obj]; obj != 0 && ob != nil && ob.told != nil {
		o.of(g).join(ob.told)
	}
}
