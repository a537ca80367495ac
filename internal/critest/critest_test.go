package critest

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/containerd/log"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/startrace/startrace/internal/daemon"
	"github.com/startrace/startrace/internal/daemon/daemontest"
)

var (
	long   = flag.Bool("long", false, "run all specs, on each release")
	update = flag.Bool("update", false, "write docs/critest.md; needs -long")
)

func TestMain(m *testing.M) {
	if err := log.SetLevel("fatal"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// TestCritest runs the specs that are the least that a CRI endpoint has to do; with
// -long all, of which those that are in scope have to pass.
func TestCritest(t *testing.T) {
	if !*long {
		specs := critest(t, daemon.Options{}, basic, notRun)
		ran := 0
		for _, s := range specs {
			if s.State == "passed" {
				ran++
			}
		}
		assert.GreaterOrEqual(t, ran, 30)
		t.Logf("%d specs passed", ran)
		return
	}
	results := []Result{{"2.4.2", critest(t, daemon.Options{}, nil, notRun)}}
	binary, version, err := daemon.Debian(t.Context(), t.Logf)
	if errors.Is(err, daemon.ErrNoPackage) {
		t.Logf("NOT RUN on the distribution's containerd: %v", err)
	} else {
		require.NoError(t, err)
		results = append(results, Result{version, critest(t, daemon.Options{Binary: binary}, nil, notRun)})
	}
	if *update {
		path := filepath.Join("..", "..", "docs", "critest.md")
		require.NoError(t, os.WriteFile(path, []byte(Report(results)), 0o644))
	}
}

// critest runs specs on a daemon of its own, after which nothing may be left, and
// fails the test for each that is in scope and does not pass.
func critest(t *testing.T, opts daemon.Options, focus, skip []string) []Spec {
	t.Helper()
	d := daemontest.Start(t, opts, "make critest")
	output, err := os.Create(filepath.Join(t.TempDir(), "output"))
	require.NoError(t, err)
	defer output.Close()
	specs, err := Run(t.Context(), Options{
		Daemon: d, Dir: t.TempDir(), Focus: focus, Skip: skip, Output: output, Logf: t.Logf,
	})
	if err != nil {
		data, _ := os.ReadFile(output.Name())
		t.Logf("%s", data)
	}
	require.NoError(t, err)
	count := map[string]int{}
	for _, s := range specs {
		count[s.State]++
		chosen := s.State != "skipped" || focus == nil
		if chosen && s.State != "passed" && OutOfScope(s) == "" {
			assert.Fail(t, s.full(), "%s: %s", s.State, s.Reason)
		}
	}
	t.Logf("specs: %v", count)
	return specs
}

// A report names each spec once, with the reason where it does not pass.
func TestReport(t *testing.T) {
	specs, err := parse([]byte(`[{"SpecReports": [
		{"LeafNodeType": "BeforeSuite", "State": "passed"},
		{"LeafNodeType": "It", "ContainerHierarchyTexts": ["[k8s.io] Streaming", "s"], "LeafNodeText": "attach", "State": "failed", "Failure": {"Message": "no"}},
		{"LeafNodeType": "It", "ContainerHierarchyTexts": ["[k8s.io] Idempotence"], "LeafNodeText": "stop", "State": "passed", "RunTime": 5}
	]}]`))
	require.NoError(t, err)
	assert.Equal(t, []Spec{
		{Group: "Idempotence", Name: "stop", State: "passed", Time: 5},
		{Group: "Streaming: s", Name: "attach", State: "failed", Reason: "no"},
	}, specs)
	assert.Empty(t, OutOfScope(specs[0]))
	assert.Contains(t, OutOfScope(specs[1]), "no streaming server")
	text := Report([]Result{{"1", specs}, {"2", specs[:1]}})
	assert.Contains(t, text, "| 1 | 1 | 1 | 0 |\n| 2 | 1 | 0 | 0 |\n")
	assert.Contains(t, text, "\nIdempotence\n\n- stop\n")
	assert.Contains(t, text, "- Streaming: s: attach (failed on 1, not there on 2)\n")
	_, err = parse([]byte("{"))
	require.Error(t, err)
}
