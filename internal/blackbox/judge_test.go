package blackbox_test

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/internal/blackbox"
	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/scenarios"
)

// history returns one of a container, with times a nanosecond apart.
func history(events ...model.Event) model.History {
	for i := range events {
		events[i].Container, events[i].At = "c", int64(i+1)
	}
	return model.History{Source: model.Real, Events: events}
}

// call and ret are a call with a number, and its return.
func call(op model.Op, id int) model.Event { return model.Event{Kind: model.Call, Op: op, ID: id} }

func ret(op model.Op, id int, err string) model.Event {
	return model.Event{Kind: model.Return, Op: op, ID: id, Err: err}
}

var (
	created = []model.Event{call(model.OpCreate, 1), ret(model.OpCreate, 1, "")}
	made    = model.Event{Kind: model.TaskCreated, Life: 1}
	started = model.Event{Kind: model.Started, Life: 1}
	running = model.Event{Kind: model.Settled, Present: true, Alive: true, Status: model.Status{CreatedAt: 1, StartedAt: 2}}
)

func names(findings []blackbox.Finding) (names []string) {
	for _, f := range findings {
		names = append(names, f.Invariant+" "+f.Name)
	}
	return names
}

// A stop that found the process there is lost; one that came before it may have come
// before the start, and nobody can tell.
func TestJudgeStop(t *testing.T) {
	lost := history(append(created, call(model.OpStart, 2), made, call(model.OpStop, 3), ret(model.OpStop, 3, ""),
		started, ret(model.OpStart, 2, ""), running)...)
	findings := blackbox.Judge(lost)
	assert.Equal(t, []string{"I9 stopped means stopped"}, names(findings))
	assert.Equal(t, lost.String(), findings[0].History)
	assert.Equal(t, map[string]int{"StopContainer in start": 1, "StopContainer after the process was made": 1}, blackbox.Hits(lost))

	early := history(append(created, call(model.OpStart, 2), call(model.OpStop, 3), ret(model.OpStop, 3, ""), made,
		started, ret(model.OpStart, 2, ""), running)...)
	assert.Empty(t, blackbox.Judge(early))
	assert.Equal(t, map[string]int{"StopContainer in start": 1}, blackbox.Hits(early))
	assert.Empty(t, blackbox.Hits(history(created...)))
}

// What is no violation has a name, and so does what linearizability alone shows. An
// update is not judged: nobody sees what the process got.
func TestJudgeOddities(t *testing.T) {
	exited := model.Event{Kind: model.Settled, Present: true, Status: model.Status{CreatedAt: 1, StartedAt: 9, FinishedAt: 8}}
	h := history(append(created, call(model.OpStart, 2), made, started, model.Event{Kind: model.Exited, Life: 1},
		ret(model.OpStart, 2, ""), call(model.OpRemove, 3), ret(model.OpRemove, 3, "unknown: container is still running, to stop first"), exited, exited)...)
	findings := blackbox.Judge(h)
	assert.Equal(t, []string{" " + blackbox.FinishedFirst, " " + blackbox.StillRunning}, slices.Sorted(slices.Values(names(findings))))

	var s blackbox.Summary
	s.Findings = findings
	assert.False(t, s.Violated())
	assert.Equal(t, 1, s.Found(blackbox.FinishedFirst))
	assert.Zero(t, s.Found("I9"))

	update := history(append(created, call(model.OpStart, 2), made, started, ret(model.OpStart, 2, ""),
		call(model.OpUpdate, 3), ret(model.OpUpdate, 3, ""), running)...)
	assert.Empty(t, blackbox.Judge(update))

	backwards := history(append(created, call(model.OpRemove, 2), ret(model.OpRemove, 2, ""),
		call(model.OpStatus, 3), model.Event{Kind: model.Observed, ID: 3, Status: model.Status{CreatedAt: 1}}, ret(model.OpStatus, 3, ""))...)
	assert.Equal(t, []string{"L linearizable"}, names(blackbox.Judge(backwards)))
}

func TestCheck(t *testing.T) {
	for text, want := range map[string]string{
		"start|start|stop=2s|remove|status|list|update|exec=1s|exit=7; ignoreterm; pause": "",
		"start|crash":          "crash: on an endpoint it is",
		"p:start|stop":         "p:start: on an endpoint it is",
		"start|c.stop":         "c.stop: on an endpoint it is",
		"start|stop; loss":     "conditions",
		"start|stop; faults=1": "conditions",
		"start|stop; running":  "conditions",
		"start|exit=7|exit=8":  "ends by itself once",
		"start|removesandbox":  "removesandbox: on an endpoint it is",
		"start; plan={tasks.Start=1*error(unavailable)}": "conditions",
	} {
		w, err := scenarios.ParseWorkload(text)
		require.NoError(t, err)
		if err = blackbox.Check(w); want == "" {
			assert.NoError(t, err)
		} else {
			assert.ErrorContains(t, err, want)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	_, err := blackbox.Open(t.Context(), blackbox.Options{Endpoint: filepath.Join(dir, "absent"), Image: "i"})
	require.ErrorIs(t, err, blackbox.ErrNoEndpoint)
	require.ErrorIs(t, err, os.ErrNotExist)

	// Somebody who accepts and says nothing of the CRI.
	path := filepath.Join(dir, "s")
	l, err := net.Listen("unix", path)
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	_, err = blackbox.Open(t.Context(), blackbox.Options{Endpoint: path, Image: "i"})
	require.ErrorIs(t, err, blackbox.ErrNoEndpoint)
	require.NoError(t, l.Close())
	<-done

	_, err = blackbox.StartPrivate(t.Context(), "cri-o@1.30", nil, nil)
	assert.ErrorIs(t, err, blackbox.ErrUnknown)
}
