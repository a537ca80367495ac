package scenarios

import (
	"slices"
	"sync"
	"time"

	"github.com/startrace/startrace/model"
)

// recorder writes down the history of each container, in the order in which it
// is told. It may be told by any goroutine.
type recorder struct {
	source model.Source

	mu     sync.Mutex
	events map[string][]model.Event // by container
	calls  int                      // numbers of calls, given so far
}

func newRecorder(source model.Source) *recorder {
	return &recorder{source: source, events: map[string][]model.Event{}}
}

func (r *recorder) add(e model.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events[e.Container] = append(r.events[e.Container], e)
}

// call adds e as a call and returns it with the number that it got.
func (r *recorder) call(e model.Event) model.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls++
	e.Kind, e.ID, e.At = model.Call, r.calls, time.Now().UnixNano()
	r.events[e.Container] = append(r.events[e.Container], e)
	return e
}

// history returns what is known of container id.
func (r *recorder) history(id string) model.History {
	r.mu.Lock()
	defer r.mu.Unlock()
	return model.History{Source: r.source, Events: slices.Clip(r.events[id])}
}

// forget forgets what is known of container id.
func (r *recorder) forget(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.events, id)
}

// ended reports whether the end of every process of container id was seen that
// was seen at all.
func (r *recorder) ended(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	live := map[int]bool{}
	for _, e := range r.events[id] {
		switch e.Kind {
		case model.TaskCreated, model.Started:
			live[e.Life] = true
		case model.Exited:
			delete(live, e.Life)
		}
	}
	return len(live) == 0
}
