package simshim_test

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/internal/initproc"
	"github.com/startrace/startrace/internal/simshim"
)

// with returns annotations; pairs are name without prefix, value, and so on.
func with(pairs ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[simshim.Prefix+pairs[i]] = pairs[i+1]
	}
	return m
}

func TestParse(t *testing.T) {
	other := uint32(9)
	for _, c := range []struct {
		name        string
		annotations map[string]string
		args        []string
		want        simshim.Behavior
	}{
		{"a foreign process", nil, []string{"sleep", "1"}, simshim.Behavior{ExitAfter: simshim.Never, EventCopies: 1}},
		{"no process", nil, nil, simshim.Behavior{ExitAfter: simshim.Never, EventCopies: 1}},
		{"foreign annotations", map[string]string{"io.kubernetes.cri.sandbox-id": "x", "exit.code": "3"}, nil, simshim.Behavior{ExitAfter: simshim.Never, EventCopies: 1}},
		{
			"arguments", nil,
			initproc.Command{ExitAfter: time.Second, Code: 3, Ignore: []syscall.Signal{syscall.SIGTERM}}.Args(),
			simshim.Behavior{ExitAfter: time.Second, ExitCode: 3, Quit: initproc.Quit, Ignore: []syscall.Signal{syscall.SIGTERM}, EventCopies: 1},
		},
		{
			"annotations win over arguments", with("exit.after", "never", "kill.ignore", "HUP, SIGINT"),
			initproc.Command{Code: 3, Ignore: []syscall.Signal{syscall.SIGTERM}}.Args(),
			simshim.Behavior{ExitAfter: simshim.Never, ExitCode: 3, Quit: initproc.Quit, Ignore: []syscall.Signal{syscall.SIGHUP, syscall.SIGINT}, EventCopies: 1},
		},
		{
			"exit and events",
			with("exit.after", "20ms", "exit.code", "255", "kill.after", "1s", "wait.order", "after-event",
				"event.exit", "twice", "event.exit.delay", "5ms", "event.exit.code", "9", "group", "g"),
			nil,
			simshim.Behavior{
				Group: "g", ExitAfter: 20 * time.Millisecond, ExitCode: 255, KillAfter: time.Second, WaitOrder: simshim.AfterEvent,
				EventCopies: 2, EventDelay: 5 * time.Millisecond, EventCode: &other,
			},
		},
		{"a lost event", with("event.exit", "lost"), nil, simshim.Behavior{ExitAfter: simshim.Never}},
		{
			"calls",
			with("create.delay", "1ms", "start.error", "unavailable: try: again", "start.error.times", "2", "kill.error", "not-found",
				"kill.error.late", "true", "delete.delay", "2ms", "state.delay", "3ms", "wait.delay", "4ms"),
			nil,
			simshim.Behavior{
				ExitAfter: simshim.Never, EventCopies: 1,
				Create: simshim.Call{Delay: time.Millisecond},
				Start:  simshim.Call{Err: errdefs.ErrUnavailable, Text: "try: again", Times: 2},
				Kill:   simshim.Call{Err: errdefs.ErrNotFound, Text: "as its annotation says", Late: true},
				Delete: simshim.Call{Delay: 2 * time.Millisecond},
				State:  simshim.Call{Delay: 3 * time.Millisecond},
				Wait:   simshim.Call{Delay: 4 * time.Millisecond},
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := simshim.Parse(c.annotations, c.args)
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
}

func TestParseErrors(t *testing.T) {
	for name, values := range map[string][]string{
		"exit.aftr":          {"1s"},
		"":                   {"1s"},
		"wait.error.late":    {"true"},
		"exit.after":         {"", "1", "-1s", "always"},
		"exit.code":          {"", "-1", "256", "1.0", "x"},
		"kill.ignore":        {"", "KILL", "SIGSTOP", "TERM,", "NOSIG"},
		"kill.after":         {"-1ns", "never"},
		"wait.order":         {"", "before", "AFTER-EVENT"},
		"event.exit":         {"", "thrice", "0"},
		"event.exit.code":    {"300"},
		"event.exit.delay":   {"soon"},
		"create.delay":       {"-3s"},
		"start.error":        {"", "busy", ": text"},
		"delete.error.times": {"0", "-1", "all", "1"}, // the last: without an error
		"kill.error.late":    {"perhaps", "true"},
		"group":              {""},
	} {
		for _, value := range values {
			_, err := simshim.Parse(with(name, value), nil)
			if assert.Error(t, err, "%s=%q", name, value) {
				if name == "delete.error.times" || name == "kill.error.late" {
					name, _, _ = strings.Cut(name, ".error.")
				}
				assert.Contains(t, err.Error(), simshim.Prefix+name)
			}
		}
	}
	_, err := simshim.Parse(nil, []string{initproc.Path, "--no-such-flag"})
	require.ErrorContains(t, err, "no-such-flag")
}

// TestDocumented: the table of docs/simulated-shim.md has every annotation.
func TestDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/simulated-shim.md")
	require.NoError(t, err)
	names := simshim.Annotations()
	assert.Greater(t, len(names), 20)
	for _, name := range names {
		short := strings.TrimPrefix(name, simshim.Prefix)
		if call, rest, _ := strings.Cut(short, "."); rest == "delay" || strings.HasPrefix(rest, "error") {
			assert.Contains(t, string(text), "`"+call+"`", name)
			short = "CALL." + rest
		}
		assert.Contains(t, string(text), "| `"+short+"` |", name)
	}
}

func TestGroupOf(t *testing.T) {
	assert.Empty(t, simshim.GroupOf(nil))
	cri := map[string]string{"io.kubernetes.cri.sandbox-id": "sandbox"}
	assert.Equal(t, "sandbox", simshim.GroupOf(cri))
	cri["io.containerd.runc.v2.group"] = "runc"
	assert.Equal(t, "runc", simshim.GroupOf(cri))
	cri[simshim.Prefix+"group"] = "own"
	assert.Equal(t, "own", simshim.GroupOf(cri))
}
