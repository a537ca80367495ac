package cli

import (
	"encoding/json"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/internal/blackbox"
	"github.com/startrace/startrace/internal/daemon"
)

func TestBlackboxUsage(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "either --runtime-endpoint or --private"},
		{[]string{"--private", "containerd@2.4.2", "--runtime-endpoint", "unix:///s"}, "either --runtime-endpoint or --private"},
		{[]string{"--runtime-endpoint", "/s"}, "--runtime-endpoint is unix://PATH"},
		{[]string{"--private", "containerd@2.4.2", "--workload", "run"}, `unknown operation "run"`},
		{[]string{"--private", "containerd@2.4.2", "--workload", "start|crash"}, "on an endpoint it is"},
		{[]string{"--private", "containerd@2.4.2", "--rounds", "0"}, "at least 1"},
		{[]string{"--private", "containerd@2.4.2", "--concurrent", "0"}, "at least 1"},
		{[]string{"--private", "cri-o"}, "a private endpoint is containerd@2.4.2"},
		{[]string{"--private", "containerd@2.4.2", "more"}, `startrace blackbox takes no arguments, got "more"`},
	} {
		code, _, errs := run(append([]string{"blackbox"}, test.args...)...)
		assert.Equal(t, exitUsage, code, test.args)
		assert.Contains(t, errs, test.want)
	}
	code, _, errs := run("blackbox", "--runtime-endpoint", "unix:///absent/s")
	assert.Equal(t, exitEnvironment, code)
	assert.Contains(t, errs, "no CRI endpoint serves there")
}

// The default workloads on the reference are clean, and a search for the lost stop on
// containerd's own CRI plugin comes to it.
func TestBlackbox(t *testing.T) {
	if err := daemon.Available(); daemon.IsUnprivileged(err) {
		t.Skipf("NOT RUN: %v; it is run by: sudo -E go test -run %s ./internal/cli", err, t.Name())
	}
	code, out, errs := run("blackbox", "--private", "startrace@2.4.2", "--rounds", "3")
	assert.Equal(t, exitExpected, code, out+errs)
	assert.Contains(t, out, "startrace 0.1.0: 3 lifecycles in ")
	assert.Contains(t, out, "nothing found")
	assert.Contains(t, out, "I13 success is durable: records on disk are not read")

	const tries = 10 // of 8 lifecycles each, of which two in five lose a stop
	for seed := range tries {
		code, out, errs = run("blackbox", "--private", "containerd@2.4.2", "--json", "--rounds", "8", "--seed", strconv.Itoa(seed), "--workload", "start|stop")
		var s blackbox.Summary
		require.NoError(t, json.Unmarshal([]byte(out), &s), errs)
		assert.Equal(t, 8, s.Lifecycles)
		if s.Found("I9") > 0 {
			assert.Equal(t, exitViolated, code)
			return
		}
	}
	t.Errorf("no lost stop in %d runs: %s", tries, out)
}
