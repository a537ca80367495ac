package scenarios

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	eventsapi "github.com/containerd/containerd/api/events"
	"github.com/containerd/containerd/v2/core/events"
	"github.com/containerd/typeurl/v2"

	"github.com/startrace/startrace/impl"
	"github.com/startrace/startrace/model"
)

// truth records the task events of a namespace. It belongs to one goroutine.
type truth struct {
	rec    *recorder
	env    RealEnv
	stream <-chan *events.Envelope
	broken <-chan error
	lives  map[string][]*seen // by container, in the order they were first seen
}

// seen is what was seen of one task.
type seen struct {
	pid                     uint32
	created, started, ended bool
}

func newTruth(rec *recorder, env RealEnv) *truth {
	return &truth{rec: rec, env: env, lives: map[string][]*seen{}}
}

// subscribe begins the events that listen records.
func (t *truth) subscribe(ctx context.Context) {
	t.stream, t.broken = t.env.Client.EventService().Subscribe(ctx,
		fmt.Sprintf(`namespace==%q,topic~="^/tasks/"`, t.env.Namespace))
}

// listen records events until ctx ends. It returns an error if the stream ends
// before that and nobody has broken the daemon; else it subscribes again, and what is
// told meanwhile is lost.
func (t *truth) listen(ctx context.Context) error {
	for {
		select {
		case e := <-t.stream:
			if err := t.record(e); err != nil {
				return err
			}
		case err := <-t.broken:
			if ctx.Err() != nil {
				return nil
			}
			if t.env.Breaker != nil {
				time.Sleep(restPoll)
				t.subscribe(ctx)
				continue
			}
			return fmt.Errorf("the event stream broke, the history is incomplete: %w", err)
		case <-ctx.Done():
			return nil
		}
	}
}

func (t *truth) record(envelope *events.Envelope) error {
	event, err := typeurl.UnmarshalAny(envelope.Event)
	if err != nil {
		return fmt.Errorf("event %s: %w", envelope.Topic, err)
	}
	at := envelope.Timestamp.UnixNano()
	switch e := event.(type) {
	case *eventsapi.TaskCreate:
		t.once(model.TaskCreated, e.ContainerID, e.Pid, at, 0)
	case *eventsapi.TaskStart:
		t.once(model.Started, e.ContainerID, e.Pid, at, 0)
	case *eventsapi.TaskExit:
		if e.ID == e.ContainerID { // and not a process that was executed in it
			t.once(model.Exited, e.ContainerID, e.Pid, e.ExitedAt.AsTime().UnixNano(), e.ExitStatus)
		}
	case *eventsapi.TaskDelete:
		if e.ID == "" || e.ID == e.ContainerID {
			t.once(model.TaskDeleted, e.ContainerID, e.Pid, at, 0)
		}
	}
	return nil
}

// once records an event, unless it was sent before: shim and daemon may both
// tell of an exit.
func (t *truth) once(kind model.Kind, id string, pid uint32, at int64, code uint32) {
	life := t.life(id, pid)
	s := t.lives[id][life-1]
	again := false
	switch kind {
	case model.TaskCreated:
		again, s.created = s.created, true
	case model.Started:
		again, s.started = s.started, true
	case model.Exited:
		again, s.ended = s.ended, true
	}
	if !again {
		t.rec.add(model.Event{Kind: kind, Container: id, Life: life, Pid: pid, At: at, Code: int32(code)})
	}
}

// life numbers the tasks of a container by their process.
func (t *truth) life(id string, pid uint32) int {
	for i, s := range t.lives[id] {
		if s.pid == pid {
			return i + 1
		}
	}
	t.lives[id] = append(t.lives[id], &seen{pid: pid})
	return len(t.lives[id])
}

// recordedCheckpoints records what became durable. A service writes the records
// of one container one after the other, so that the order is right.
type recordedCheckpoints struct {
	impl.Checkpoints
	rec *recorder
}

func (c recordedCheckpoints) Write(id string, data []byte) error {
	if err := c.Checkpoints.Write(id, data); err != nil {
		return err
	}
	// The fields are those of the model, the flags are not in a record.
	var record struct {
		Version string
		model.Status
	}
	if err := json.Unmarshal(data, &record); err != nil {
		return fmt.Errorf("record of %s: %w", id, err)
	}
	c.rec.add(model.Event{Kind: model.Stored, Container: id, At: time.Now().UnixNano(), Status: record.Status})
	return nil
}
