package systematic

import (
	"slices"

	"github.com/startrace/startrace/sim/internal/ctl"
)

// clock is a vector clock: how many events of each goroutine happened before.
type clock []uint32

func (c clock) has(e *event) bool { return int(e.g) < len(c) && c[e.g] >= e.seq }

func (c *clock) join(d clock) {
	for len(*c) < len(d) {
		*c = append(*c, 0)
	}
	for i, n := range d {
		(*c)[i] = max((*c)[i], n)
	}
}

// names numbers goroutines so that they keep their numbers in all executions of
// a search, whoever is started first.
type names struct {
	numbers map[uint32]uint32
	paths   []uint32 // by number
}

func newNames() *names { return &names{numbers: map[uint32]uint32{}, paths: []uint32{0}} }

func (n *names) of(path uint32) uint32 {
	i, ok := n.numbers[path]
	if !ok {
		i = uint32(len(n.paths))
		n.numbers[path] = i
		n.paths = append(n.paths, path)
	}
	return i
}

// event is an operation, with what follows up to the next one, or a value that
// was drawn.
type event struct {
	g, point uint32 // identify it
	op       op
	woke     []uint32 // channels of the selects that it ended
	ended    []*event // these selects
	rough    bool     // some of these are no signals
	by       uint32   // of a select of signals: the one of which the close alone ends it
	acquired bool     // a lock that was tried
	data     bool
	value    uint32
	nvalues  int
	partner  *event    // what it need not wait for, on a channel
	decision int       // choices before it
	alts     []pending // who could run, in the order of the alternatives
	seq      uint32    // number among the events of g
	before   clock     // of what its goroutine knew when it came to it
	clock    clock     // of what has to come before it, itself included
	known    int       // as of a pending
	comes    uint64    // mark of how its goroutine came to it
}

// pending is a goroutine at an operation.
type pending struct {
	g, point uint32
	op       op
	known    int // events that there were when it came to be known
}

// depends tells whether the order of e and o can make a difference.
func (e *event) depends(o op) bool {
	return e.op.depends(o) || len(e.woke) > 0 && e.others().depends(o)
}

func (e *event) dependsOn(d *event) bool {
	if len(d.woke) > 0 && e.depends(d.others()) || len(e.woke) > 0 && e.others().depends(d.op) {
		return true
	}
	return !e.closes(d) && !d.closes(e) && e.op.depends(d.op)
}

// others is what the selects are that e ended.
func (e *event) others() op {
	return op{kind: ctl.KSelect, chans: e.woke, calm: !e.rough}
}

// ends notes that e ended select s.
func (e *event) ends(s *event) {
	e.ended = append(e.ended, s)
	e.wakes(s.op)
}

func (e *event) wakes(s op) {
	e.woke = append(e.woke, s.chans...)
	e.rough = e.rough || !s.calm
}

// item is a step of the second pass: a new event, or an edge.
type item struct {
	kind  uint8 // itemEvent, ...
	event *event
	from  uint32
	to    uint32
	obj   uint32
	read  bool
	op    op // itemWake: what to waited for
}

const (
	itemEvent = iota
	itemSpawn
	itemWake
	itemUnlock
	itemBarrier // everything before comes before everything after
	itemSwitch  // a coroutine
	itemTells   // out of focus: others may have waited for this
	itemHears   // out of focus: what others told comes before the rest
)

// reader makes events and edges of a log.
type reader struct {
	alts     []uint32
	pending  map[uint32]pending
	last     map[uint32]op // operation under way
	uses     map[uint32][]uint32
	polls    map[uint32]bool
	signals  *signals
	closers  map[uint32]*event
	current  map[uint32]*event
	running  uint32
	odd      map[uint32]bool
	partner  map[place]place
	ran      map[place]*event
	waits    map[uint32]uint32 // for a WaitGroup: the point where it parked
	decision int
	events   int
	items    []item
	choices  []uint32
}

// understand reads an execution.
func understand(x Execution, n *names) (*order, []uint32) {
	n.rename(&x)
	c := follow(x.Log)
	for {
		items, choices := read(x, c)
		o := newOrder(items)
		if len(o.odd) == 0 {
			return o, choices
		}
		for _, obj := range o.odd {
			c.odd[obj] = true
		}
	}
}

// rename numbers the goroutines of an execution by their names. One that came
// from nowhere has only the number that it has here.
func (n *names) rename(x *Execution) {
	ids := map[uint32]uint32{0: 0}
	id := func(g uint32) uint32 {
		i, ok := ids[g]
		if !ok {
			i = n.of(g)
			ids[g] = i
		}
		return i
	}
	x.Log, x.Alts = slices.Clone(x.Log), slices.Clone(x.Alts)
	for i := range x.Log {
		e := &x.Log[i]
		if e.Kind == ctl.KSpawn {
			ids[e.To] = n.of(e.Label)
		}
		e.From, e.To = id(e.From), id(e.To)
	}
	for i, g := range x.Alts {
		x.Alts[i] = id(g)
	}
}

func read(x Execution, c *channels) (items []item, choices []uint32) {
	r := &reader{
		odd: c.odd, partner: c.partner, ran: map[place]*event{}, waits: map[uint32]uint32{},
		alts: x.Alts, pending: map[uint32]pending{}, last: map[uint32]op{},
		uses: map[uint32][]uint32{}, polls: map[uint32]bool{}, current: map[uint32]*event{},
		signals: c.signals, closers: map[uint32]*event{},
	}
	for _, e := range x.Log {
		if e.Flags&ctl.EventWaits != 0 {
			break // all wait for locks: a deadlock
		}
		r.entry(e)
	}
	return r.items, r.choices
}

func (r *reader) entry(e ctl.Event) {
	switch {
	case e.Kind == ctl.KSpawn:
		r.add(item{kind: itemSpawn, from: e.From, to: e.To})
	case e.Kind == ctl.KWake:
		r.wake(e)
	case e.Kind == ctl.KUses:
		r.uses[e.From] = append(r.uses[e.From], e.Obj)
		r.polls[e.From] = e.Flags&ctl.EventPolls != 0
	case e.Flags&ctl.EventAway != 0:
		r.away(e)
	case e.NAlts == 0:
		switch cur := r.current[e.From]; e.Kind {
		case ctl.KUnlock, ctl.KRUnlock:
			r.add(item{kind: itemUnlock, from: e.From, obj: e.Obj, read: e.Kind == ctl.KRUnlock})
		case ctl.KTryLock:
			if cur != nil {
				cur.acquired = true
			}
		}
	case isData(e.Kind):
		ev := &event{
			g: e.From, point: e.Point, data: true,
			value: uint32(e.Choice), nvalues: int(e.NAlts), decision: r.decision,
		}
		r.chose(e)
		r.add(item{kind: itemEvent, event: ev})
	default:
		r.pick(e)
	}
}

func (r *reader) add(i item) {
	if i.kind == itemEvent {
		r.events++
	}
	r.items = append(r.items, i)
}

func (r *reader) chose(e ctl.Event) {
	r.decision++
	r.choices = append(r.choices, uint32(e.Choice))
}

func (r *reader) wake(e ctl.Event) {
	o := r.last[e.To]
	if cur := r.current[e.From]; cur != nil && o.kind == ctl.KSelect {
		cur.ends(r.current[e.To])
	}
	if at, ok := r.waits[e.To]; ok {
		// It will look whether the WaitGroup has been used again.
		delete(r.waits, e.To)
		r.pending[e.To] = pending{e.To, at, o, r.events}
	}
	r.add(item{kind: itemWake, from: e.From, to: e.To, op: o})
}

// pick reads a point and what was picked there.
func (r *reader) pick(e ctl.Event) {
	switch {
	case e.Kind < ctl.KPark:
		o := r.operation(e)
		r.pending[e.From] = pending{e.From, e.Point, o, r.events}
	case ctl.Reason(uint32(e.Kind-ctl.KPark)) == "sync.WaitGroup.Wait":
		r.waits[e.From] = e.Point
	case e.Kind == ctl.KRoot || e.Kind == ctl.KOutside:
		r.add(item{kind: itemBarrier})
	}
	if e.From != 0 && e.From != r.running {
		r.add(item{kind: itemSwitch, from: r.running, to: e.From})
	}
	var alts []pending
	before := r.decision
	if e.NAlts > 1 {
		for _, g := range r.alts[:e.NAlts] {
			p := r.pending[g]
			p.g = g
			alts = append(alts, p)
		}
		r.alts = r.alts[e.NAlts:]
		r.chose(e)
	}
	if e.To == 0 {
		return
	}
	r.running = e.To
	p := r.pending[e.To]
	delete(r.pending, e.To)
	if p.op.null() {
		return
	}
	if alts == nil {
		alts = []pending{p}
	}
	ev := &event{g: p.g, point: p.point, op: p.op, known: p.known, decision: before, alts: alts}
	ev.partner = r.ran[r.partner[place{e.To, p.point}]]
	r.ran[place{e.To, p.point}] = ev
	r.current[p.g], r.last[p.g] = ev, p.op
	r.closes(ev)
	r.add(item{kind: itemEvent, event: ev})
}

// race is a pair of events whose order could be the other one.
type race struct{ first, second int }

// order computes clocks and races.
type order struct {
	events  []*event
	after   map[uint32]*clock // of each goroutine
	seq     map[uint32]uint32
	objects map[uint32]*object
	races   []race
	groups  map[uint32]*waitgroup
	odd     []uint32 // objects that turned out to be used in an irregular way
	marks   marks
	come    map[uint64]*event // by their marks
	known   translations
}

// object keeps what those who come later wait for.
type object struct{ writers, readers, done, told, sent clock }

func newOrder(items []item) *order {
	o := &order{
		after: map[uint32]*clock{}, seq: map[uint32]uint32{}, objects: map[uint32]*object{},
		groups: map[uint32]*waitgroup{}, come: map[uint64]*event{},
	}
	for _, i := range items {
		switch i.kind {
		case itemEvent:
			o.event(i.event)
		case itemSpawn, itemSwitch:
			o.of(i.to).join(*o.of(i.from))
		case itemWake:
			o.of(i.to).join(*o.of(i.from))
			o.complete(i.to, i.op)
		case itemUnlock:
			if ob := o.object(i.obj); i.read {
				ob.readers.join(*o.of(i.from))
			} else {
				ob.writers.join(*o.of(i.from))
			}
		case itemBarrier:
			o.barrier()
		case itemTells:
			o.object(i.obj).told.join(*o.of(i.from))
		case itemHears:
			o.hears(i.from, i.op)
			o.complete(i.from, i.op)
			o.of(i.from).join(o.object(i.op.obj).sent)
		}
	}
	return o
}

func (o *order) of(g uint32) *clock {
	c := o.after[g]
	if c == nil {
		c = new(clock)
		o.after[g] = c
	}
	return c
}

func (o *order) object(n uint32) *object {
	ob := o.objects[n]
	if ob == nil {
		ob = new(object)
		o.objects[n] = ob
	}
	return ob
}

// barrier joins all clocks; goroutine 0 stands for those to come.
func (o *order) barrier() {
	var all clock
	for _, c := range o.after {
		all.join(*c)
	}
	for _, c := range o.after {
		c.join(all)
	}
	o.of(0).join(all)
}

func (o *order) event(e *event) {
	o.seq[e.g]++
	e.seq = o.seq[e.g]
	after := o.of(e.g)
	seen := slices.Clone(*after) // what comes before it in any case
	e.before = slices.Clone(*after)
	e.clock = slices.Clone(*after)
	e.comes = o.marks.comes(e.g, e.point, e.before)
	o.come[e.comes] = e
	if !e.data {
		if e.op.kind == ctl.KLock || e.op.kind == ctl.KRLock {
			e.clock.join(o.object(e.op.obj).writers)
		}
		o.waitgroup(e)
		o.dependents(e, seen)
	}
	for len(e.clock) <= int(e.g) {
		e.clock = append(e.clock, 0)
	}
	e.clock[e.g] = e.seq
	o.events = append(o.events, e)
	o.marks.happened(e)
	after.join(e.clock)
	o.complete(e.g, e.op)
	if e.partner != nil {
		after.join(e.partner.clock)
	}
	switch e.op.kind {
	case ctl.KDone, ctl.KAdd:
		o.object(e.op.obj).done.join(*after)
	case ctl.KClose:
		o.object(e.op.obj).told.join(*after)
	case ctl.KSend:
		o.object(e.op.obj).sent.join(*after)
	}
}

// dependents orders e behind the earlier events that it depends on. Those of
// them that come before it for no other reason race with it.
func (o *order) dependents(e *event, seen clock) {
	waited := slices.Clone(e.clock)
	for i, d := range slices.Backward(o.events) {
		if d.data || d.g == e.g || !e.dependsOn(d) {
			continue
		}
		failed := d.op.kind == ctl.KTryLock && !d.acquired && waited.has(d)
		if !seen.has(d) && !failed {
			o.races = append(o.races, race{i, len(o.events)})
		}
		seen.join(d.clock)
		e.clock.join(d.clock)
	}
}

// complete orders what goroutine g does after o behind what o had to wait for.
func (o *order) complete(g uint32, p op) {
	switch p.kind {
	case ctl.KLock:
		o.of(g).join(o.object(p.obj).readers)
	case ctl.KJoin:
		o.of(g).join(o.object(p.obj).done)
	}
	o.hears(g, p)
}
