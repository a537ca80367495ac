package systematic

import "github.com/startrace/startrace/sim/internal/ctl"

// waitgroup is a WaitGroup of an execution. It is regular if it can not be
// emptied and used again while somebody waits, and if there are never more Dones
// than Adds: whatever order the operations have, each Add comes before all Waits
// that it does not know to have returned, and each Done takes away what was added
// before it. Then it makes no difference in which order an Add and a Done come.
type waitgroup struct {
	adds, joins []*event
	left        []int // of adds: what has not been taken away
}

// waitgroup looks at event e, whose clocks are known but for the operations
// that it depends on. It notes objects that are not regular.
func (o *order) waitgroup(e *event) {
	switch e.op.kind {
	case ctl.KAdd, ctl.KDone, ctl.KJoin:
	default:
		return
	}
	w := o.groups[e.op.obj]
	if w == nil {
		w = &waitgroup{}
		o.groups[e.op.obj] = w
	}
	switch e.op.kind {
	case ctl.KAdd:
		for _, j := range w.joins {
			if !e.before.has(j) {
				o.irregular(e.op)
			}
		}
		w.adds, w.left = append(w.adds, e), append(w.left, e.op.n)
	case ctl.KDone:
		n := e.op.n
		for i := len(w.adds) - 1; i >= 0 && n > 0; i-- {
			if e.before.has(w.adds[i]) {
				took := min(n, w.left[i])
				w.left[i] -= took
				n -= took
			}
		}
		if n > 0 {
			o.irregular(e.op)
		}
	case ctl.KJoin:
		w.joins = append(w.joins, e)
	}
}

// irregular notes that an object is used in an irregular way, if that is news.
func (o *order) irregular(p op) {
	if !p.odd {
		o.odd = append(o.odd, p.obj)
	}
}
