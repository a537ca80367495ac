package model

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

// naiveState is the state machine the slow way: walk the diagram by the facts.
func naiveState(s Status) State {
	at := StateUnknown
	for _, step := range []struct {
		fact bool
		to   State
	}{
		{s.CreatedAt != 0, StateCreated},
		{s.StartedAt != 0, StateRunning},
		{s.FinishedAt != 0, StateExited},
		{s.Unknown, StateUnknown},
	} {
		if step.fact {
			at = step.to
		}
	}
	return at
}

func TestStateAgreesWithNaive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Status{
			CreatedAt:  rapid.Int64Range(0, 2).Draw(t, "created"),
			StartedAt:  rapid.Int64Range(0, 2).Draw(t, "started"),
			FinishedAt: rapid.Int64Range(0, 2).Draw(t, "finished"),
			Unknown:    rapid.Bool().Draw(t, "unknown"),
		}
		assert.Equal(t, naiveState(s), s.State())
	})
}

func TestLegal(t *testing.T) {
	states := []State{StateUnknown, StateCreated, StateRunning, StateExited}
	var legal []string
	for _, from := range states {
		for _, to := range states {
			if Legal(from, to) {
				legal = append(legal, from.String()+">"+to.String())
			}
		}
	}
	assert.Equal(t, []string{
		"UNKNOWN>CREATED",
		"CREATED>CREATED", "CREATED>RUNNING", "CREATED>EXITED",
		"RUNNING>RUNNING", "RUNNING>EXITED",
		"EXITED>EXITED",
	}, legal)
}

func TestStatusString(t *testing.T) {
	assert.Equal(t, "CREATED +starting +removing", Status{CreatedAt: 1, Starting: true, Removing: true}.String())
	assert.Equal(t, "EXITED 128 StartError", startError(1).String())
	assert.Equal(t, "UNKNOWN", Status{}.String())
}
