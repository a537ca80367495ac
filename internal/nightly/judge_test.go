package nightly

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/scenarios"
)

const id = "0123456789abcdef0123456789abcdef"

// startedTwice is a history in which two starts succeed, as no service may let them;
// from is the number of the first call.
func startedTwice(container string, from int) model.History {
	h := model.History{Source: model.Real}
	call := func(op model.Op, n int, text string) {
		h.Events = append(h.Events,
			model.Event{Kind: model.Call, Container: container, Op: op, ID: n},
			model.Event{Kind: model.Return, Container: container, Op: op, ID: n, Err: text})
	}
	call(model.OpCreate, from, "")
	call(model.OpStart, from+1, "")
	h.Events = append(h.Events,
		model.Event{Kind: model.TaskCreated, Container: container, Life: 1, Pid: 70, At: 1},
		model.Event{Kind: model.Started, Container: container, Life: 1, Pid: 70, At: 2},
		model.Event{Kind: model.Exited, Container: container, Life: 1, Pid: 70, At: 3},
	)
	call(model.OpStart, from+2, "")
	call(model.OpRemove, from+3, "failed precondition: it runs")
	return h
}

func TestJudgeFindsWhatIsPlanted(t *testing.T) {
	w, err := scenarios.ParseWorkload("start|start|remove")
	require.NoError(t, err)
	found := Judge(w, startedTwice(id, 1))
	byInvariant := map[string]Finding{}
	for _, f := range found {
		byInvariant[f.Invariant] = f
	}
	require.Contains(t, byInvariant, "I1")
	require.Contains(t, byInvariant, model.LinearizableID)
	f := byInvariant["I1"]
	assert.Contains(t, f.Detail, "I1 (one start)")
	assert.Contains(t, f.Detail, "workload: start|start|remove\n")
	assert.Contains(t, f.Detail, "StartContainer#3")
	assert.NotRegexp(t, `[0-9]`, f.Title)
	assert.Regexp(t, `^I1-[a-z-]+-[0-9a-f]{6}$`, f.Signature)

	assert.Empty(t, Judge(w, model.History{Source: model.Real}))
}

// Findings of the same kind have the same signature, and others another one.
func TestSignatures(t *testing.T) {
	w := scenarios.Workload{}
	one, other := Judge(w, startedTwice(id, 1)), Judge(w, startedTwice("f"+id[1:], 1001))
	require.Len(t, other, len(one))
	seen := map[string]bool{}
	for i := range one {
		assert.Equal(t, one[i].Signature, other[i].Signature)
		assert.Equal(t, one[i].Title, other[i].Title)
		seen[one[i].Signature] = true
	}
	assert.Greater(t, len(seen), 1)

	a := finding(Unsettled, `stop the sandbox: container "x1": deadline exceeded after 1.5s`, "")
	b := finding(Unsettled, `stop the sandbox: container "y2": deadline exceeded after 20s`, "")
	assert.Equal(t, a.Signature, b.Signature)
	assert.NotEqual(t, a.Signature, finding("I1", `stop the sandbox: container "x1": deadline exceeded after 1.5s`, "").Signature)
	assert.NotEqual(t, a.Signature, finding(Unsettled, "remove the sandbox: deadline exceeded", "").Signature)
}

func TestJudgeLeftovers(t *testing.T) {
	assert.Empty(t, judgeLeftovers(nil))
	found := judgeLeftovers([]Leftover{{"process", "7 /init"}, {"cgroup", "/sys/fs/cgroup/x"}, {"process", "8 /init"}})
	require.Len(t, found, 2)
	assert.Equal(t, "I8", found[0].Invariant)
	assert.Equal(t, "process 7 /init\nprocess 8 /init\n", found[0].Detail)
	assert.Equal(t, "left when all containers were removed: cgroup", found[1].Title)
}

func TestOurs(t *testing.T) {
	for name, ours := range map[string]bool{
		"7 /init": true, "7 /init --code=3": true, "7 containerd-shim-runc-v2 -id x": false, "7 /usr/bin/runc init": false,
	} {
		assert.Equal(t, ours, Leftover{"process", name}.ours(), name)
	}
	assert.True(t, Leftover{"container", "x"}.ours())
	assert.False(t, Leftover{"mount", "/x"}.ours())
}

func TestAwaitGone(t *testing.T) {
	shim, record, old := Leftover{"process", "7 shim"}, Leftover{"record", "x"}, Leftover{"cgroup", "c"}
	looks := 0
	left, err := awaitGone(func() ([]Leftover, error) {
		looks++
		if looks < 3 {
			return []Leftover{old, record}, nil
		}
		return []Leftover{old}, nil
	}, map[Leftover]bool{old: true}, goneWithin, 0)
	require.NoError(t, err)
	assert.Empty(t, left)
	assert.Equal(t, 3, looks, "as soon as it is gone")

	begin := time.Now()
	left, err = awaitGone(func() ([]Leftover, error) { return []Leftover{shim}, nil }, nil, goneWithin, forgottenWithin)
	require.NoError(t, err)
	assert.Equal(t, []Leftover{shim}, left)
	assert.GreaterOrEqual(t, time.Since(begin), forgottenWithin)

	_, err = awaitGone(func() ([]Leftover, error) { return nil, assert.AnError }, nil, 0, 0)
	assert.ErrorIs(t, err, assert.AnError)
}

func TestCounts(t *testing.T) {
	c := Counts{}
	c.history(startedTwice(id, 1), false)
	assert.Equal(t, Counts{
		"lifecycles": 1, "calls.CreateContainer.ok": 1, "calls.StartContainer.ok": 2, "calls.RemoveContainer.failed precondition": 1,
		"events.seen.create": 1, "events.seen.start": 1, "events.seen.exit": 1,
	}, c)
	assert.EqualValues(t, 4, c.Sum("calls"))
	assert.EqualValues(t, 2, c.Sum("calls", "StartContainer"))
	assert.Zero(t, c.Sum("call"))

	bad := model.History{Events: []model.Event{
		{Kind: model.Exited, Life: 1},
		{Kind: model.Started, Life: 1},
		{Kind: model.TaskCreated, Life: 2},
		{Kind: model.Started, Life: 2},
	}}
	c = Counts{}
	c.history(bad, false)
	assert.EqualValues(t, 1, c["events.inverted"])
	assert.EqualValues(t, 1, c["events.lost.create"])
	assert.EqualValues(t, 1, c["events.lost.exit"])
	c = Counts{}
	c.history(bad, true)
	assert.Zero(t, c.Sum("events"), "faults are reason enough")

	c.broken(&scenarios.Broken{Kills: 2, Failed: 1, DaemonKills: map[scenarios.Phase]int{scenarios.PhaseTask: 3}, ShimKills: map[scenarios.Phase]int{scenarios.PhaseEnded: 4}})
	assert.EqualValues(t, 2, c["kills.daemon"])
	assert.EqualValues(t, 4, c["kills.shim"])
	assert.EqualValues(t, 3, c["met.daemon.task"])
}

func TestOutcome(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "ok",
		"not found: container x":                "not found",
		"task x: unavailable: was not found":    "unavailable",
		"context deadline exceeded":             "deadline exceeded",
		"something that nobody has a class for": "other",
	} {
		assert.Equal(t, want, outcome(text), text)
	}
}
