package systematic

import (
	"bytes"
	"encoding/gob"
	"fmt"
)

// What a search would do next, as plain data. It is written between two
// executions, before Next, and is good for the program that it was made with.

type savedBounded struct {
	Levels [][]branch
	Level  int
	Cut    bool
}

type savedDPOR struct {
	Paths   []uint32 // of names, by number
	Orders  [][]savedEvent
	Path    []savedNode
	Choices []uint32
	Wasted  int
	Seen    []uint64
}

type savedNode struct {
	G, Point        uint32
	Decision        int
	Alts            []savedPending
	Chosen          uint64
	Slept, Explored uint64
	Todo            []savedSequence
	Values          []uint32
}

type savedSequence struct {
	Order, Origin int // the index among Orders
	Events        []savedEvent
}

// savedOp is an op.
type savedOp struct {
	Kind             uint8
	Obj              uint32
	N                int
	Chans            []uint32
	Odd, Calm, Polls bool
}

type savedPending struct {
	G, Point uint32
	Op       savedOp
	Known    int
}

// savedEvent is what sequences need of an event.
type savedEvent struct {
	G, Point uint32
	Op       savedOp
	Woke     []uint32
	Rough    bool
	By       uint32
	Data     bool
	Value    uint32
	Seq      uint32
	Clock    []uint32
	Known    int
	Comes    uint64
}

// Save implements Searcher.
func (s *bounded) Save() ([]byte, error) {
	return encode(savedBounded{s.levels, s.level, s.cut})
}

// Load implements Searcher.
func (s *bounded) Load(data []byte) error {
	var from savedBounded
	if err := decode(data, &from); err != nil {
		return err
	}
	if from.Level < 0 || from.Level >= len(from.Levels) {
		return fmt.Errorf("%w: level %d of %d", errSaved, from.Level, len(from.Levels))
	}
	s.levels, s.level, s.cut = from.Levels, from.Level, from.Cut
	return nil
}

// Save implements Searcher.
func (d *dpor) Save() ([]byte, error) {
	s := savedDPOR{Paths: d.names.paths, Choices: d.choices, Wasted: d.wasted}
	for mark := range d.seen {
		s.Seen = append(s.Seen, mark)
	}
	orders := map[*order]int{}
	for _, n := range d.path {
		m := savedNode{
			G: n.g, Point: n.point, Decision: n.decision,
			Chosen: n.chosen, Slept: n.slept, Explored: n.explored, Values: n.values,
		}
		for _, a := range n.alts {
			m.Alts = append(m.Alts, savedPending{a.g, a.point, saveOp(a.op), a.known})
		}
		for _, q := range n.todo {
			i, ok := orders[q.from]
			if !ok {
				i = len(s.Orders)
				orders[q.from] = i
				s.Orders = append(s.Orders, saveEvents(q.from.events))
			}
			m.Todo = append(m.Todo, savedSequence{i, q.origin, saveEvents(q.events)})
		}
		s.Path = append(s.Path, m)
	}
	return encode(s)
}

// Load implements Searcher.
func (d *dpor) Load(data []byte) error {
	var s savedDPOR
	if err := decode(data, &s); err != nil {
		return err
	}
	for _, p := range s.Paths[min(1, len(s.Paths)):] {
		d.names.of(p)
	}
	d.choices, d.wasted = s.Choices, s.Wasted
	for _, mark := range s.Seen {
		d.seen[mark] = struct{}{}
	}
	orders := make([]*order, len(s.Orders))
	for i, events := range s.Orders {
		o := &order{events: loadEvents(events), come: map[uint64]*event{}, known: d.known}
		for _, e := range o.events {
			o.come[e.comes] = e
		}
		orders[i] = o
	}
	for _, m := range s.Path {
		if m.Decision < 0 || m.Decision > len(s.Choices) {
			return fmt.Errorf("%w: decision %d of %d", errSaved, m.Decision, len(s.Choices))
		}
		n := &node{
			g: m.G, point: m.Point, decision: m.Decision,
			chosen: m.Chosen, slept: m.Slept, explored: m.Explored, values: m.Values,
		}
		for _, a := range m.Alts {
			n.alts = append(n.alts, pending{a.G, a.Point, loadOp(a.Op), a.Known})
		}
		for _, q := range m.Todo {
			if q.Order < 0 || q.Order >= len(orders) {
				return fmt.Errorf("%w: execution %d of %d", errSaved, q.Order, len(orders))
			}
			n.todo = append(n.todo, sequence{orders[q.Order], q.Origin, loadEvents(q.Events)})
		}
		d.path = append(d.path, n)
	}
	return nil
}

func saveOp(o op) savedOp {
	return savedOp{o.kind, o.obj, o.n, o.chans, o.odd, o.calm, o.polls}
}

func loadOp(o savedOp) op {
	return op{kind: o.Kind, obj: o.Obj, n: o.N, chans: o.Chans, odd: o.Odd, calm: o.Calm, polls: o.Polls}
}

func saveEvents(events []*event) (out []savedEvent) {
	for _, e := range events {
		out = append(out, savedEvent{
			G: e.g, Point: e.point, Op: saveOp(e.op), Woke: e.woke, Rough: e.rough, By: e.by,
			Data: e.data, Value: e.value, Seq: e.seq, Clock: e.clock, Known: e.known, Comes: e.comes,
		})
	}
	return out
}

func loadEvents(events []savedEvent) (out []*event) {
	for _, e := range events {
		out = append(out, &event{
			g: e.G, point: e.Point, op: loadOp(e.Op), woke: e.Woke, rough: e.Rough, by: e.By,
			data: e.Data, value: e.Value, seq: e.Seq, clock: e.Clock, known: e.Known, comes: e.Comes,
		})
	}
	return out
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	err := gob.NewEncoder(&b).Encode(v)
	return b.Bytes(), err
}

func decode(data []byte, v any) error {
	if err := gob.NewDecoder(bytes.NewReader(data)).Decode(v); err != nil {
		return fmt.Errorf("%w: %w", errSaved, err)
	}
	return nil
}
