package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/internal/leaktest"
	"github.com/startrace/startrace/scenarios"
	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/schedule"
)

func TestMain(m *testing.M) { sim.Main(m, leaktest.Check) }

// run executes a command line.
func run(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = Run(append([]string{"startrace"}, args...), &out, &errs)
	return code, out.String(), errs.String()
}

type result struct {
	Variants []map[string]any `json:"variants"`
}

// stable is the result without the times.
func stable(t *testing.T, text string) result {
	t.Helper()
	var r result
	d := json.NewDecoder(strings.NewReader(text))
	require.NoError(t, d.Decode(&r), text)
	require.False(t, d.More(), "one object")
	for _, v := range r.Variants {
		require.IsType(t, 0.0, v["seconds"])
		delete(v, "seconds")
	}
	return r
}

func TestExplore(t *testing.T) {
	args := []string{"explore", "--budget", "300", "--seed", "1", "--json"}
	code, out, errs := run(args...)
	require.Equal(t, exitExpected, code, errs)
	r := stable(t, out)
	require.Len(t, r.Variants, 8)
	for i, want := range []struct{ name, verdict, invariant, shrunk string }{
		{"preseed", "violated", "I3", "start|exit; loss"},
		{"seed2019", "violated", "I9", "start|stop"},
		{"cri1351", "violated", "I9", "start|stop"},
		{"parallel2021", "violated", "I9", "start|stop"},
		{"v1_7", "violated", "I9", "start|stop"},
		{"v2_4_0", "violated", "I9", "start|stop"},
		{"v2_4_2", "violated", "I9", "start|stop"},
		{"reference", "clean", "", ""},
	} {
		v := r.Variants[i]
		assert.Equal(t, want.name, v["name"])
		assert.Equal(t, want.verdict, v["verdict"])
		assert.Equal(t, want.invariant, v["invariant"])
		assert.Equal(t, "auto", v["strategy"])
		assert.Positive(t, v["classes"])
		assert.NotNil(t, v["unseen"])
		assert.Equal(t, "start|start|stop|remove|exit=7; loss", v["workload"])
		if want.verdict == "clean" {
			assert.EqualValues(t, 300, v["executions"])
			assert.EqualValues(t, 0, v["firstViolation"])
			assert.Empty(t, v["token"])
			continue
		}
		assert.Equal(t, v["executions"], v["firstViolation"])
		s, err := schedule.Parse(v["token"].(string))
		require.NoError(t, err)
		assert.Equal(t, want.name+"/"+want.shrunk, s.Label, "what replays it is the smallest workload")
	}

	_, again, _ := run(args...)
	assert.Equal(t, r, stable(t, again), "the same but for the times")
}

func TestExplorePrintsWhatReplays(t *testing.T) {
	code, out, errs := run("explore", "--variant", "preseed", "--variant", "reference", "--budget", "100")
	require.Equal(t, exitExpected, code, errs)
	for _, want := range []string{"I3 (exits are seen)", "shrunk from preseed/start|start|stop|remove|exit=7; loss to preseed/start|exit; loss, in ", "──", "To reproduce:", "VARIANT", "violated I3", "clean", "workload: "} {
		assert.Contains(t, out, want)
	}
	token := regexp.MustCompile(`replay (st1\.\S+)`).FindStringSubmatch(out)
	require.NotNil(t, token, out)

	code, replayed, errs := run("replay", token[1])
	assert.Equal(t, exitViolated, code)
	assert.Empty(t, errs)
	assert.Contains(t, replayed, "I3 (exits are seen)")
	assert.Contains(t, replayed, "workload: start|exit; loss\n")

	s, err := schedule.Parse(token[1])
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "schedule.txt")
	require.NoError(t, s.WriteFile(file))
	code, fromFile, _ := run("replay", file)
	assert.Equal(t, exitViolated, code)
	assert.Equal(t, replayed, fromFile)

	s.Hash++
	code, _, errs = run("replay", s.Token())
	assert.Equal(t, exitNondeterminism, code)
	assert.Contains(t, errs, "the schedule does not fit")
}

func TestReplayOfCleanSchedule(t *testing.T) {
	code, out, errs := run("replay", schedule.Schedule{Label: "reference/start|exit"}.Token())
	require.Equal(t, exitExpected, code, errs)
	assert.Contains(t, out, "nothing is violated")
}

func TestUnexpectedOutcomes(t *testing.T) {
	parse := func(text string) scenarios.Workload {
		w, err := scenarios.ParseWorkload(text)
		require.NoError(t, err)
		return w
	}
	for _, c := range []struct {
		outcome  outcome
		workload string
		want     string
	}{
		{outcome{Name: "reference", Verdict: verdictClean}, scenarios.DefaultWorkload, ""},
		{outcome{Name: "reference", Verdict: verdictViolated, Invariant: "I1"}, "start", "the reference violates I1"},
		{outcome{Name: "seed2019", Verdict: verdictViolated, Invariant: "I9"}, scenarios.DefaultWorkload, ""},
		{outcome{Name: "seed2019", Verdict: verdictClean, Executions: 5}, scenarios.DefaultWorkload, "seed2019 is known to be wrong, and 5 executions did not show it"},
		{outcome{Name: "seed2019", Verdict: verdictClean}, "start", ""},
	} {
		err := unexpected([]outcome{c.outcome}, parse(c.workload), false)
		if c.want == "" {
			assert.NoError(t, err)
			continue
		}
		assert.ErrorContains(t, err, c.want)
		f, ok := errors.AsType[*failure](err)
		require.True(t, ok)
		assert.Equal(t, exitViolated, f.code)
	}
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"frob"}, `unknown command "frob"`},
		{[]string{"explore", "--frob"}, "flag provided but not defined: -frob"},
		{[]string{"--frob"}, "flag provided but not defined: -frob"},
		{[]string{"explore", "x"}, `takes no arguments, got "x"`},
		{[]string{"explore", "--variant", "x"}, `unknown variant "x": there are preseed, seed2019, cri1351, parallel2021, v1_7, v2_4_0, v2_4_2, moby2016, crio2018, crio2020, conmon2020, reference`},
		{[]string{"explore", "--workload", "start|frob"}, `column 7: unknown operation "frob"`},
		{[]string{"explore", "--strategy", "guess"}, `unknown strategy "guess"`},
		{[]string{"explore", "--budget", "0"}, "0 is no number of executions"},
		{[]string{"explore", "--seed", "-1"}, `"-1"`},
		{[]string{"replay"}, "one token or schedule file"},
		{[]string{"replay", "a", "b"}, "one token or schedule file"},
		{[]string{"replay", "nowhere"}, "no such file"},
		{[]string{"replay", "st9.abcd"}, "st9"},
		{[]string{"replay", schedule.Schedule{Label: "TestX"}.Token()}, `belongs to "TestX"`},
		{[]string{"replay", schedule.Schedule{Label: "nobody/start"}.Token()}, "another version of startrace"},
		{[]string{"doctor", "x"}, "takes no arguments"},
	} {
		code, _, errs := run(c.args...)
		assert.Equal(t, exitUsage, code, "%v: %s", c.args, errs)
		assert.Contains(t, errs, c.want, "%v", c.args)
		assert.Equal(t, 1, strings.Count(errs, "\n"), "one line: %s", errs)
	}
	token := schedule.Schedule{Label: "preseed/start", Choices: []uint32{0, 1, 2}}.Token()
	for i := 5; i < len(token); i++ {
		code, _, errs := run("replay", token[:i]+"-"+token[i+1:])
		if token[i] != '-' {
			assert.Equal(t, exitUsage, code, errs)
		}
	}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{}, {"--help"}, {"explore", "--help"}, {"replay", "--help"}, {"doctor", "--help"}} {
		code, out, errs := run(args...)
		assert.Equal(t, exitExpected, code, "%v: %s", args, errs)
		assert.Contains(t, strings.ToLower(out), "usage", "%v", args)
	}
	_, out, _ := run("--help")
	assert.Contains(t, out, "Exit codes: 0")
}

func TestDoctor(t *testing.T) {
	code, out, errs := run("doctor")
	assert.Equal(t, exitExpected, code, errs)
	for _, want := range []string{"go1.", "controlled runtime", "root", "cgroups", "real containerd", "containerd", "runc"} {
		assert.Contains(t, out, want)
	}
}

// full fails every write, as /dev/full does.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, os.ErrInvalid }

func TestFullDisk(t *testing.T) {
	var errs bytes.Buffer
	code := Run([]string{"startrace", "explore", "--variant", "preseed", "--json"}, full{}, &errs)
	assert.Equal(t, exitEnvironment, code)
	assert.Contains(t, errs.String(), "can't write the result")
}

// The program builds itself again, and leaves nothing behind.
func TestProgram(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program twice: run without -short")
	}
	binary := filepath.Join(t.TempDir(), "startrace")
	out, err := exec.Command("go", "build", "-o", binary, "../../cmd/startrace").CombinedOutput()
	require.NoError(t, err, "%s", out)
	tmp := t.TempDir()
	sources, err := filepath.Abs("../..")
	require.NoError(t, err)
	for _, c := range []struct {
		args []string
		code int
	}{
		{[]string{"explore", "--variant", "preseed", "--budget", "50", "--json"}, exitExpected},
		{[]string{"explore", "--variant", "nobody"}, exitUsage},
		{[]string{"test", "-C", sources, "-run", "^TestControlled$", "./sim/testdata/plain"}, exitExpected},
		{[]string{"test", "-C", sources, "-run", "^TestFails$", "-tags", "x", "./sim/testdata/plain"}, exitViolated},
	} {
		cmd := exec.Command(binary, c.args...)
		cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
		cmd.Dir = "/"
		out, _ := cmd.CombinedOutput()
		assert.Equal(t, c.code, cmd.ProcessState.ExitCode(), "%s", out)
	}
	left, err := os.ReadDir(tmp)
	require.NoError(t, err)
	assert.Empty(t, left)

	cmd := exec.Command(binary, "doctor")
	cmd.Env = []string{"PATH=/nonexistent", "HOME=" + t.TempDir(), "GOROOT=/nonexistent"}
	out, _ = cmd.CombinedOutput()
	assert.Equal(t, exitEnvironment, cmd.ProcessState.ExitCode(), "%s", out)
	assert.Contains(t, string(out), "go command")
}

// The table of the README is what make run prints, but for the times.
func TestReadmeTable(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	code, out, errs := run("explore")
	require.Equal(t, exitExpected, code, errs)
	seconds := regexp.MustCompile(`\d+\.\d\ds`)
	strip := func(text string) string { return seconds.ReplaceAllString(text, "") }
	_, table, found := strings.Cut(out, "VARIANT")
	require.True(t, found, out)
	assert.Contains(t, strip(string(readme)), "VARIANT"+strip(table))
}
