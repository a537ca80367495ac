package scenarios

import (
	"slices"
	"sync"
	"time"

	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/sim"
)

// recorder writes down the history of each container, in the order in which it
// is told. It may be told by any goroutine.
type recorder struct {
	source model.Source

	// order tells searches of which events the order matters: those that add as
	// readers are compared with those that add as writers. The invariants compare
	// lives of processes and what was seen before with what StopContainer and
	// RemoveContainer were called for, and had done when they or the like of a sandbox
	// succeeded; an update with those that it may have replaced; and the start of a
	// command with the record of the exit. No other call or return has an order that
	// shows in a verdict, so they have none here.
	order sync.RWMutex

	mu     sync.Mutex
	tracks map[string]*track // by container
	count  int               // of all events so far
	calls  int               // numbers of calls, given so far
}

// track is what is known of one container. Nothing in it changes.
type track struct {
	events []model.Event
	at     []int // the place of each among those of all containers
}

func newRecorder(source model.Source) *recorder {
	return &recorder{source: source, tracks: map[string]*track{}}
}

func (r *recorder) add(e model.Event) {
	defer r.ordered(e)()
	r.quietly(func() { r.append(e) })
}

// append adds e; the lock is held.
func (r *recorder) append(e model.Event) {
	r.count++
	t := r.tracks[e.Container]
	if t == nil {
		t = &track{events: make([]model.Event, 0, 32), at: make([]int, 0, 32)}
		r.tracks[e.Container] = t
	}
	t.events, t.at = append(t.events, e), append(t.at, r.count)
}

// ordered gives e its place in the order, which lasts until the function that it
// returns is called.
func (r *recorder) ordered(e model.Event) (done func()) {
	reads, writes := false, false
	switch e.Kind {
	case model.TaskCreated, model.Started, model.Exited, model.ExecStarted:
		writes = true
	case model.Stored:
		reads = true
	case model.Call:
		reads = e.Op == model.OpStop || e.Op == model.OpStatus || e.Op == model.OpUpdate
	case model.Return:
		writes = e.Op == model.OpStatus || e.Op == model.OpUpdate
		reads = e.Err == "" && (e.Op == model.OpStop || e.Op == model.OpRemove ||
			e.Op == model.OpStopSandbox || e.Op == model.OpRemoveSandbox)
	}
	switch {
	case writes:
		r.order.Lock()
		return r.order.Unlock
	case reads:
		r.order.RLock()
		return r.order.RUnlock
	}
	return func() {}
}

// quietly calls f with the lock held, which is no scheduling point.
func (r *recorder) quietly(f func()) {
	sim.Quietly(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		f()
	})
}

// call adds e as a call and returns it with the number that it got.
func (r *recorder) call(e model.Event) model.Event {
	e.Kind = model.Call
	defer r.ordered(e)()
	r.quietly(func() {
		r.calls++
		e.ID, e.At = r.calls, time.Now().UnixNano()
		r.append(e)
	})
	return e
}

// history returns what is known of the containers ids; "" stands for what is about
// none of them. Who is told of a process of a container and does not know of which is
// told of the one that ran, or else of the last one that was to.
func (r *recorder) history(ids ...string) model.History {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := model.History{Source: r.source}
	if len(ids) == 1 {
		h.Events = slices.Clip(r.of(ids[0]).events)
	} else {
		h.Events = r.merged(ids)
	}
	if slices.ContainsFunc(h.Events, func(e model.Event) bool { return e.Kind == model.Notified && e.Life == 0 }) {
		h.Events = slices.Clone(h.Events)
		nameLives(h.Events)
	}
	return h
}

// of returns what is known of container id; the lock is held.
func (r *recorder) of(id string) track {
	if t := r.tracks[id]; t != nil {
		return *t
	}
	return track{}
}

// merged returns what is known of several containers in its order; the lock is held.
func (r *recorder) merged(ids []string) (all []model.Event) {
	var rest []track
	for _, id := range ids {
		if t := r.of(id); len(t.events) > 0 {
			rest = append(rest, t)
		}
	}
	for len(rest) > 0 {
		first := 0
		for i := range rest {
			if rest[i].at[0] < rest[first].at[0] {
				first = i
			}
		}
		t := &rest[first]
		all = append(all, t.events[0])
		t.events, t.at = t.events[1:], t.at[1:]
		if len(t.events) == 0 {
			rest = slices.Delete(rest, first, first+1)
		}
	}
	return all
}

// nameLives says of which process notices are that do not say so.
func nameLives(events []model.Event) {
	ran, made := map[string]int{}, map[string]int{}
	for _, e := range events {
		switch e.Kind {
		case model.Started:
			ran[e.Container] = e.Life
		case model.TaskCreated:
			made[e.Container] = e.Life
		}
	}
	for i, e := range events {
		if e.Kind != model.Notified || e.Life != 0 {
			continue
		}
		life := ran[e.Container]
		if life == 0 {
			life = made[e.Container]
		}
		events[i].Life = max(life, 1)
	}
}

// life is the number of the last task of container id.
func (r *recorder) life(id string) (life int) {
	r.quietly(func() {
		for _, e := range r.of(id).events {
			if e.Kind == model.TaskCreated {
				life = e.Life
			}
		}
	})
	return life
}

// underWay are the calls that have not returned, in their order.
func (r *recorder) underWay() (calls []model.Event) {
	r.quietly(func() {
		for _, t := range r.tracks {
			for _, e := range t.events {
				switch e.Kind {
				case model.Call:
					calls = append(calls, e)
				case model.Return:
					calls = slices.DeleteFunc(calls, func(c model.Event) bool { return c.ID == e.ID })
				}
			}
		}
	})
	slices.SortFunc(calls, func(a, b model.Event) int { return a.ID - b.ID })
	return calls
}

// forget forgets what is known of container id.
func (r *recorder) forget(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.tracks, id)
}

// ended reports whether the end of every process of container id was seen that
// was seen at all.
func (r *recorder) ended(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	live := map[int]bool{}
	for _, e := range r.of(id).events {
		switch e.Kind {
		case model.TaskCreated, model.Started:
			live[e.Life] = true
		case model.Exited:
			delete(live, e.Life)
		}
	}
	return len(live) == 0
}
