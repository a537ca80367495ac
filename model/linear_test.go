package model

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLinearizable(t *testing.T) {
	for _, test := range []struct {
		name   string
		events []Event
		event  int // of the violation, never for none
	}{
		{"nothing", nil, never},
		{
			"a whole life", []Event{
				call(OpCreate, 1), ok(OpCreate, 1), call(OpStart, 2), ok(OpStart, 2), call(OpStatus, 3), sees(3, running), ok(OpStatus, 3),
				call(OpStop, 4), ok(OpStop, 4), call(OpRemove, 5), ok(OpRemove, 5), call(OpStatus, 6), fail(OpStatus, 6, "NotFound"),
			}, never,
		},
		{"the second start", []Event{call(OpStart, 1), call(OpStart, 2), ok(OpStart, 1), ok(OpStart, 2)}, 3},
		{"a start after the remove", []Event{call(OpRemove, 1), ok(OpRemove, 1), call(OpStart, 2), ok(OpStart, 2)}, 3},
		{"a start beside the remove", []Event{call(OpRemove, 1), call(OpStart, 2), ok(OpStart, 2), ok(OpRemove, 1)}, never},
		{
			"running after the stop", []Event{
				call(OpStart, 1), ok(OpStart, 1), call(OpStop, 2), ok(OpStop, 2), call(OpStatus, 3), sees(3, running), ok(OpStatus, 3),
			}, 6,
		},
		{
			"running after the stop, as it may be before the start", []Event{
				call(OpStart, 1), call(OpStop, 2), ok(OpStop, 2), ok(OpStart, 1), call(OpStatus, 3), sees(3, running), ok(OpStatus, 3),
			}, never,
		},
		{
			"created after the start", []Event{
				call(OpStart, 1), ok(OpStart, 1), call(OpStatus, 3), sees(3, created), ok(OpStatus, 3),
			}, 4,
		},
		{
			"it ends by itself", []Event{
				call(OpStart, 1), ok(OpStart, 1), call(OpStatus, 2), sees(2, exited(0, 1)), ok(OpStatus, 2),
			}, never,
		},
		{
			"it exits and runs again", []Event{
				call(OpStart, 1), ok(OpStart, 1), call(OpStatus, 2), sees(2, exited(0, 1)), ok(OpStatus, 2),
				call(OpStatus, 3), sees(3, running), ok(OpStatus, 3),
			}, 7,
		},
		{
			"a start that failed takes effect later", []Event{
				call(OpStart, 1), fail(OpStart, 1, "Unavailable"), call(OpStatus, 2), sees(2, created), ok(OpStatus, 2),
				call(OpStatus, 3), sees(3, startError(1)), ok(OpStatus, 3),
			}, never,
		},
		{
			"a remove that failed and comes back", []Event{
				call(OpRemove, 1), fail(OpRemove, 1, "Unavailable"), call(OpStatus, 2), fail(OpStatus, 2, "NotFound"),
				call(OpStatus, 3), sees(3, created), ok(OpStatus, 3),
			}, 6,
		},
		{"found before it is created", []Event{call(OpStatus, 2), sees(2, created), ok(OpStatus, 2), call(OpCreate, 1), ok(OpCreate, 1)}, 2},
		{"created by a call that has not returned", []Event{call(OpCreate, 1), call(OpStatus, 2), sees(2, created), ok(OpStatus, 2)}, never},
		{
			"it goes with its sandbox", []Event{
				{Kind: Member, Sandbox: "p"},
				service(of("p", call(OpRemoveSandbox, 1))), service(of("p", ok(OpRemoveSandbox, 1))),
				call(OpStatus, 2), fail(OpStatus, 2, "NotFound"),
			}, never,
		},
		{
			"unknown says nothing", []Event{
				call(OpStart, 1), ok(OpStart, 1), call(OpStatus, 2), sees(2, Status{Unknown: true}), ok(OpStatus, 2),
			}, never,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := history(Simulated, test.events...)
			got := Linearizable(h)
			if test.event == never {
				assert.Empty(t, got, "%s", h)
				return
			}
			require.Len(t, got, 1, "%s", h)
			assert.Equal(t, test.event, got[0].Event, "%s", h)
			assert.Equal(t, LinearizableID, got[0].Invariant)
		})
	}
}

// TestNaiveIsLinearizable: the model service is, and some of its mutants are not.
func TestNaiveIsLinearizable(t *testing.T) {
	for mutant, broken := range map[string]bool{
		"": false, "stale reads": true, "no starting flag": true, "stop ignores starting": false,
	} {
		found := false
		for seed := uint64(0); seed < 3000 && !found; seed++ {
			h, _ := run(rand.New(rand.NewPCG(seed, 1)).IntN, mutant)
			found = len(Linearizable(h)) > 0
			require.True(t, broken || !found, "seed %d\n%s", seed, h)
		}
		assert.Equal(t, broken, found, "%q", mutant)
	}
}

func BenchmarkLinearizable(b *testing.B) {
	h, _ := run(rand.New(rand.NewPCG(3, 1)).IntN, "")
	for b.Loop() {
		Linearizable(h)
	}
}
