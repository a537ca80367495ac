package nightly

import (
	"context"
	"encoding/xml"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/internal/daemon"
	"github.com/startrace/startrace/internal/results"
	"github.com/startrace/startrace/scenarios"
)

// recorded returns a session that is told of these rounds, each with its findings.
func recorded(t *testing.T, rounds ...[]Finding) *session {
	t.Helper()
	s := &session{
		opts:  Options{Reproduce: func(int) string { return "again" }},
		total: Counts{}, began: time.Now().Add(-time.Minute), failures: map[string]*results.Failure{},
	}
	s.result = &results.Result{Kind: results.Soak, Target: "a target", Started: s.began}
	var err error
	s.artifacts, err = newArtifacts(t.TempDir())
	require.NoError(t, err)
	for i, found := range rounds {
		r := &Round{Round: i + 1, Counts: Counts{"rounds": 1, "lifecycles": 2, "calls.StopContainer.ok": 3}, findings: found, Goroutines: 7}
		require.NoError(t, s.record("2.4.2", r))
	}
	return s
}

func TestVerdicts(t *testing.T) {
	planted := []Finding{finding("I9", "process 3 alive", "the history")}
	for _, test := range []struct {
		name   string
		rounds [][]Finding
		err    error
		want   results.Verdict
	}{
		{"nothing was checked", nil, nil, results.Inconclusive},
		{"nothing was found", [][]Finding{nil, nil}, nil, results.Clean},
		{"something was found", [][]Finding{nil, planted}, nil, results.Violated},
		{"the daemon was gone", [][]Finding{nil}, assert.AnError, results.Environment},
		{"it was gone after something was found", [][]Finding{planted}, assert.AnError, results.Violated},
	} {
		s := recorded(t, test.rounds...)
		s.finish(test.err)
		assert.Equal(t, test.want, s.result.Verdict, test.name)
		require.NoError(t, s.artifacts.finish(s.result))
		written := readResult(t, s.artifacts.dir)
		assert.Equal(t, test.want, written.Verdict)
		assert.EqualValues(t, 3*len(test.rounds), written.Counts["calls"])
		assert.Len(t, readRounds(t, s.artifacts.dir), len(test.rounds))
	}
}

// A signature is written about once, and counted as often as it is found.
func TestFailures(t *testing.T) {
	one, again, other := finding("I9", "process 3 alive", "first"), finding("I9", "process 4 alive", "second"), finding("I1", "x", "third")
	s := recorded(t, []Finding{one, other}, []Finding{again})
	s.finish(nil)
	require.Len(t, s.result.Failures, 2)
	f := s.result.Failures[1]
	assert.Equal(t, "I9", f.Invariant)
	assert.EqualValues(t, 2, f.Count)
	assert.Equal(t, "again", f.Reproduce)
	history, err := os.ReadFile(filepath.Join(s.artifacts.dir, f.Files[0]))
	require.NoError(t, err)
	assert.Equal(t, "first", string(history))

	data, err := junit(s.result)
	require.NoError(t, err)
	var suites junitSuites
	require.NoError(t, xml.Unmarshal(data, &suites))
	suite := suites.Suites[0]
	assert.Equal(t, []int{3, 3, 0, 0}, []int{suite.Tests, suite.Failures, suite.Errors, suite.Skipped})
	assert.Equal(t, f.Signature, suite.Cases[2].Name)
	assert.Equal(t, "process N alive", suite.Cases[2].Failure.Message)
	assert.Contains(t, suite.Cases[2].Failure.Text, "2 times\nTo reproduce:\n  again\n")

	var table strings.Builder
	require.NoError(t, Table(&table, s.result))
	assert.Regexp(t, `(?m)^lifecycles +4 \(`, table.String())
	assert.Contains(t, table.String(), f.Signature)
	assert.Contains(t, table.String(), "6 ok")
}

func TestJUnitOfOtherVerdicts(t *testing.T) {
	for verdict, want := range map[results.Verdict]string{results.Clean: `failures="0" errors="0" skipped="0"`, results.Environment: `errors="1"`, results.Inconclusive: `skipped="1"`} {
		data, err := junit(&results.Result{Verdict: verdict})
		require.NoError(t, err)
		assert.Contains(t, string(data), want)
		assert.Contains(t, string(data), `tests="1"`)
	}
}

// A full disk is an error that says so, and what was found is found all the same.
func TestDiskFull(t *testing.T) {
	s := recorded(t)
	dir := t.TempDir()
	require.NoError(t, os.Symlink("/dev/full", filepath.Join(dir, "results.jsonl")))
	var err error
	s.artifacts, err = newArtifacts(dir)
	require.NoError(t, err)
	err = s.record("2.4.2", &Round{Counts: Counts{}})
	require.ErrorIs(t, err, ErrArtifacts)
	require.ErrorIs(t, err, syscall.ENOSPC)

	require.NoError(t, os.WriteFile(filepath.Join(dir, "failures"), nil, 0o600), "in the way")
	err = s.record("2.4.2", &Round{Counts: Counts{}, findings: []Finding{finding("I9", "x", "")}})
	require.ErrorIs(t, err, ErrArtifacts)
	s.finish(err)
	assert.Equal(t, results.Violated, s.result.Verdict)

	opts := Options{Artifacts: filepath.Join(dir, "failures", "below a file")}
	r, err := Run(t.Context(), opts)
	require.ErrorIs(t, err, ErrArtifacts)
	assert.Equal(t, results.Environment, r.Verdict)
}

// What an earlier run has left is gone, and what others have is not.
func TestArtifactsOfAnEarlierRun(t *testing.T) {
	s := recorded(t, []Finding{finding("I9", "x", "")})
	s.finish(nil)
	require.NoError(t, s.artifacts.finish(s.result))
	dir := s.artifacts.dir
	assert.DirExists(t, filepath.Join(dir, "failures"))
	assert.FileExists(t, filepath.Join(dir, "junit.xml"))
	a, err := newArtifacts(dir)
	require.NoError(t, err)
	require.NoError(t, a.rounds.Close())
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	assert.Equal(t, "results.jsonl", entries[0].Name())

	others := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(others, "failures"), 0o700))
	a, err = newArtifacts(others)
	require.NoError(t, err)
	require.NoError(t, a.rounds.Close())
	assert.DirExists(t, filepath.Join(others, "failures"))
}

// Without a containerd there is a result that says so.
func TestNoContainerd(t *testing.T) {
	opts := Options{
		Variant: scenarios.Reference, Artifacts: t.TempDir(), Concurrent: 1, Rounds: 1,
		Daemon: daemon.Options{Address: filepath.Join(t.TempDir(), "absent")},
	}
	_, err := Run(context.Background(), opts)
	require.Error(t, err)
	assert.Equal(t, results.Environment, readResult(t, opts.Artifacts).Verdict)
}

func TestMetrics(t *testing.T) {
	m := NewMetrics()
	total := Counts{
		"rounds": 3, "calls": 9, "calls.StopContainer.not found": 4, "kills.shim": 5, "met.daemon.task": 6,
		"events.inverted": 7, "events.lost.exit": 8, "findings.I9": 2, "creates.repeated": 1,
	}
	m.Set(total)
	total["rounds"] = 100
	get := func() string {
		w := httptest.NewRecorder()
		m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		text, err := io.ReadAll(w.Body)
		require.NoError(t, err)
		return string(text)
	}
	for _, want := range []string{
		"startrace_soak_rounds_total 3\n",
		`startrace_soak_calls_total{operation="StopContainer",outcome="not found"} 4` + "\n",
		`startrace_soak_kills_total{target="shim"} 5` + "\n",
		`startrace_soak_met_by_kill_total{phase="task",target="daemon"} 6` + "\n",
		"startrace_soak_events_inverted_total 7\n",
		`startrace_soak_events_total{fate="lost",kind="exit"} 8` + "\n",
		`startrace_soak_findings_total{invariant="I9"} 2` + "\n",
		"startrace_soak_creates_repeated_total 1\n",
		"go_goroutines ",
	} {
		assert.Contains(t, get(), want)
	}
	file := filepath.Join(t.TempDir(), "soak.prom")
	require.NoError(t, m.WriteTextfile(file))
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Contains(t, string(text), "startrace_soak_rounds_total 3\n")
}

func TestSlope(t *testing.T) {
	assert.InDelta(t, 2, slope([]float64{0, 1, 2, 3}, []float64{5, 7, 9, 11}), 1e-9)
	assert.InDelta(t, 0, slope([]float64{0, 1, 2}, []float64{4, 4, 4}), 1e-9)
	assert.Zero(t, slope([]float64{3}, []float64{4}))
}
