package sim

import (
	"cmp"
	"runtime/debug"
	"slices"

	"github.com/startrace/startrace/sim/internal/ctl"
	"github.com/startrace/startrace/sim/strategy"
)

// profile is what an execution that was watched tells the uniform strategies
// about the next ones: which goroutines there are, how many operations they
// have, and what they share.
type profile struct {
	gs     []profileGo
	shared []profileObject
}

// profileGo is a goroutine; parents come before their children.
type profileGo struct {
	path   uint64
	parent int // -1 for none
	kids   uint32
	ops    uint32 // announced
	total  uint32 // of those that have an object
}

// profileObject is an object that several goroutines touch and one writes, or
// all calls of Point.
type profileObject struct {
	points bool
	by     []profileTouch
}

// profileTouch is what one goroutine does to an object.
type profileTouch struct {
	g     int
	first uint32 // number of the operation, from 1
	n     uint32
}

// watch runs the body once and keeps what it did. There is no garbage
// collection meanwhile, so that no two objects have the same address.
func (r *runner) watch(cfg Config) *profile {
	cfg.Plan, cfg.Seed, cfg.Trace = strategy.RandomWalk{}.At(0), mix(0, 0), false
	c := &ctl.Config{Log: make([]ctl.Event, startLog), Blocked: make([]ctl.Blocked, maxBlocked)}
	cfg.apply(c)
	t := &T{TB: r.tb, name: cfg.Name}
	alone(cfg, func() {
		defer debug.SetGCPercent(debug.SetGCPercent(-1))
		ctl.Run(c, func() { t.main(r.body) })
	})
	return newProfile(c.Log[:min(c.NLog, uint64(len(c.Log)))])
}

// maxObjects is how many objects a profile knows. The log numbers twice as many;
// which of the last ones it does not number depends on their addresses.
const maxObjects = 512

// newProfile reads the log of an execution.
func newProfile(log []ctl.Event) *profile {
	p := &profile{}
	index := map[uint32]int{} // of goroutines, by number
	objects := map[uint32]*watched{}
	var order []*watched
	firsts := uint32(0)
	for _, e := range log {
		if e.Kind == ctl.KSpawn {
			g := profileGo{parent: -1}
			if parent, ok := index[e.From]; ok {
				p.gs[parent].kids++
				g.parent, g.path = parent, ctl.ChildPath(p.gs[parent].path, p.gs[parent].kids)
			} else {
				firsts++
				g.path = ctl.ChildPath(0, firsts)
			}
			index[e.To] = len(p.gs)
			p.gs = append(p.gs, g)
			continue
		}
		i, ok := index[e.From]
		if !ok || !announces(e.Kind) || e.Flags&ctl.EventAway != 0 {
			continue
		}
		g := &p.gs[i]
		g.ops++
		if e.Flags&ctl.EventStack != 0 {
			continue
		}
		switch e.Kind {
		case ctl.KGo, ctl.KGosched, ctl.KSelect: // have no object
			continue
		case ctl.KAdd, ctl.KDone:
		default:
			g.total++
		}
		if e.Obj == 0 && e.Kind != ctl.KPoint || e.Obj > maxObjects {
			continue
		}
		o := objects[e.Obj] // 0 for the points
		if o == nil {
			o = &watched{profileObject: profileObject{points: e.Obj == 0}}
			objects[e.Obj] = o
			order = append(order, o)
		}
		o.touch(i, g.ops, e)
	}
	for _, o := range order {
		if len(o.by) > 1 && o.written && !o.dull {
			p.shared = append(p.shared, o.profileObject)
		}
	}
	return p
}

// announces tells which entries of a log are operations that a goroutine
// announced.
func announces(kind uint8) bool {
	switch kind {
	case ctl.KChoose, ctl.KCase, ctl.KNote, ctl.KName:
		return false
	}
	return kind < ctl.KPark
}

// watched is an object whose operations are being read.
type watched struct {
	profileObject
	written bool
	dull    bool // a WaitGroup, whose additions commute
}

func (o *watched) touch(g int, op uint32, e ctl.Event) {
	switch {
	case e.Kind == ctl.KAdd || e.Kind == ctl.KDone:
		o.dull = true
	case e.Kind != ctl.KRLock && e.Kind != ctl.KRUnlock && e.Flags&ctl.EventLoad == 0:
		o.written = true
	}
	for i := range o.by {
		if o.by[i].g == g {
			o.by[i].n++
			return
		}
	}
	o.by = append(o.by, profileTouch{g: g, first: op, n: 1})
}

// maxSelected is how many objects SURW selects at most; the runtime keeps so
// many.
const maxSelected = 16

// selectFor writes into what the runtime reads which operations a uniform
// strategy selects.
func (p *profile) selectFor(kind strategy.Kind, seed uint64, to *ctl.Config) {
	to.Profile, to.Teach, to.Selected = to.Profile[:0], to.Teach[:0], 0
	left := make([]uint32, len(p.gs))
	teach := make([][]uint32, len(p.gs))
	if kind == strategy.KindURW || len(p.shared) == 0 {
		to.Selected = ctl.SelectAll | ctl.SelectPoints
		for i, g := range p.gs {
			left[i] = g.total
		}
	} else {
		for _, o := range p.draw(seed) {
			if o.points {
				to.Selected = ctl.SelectPoints
			}
			for _, t := range o.by {
				left[t.g] += t.n
				if !o.points {
					teach[t.g] = append(teach[t.g], t.first)
				}
			}
		}
	}
	for i, g := range slices.Backward(p.gs) {
		if g.parent >= 0 {
			left[g.parent] += left[i]
		}
		slices.Sort(teach[i])
		from := uint32(len(to.Teach))
		to.Teach = append(to.Teach, teach[i]...)
		to.Profile = append(to.Profile, ctl.Profile{Path: g.path, Left: left[i], Teach: from, Last: uint32(len(to.Teach))})
	}
	slices.SortFunc(to.Profile, func(a, b ctl.Profile) int { return cmp.Compare(a.Path, b.Path) })
}

// draw draws objects: one half of the time, one more half of the remaining
// time, and so on.
func (p *profile) draw(seed uint64) []profileObject {
	s := mix(seed, 1)
	next := func() uint64 {
		s = mix(s, 2)
		return s
	}
	objects := slices.Clone(p.shared)
	n := 1
	for n < min(len(objects), maxSelected) && next()>>63 == 0 {
		n++
	}
	for i := range n {
		j := i + int((next()>>32)*uint64(len(objects)-i)>>32)
		objects[i], objects[j] = objects[j], objects[i]
	}
	return objects[:n]
}
