package sim_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/sim"
)

// plantedVariable lets the tests whose names start with TestPlanted run. They
// are meant to fail, in a process of their own.
const plantedVariable = "SIM_TEST_PLANTED"

func planted(t *testing.T) {
	t.Helper()
	if os.Getenv(plantedVariable) == "" {
		t.Skip("planted failure: runs only as the child of another test")
	}
}

// child runs one planted test of this binary in a fresh process.
func child(t *testing.T, test string, args ...string) (output string, code int) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", append([]string{"-test.run=^" + test + "$"}, args...)...)
	cmd.Env = append(os.Environ(), plantedVariable+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit, "%s", out)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

var command = regexp.MustCompile(`go test -run '(\S+)' -sim\.replay=(st1\.\S+) (\S+)`)

func TestPlantedFirstRun(t *testing.T) {
	planted(t)
	sim.Explore(t, sim.Options{}, firstRun)
}

func TestReplayInFreshProcess(t *testing.T) {
	out, code := child(t, "TestPlantedFirstRun")
	require.Equal(t, 1, code, out)
	m := command.FindStringSubmatch(out)
	require.NotNil(t, m, out)
	assert.Equal(t, "^TestPlantedFirstRun$", m[1])
	assert.Equal(t, "github.com/startrace/startrace/sim", m[3])
	for range 3 {
		out, code = child(t, "TestPlantedFirstRun", "-sim.replay="+m[2])
		require.Equal(t, 1, code, out)
		assert.Contains(t, out, "lost update: v is")
		assert.Contains(t, out, "replayed: ")
	}
}

// What can't be replayed is an error that says why, and never a test that passes.
func TestDamagedOrForeignSchedule(t *testing.T) {
	dir := t.TempDir()
	f := find(t, sim.Options{}, firstRun)
	own, foreign := f.Schedule, f.Schedule
	own.Label, foreign.Label = "TestPlantedFirstRun", "TestElsewhere"
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		return path
	}
	token, text := own.Token(), own.Text()
	for _, c := range []struct{ name, replay, want string }{
		{"damaged token", token[:9] + "AAAA" + token[13:], "-sim.replay: schedule is damaged: the checksum does not match"},
		{"cut token", token[:len(token)-3], "-sim.replay: schedule token is truncated: "},
		{"no token", "TestElsewhere", `-sim.replay: not a schedule token: "TestElsewhere" does not start with "st1." or "raw1:", and there is no such file`},
		{"later version", "st9.abc", `-sim.replay: unknown schedule version: "st9."`},
		{"damaged file", file("damaged", strings.Replace(text, "choices:", "choises:", 1)), `damaged:5: schedule is damaged: unknown key "choises"`},
		{"changed choices", file("changed", strings.Replace(text, "choices:\n  ", "choices:\n  1 ", 1)), "the schedule does not fit"},
		{"cut file", file("cut", text[:strings.Index(text, "choices:")]), `cut:4: schedule is damaged: no choices`},
		{"other file", file("other.json", `{"choices": [0, 1]}`), `other.json:1: not a schedule token: `},
		{"directory", dir, "read schedule: "},
		{"file of another test", file("foreign", foreign.Text()), "startrace: the schedule to replay belongs to TestElsewhere, which is none of the tests that ran"},
		{"token of another test", foreign.Token(), "startrace: the schedule to replay belongs to TestElsewhere, which is none of the tests that ran"},
		{"other options", func() string { s := own; s.Options = "warp"; return s.Token() }(), `the schedule has the unknown option "warp"`},
		{"other program", func() string { s := own; s.Hash++; return s.Token() }(), "the schedule does not fit: it takes other steps than the recorded execution"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, code := child(t, "TestPlantedFirstRun", "-sim.replay="+c.replay)
			assert.Equal(t, 1, code, out)
			assert.Contains(t, out, c.want)
			assert.NotContains(t, out, "panic")
		})
	}
	t.Run("several packages", func(t *testing.T) {
		t.Setenv("SIM_REPLAY", foreign.Token())
		out, code := child(t, "TestPlantedFirstRun")
		assert.Equal(t, 0, code, "one of them may have the test\n%s", out)
		assert.Contains(t, out, "belongs to TestElsewhere")
	})
}

func TestReplayFromFile(t *testing.T) {
	f := find(t, sim.Options{}, firstRun)
	f.Schedule.Label = "TestPlantedFirstRun"
	file := t.TempDir() + "/schedule.txt"
	require.NoError(t, f.Schedule.WriteFile(file))
	out, code := child(t, "TestPlantedFirstRun", "-sim.replay="+file)
	require.Equal(t, 1, code, out)
	assert.Contains(t, out, "lost update: v is")
}

func TestBadFlags(t *testing.T) {
	for _, c := range []struct{ flag, want string }{
		{"-sim.strategy=guess", `unknown strategy "guess"`},
		{"-sim.strategy=pct:0", "the depth must be"},
		{"-sim.seed=x", "-sim.seed"},
		{"-sim.executions=0", "-sim.executions"},
		{"-sim.workers=0", "-sim.workers"},
		{"-sim.shard=3/2", "-sim.shard"},
		{"-sim.replay=st9.abc", "-sim.replay"},
	} {
		out, code := child(t, "TestPlantedFirstRun", c.flag)
		assert.Equal(t, 1, code, c.flag)
		assert.Contains(t, out, c.want)
	}
}

func TestPlantedCrash(t *testing.T) {
	planted(t)
	debug.SetMaxStack(1 << 20)
	sim.Explore(t, sim.Options{}, func(*sim.T) {
		var wg sync.WaitGroup
		var mu sync.Mutex
		first := ""
		for _, name := range []string{"a", "b"} {
			wg.Go(func() {
				mu.Lock()
				defer mu.Unlock()
				if first == "" {
					first = name
				}
				if first == "b" {
					overflow(0)
				}
			})
		}
		wg.Wait()
	})
}

//go:noinline
func overflow(n int) int { return overflow(n+1) + 1 }

func TestCrashLeavesItsSchedule(t *testing.T) {
	out, code := child(t, "TestPlantedCrash")
	require.Equal(t, 2, code, out)
	raw := regexp.MustCompile(`(?m)^raw1:\S*`)
	schedule := raw.FindString(out)
	require.NotEmpty(t, schedule, out)
	again, code := child(t, "TestPlantedCrash", "-sim.replay="+schedule)
	assert.Equal(t, 2, code)
	assert.Contains(t, again, "stack overflow")
	assert.Equal(t, schedule, raw.FindString(again))
}

func TestPlantedRace(t *testing.T) {
	planted(t)
	sim.Explore(t, sim.Options{}, func(*sim.T) {
		n := 0
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() { n++ })
		}
		wg.Wait()
	})
}

func TestPlantedNoRace(t *testing.T) {
	planted(t)
	sim.Explore(t, sim.Options{}, func(*sim.T) {
		n := 0
		c := make(chan struct{}, 1)
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() { c <- struct{}{}; n++; <-c })
		}
		wg.Wait()
		for range 2 {
			wg.Go(func() { mu.Lock(); n++; mu.Unlock() })
		}
		wg.Wait()
	})
}

// The hand-over between goroutines is no happens-before edge to the race
// detector, and what the program itself does is.
func TestRaceDetectorStaysExact(t *testing.T) {
	out, code := child(t, "TestPlantedNoRace")
	assert.Equal(t, 0, code, out)
	out, code = child(t, "TestPlantedRace")
	if !sim.RaceEnabled {
		assert.Equal(t, 0, code, "a data race shows only with -race\n%s", out)
		return
	}
	assert.Equal(t, 1, code)
	assert.Contains(t, out, "WARNING: DATA RACE")
	assert.Contains(t, out, "data race: the race detector's report is above")
}

// goTest runs go test as a user does, on a package whose tests simulate.
func goTest(t *testing.T, args ...string) (output string, code int) {
	t.Helper()
	cmd := exec.Command("go", append([]string{"test"}, args...)...)
	dir := t.TempDir()
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit, "%s", out)
	}
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left, "nothing is left behind")
	return string(out), cmd.ProcessState.ExitCode()
}

func TestPlainGoTest(t *testing.T) {
	if testing.Short() {
		t.Skip("builds several test binaries: run without -short")
	}
	const pkg = "./testdata/plain"

	out, code := goTest(t, "-run", "^TestControlled$", "-v", "-count", "3", pkg)
	assert.Equal(t, 0, code, out)
	assert.Equal(t, 3, strings.Count(out, "--- PASS: TestControlled"), out)

	out, code = goTest(t, "-run", "^TestControlled$", "-cover", "-coverpkg", "./testdata/plain,./strategy", "-tags", "extra", pkg)
	assert.Equal(t, 0, code, out)
	assert.Regexp(t, `coverage: [0-9.]+% of statements in ./testdata/plain, ?./strategy`, out)

	out, code = goTest(t, "-run", "^TestFails$", "-json", pkg)
	assert.Equal(t, 1, code)
	assert.Contains(t, out, `"Action":"fail","Package":"github.com/startrace/startrace/sim/testdata/plain","Test":"TestFails"`)

	out, code = goTest(t, "-race", "-run", "^TestRaceBuild$", pkg)
	assert.Equal(t, 0, code, out)

	out, code = goTest(t, "-list", ".", pkg)
	assert.Equal(t, 0, code, out)
	assert.Contains(t, out, "TestFails\n")
}

func TestNoGoCommand(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a test binary: run without -short")
	}
	binary := t.TempDir() + "/plain.test"
	out, code := goTest(t, "-c", "-trimpath", "-o", binary, "./testdata/plain")
	require.Equal(t, 0, code, out)
	cmd := exec.Command(binary)
	cmd.Env = []string{"PATH=/nonexistent", "HOME=" + t.TempDir()}
	text, err := cmd.CombinedOutput()
	require.Error(t, err)
	assert.Equal(t, 2, cmd.ProcessState.ExitCode())
	assert.Contains(t, string(text), "startrace: the controlled runtime is built with the go command, which is not in PATH")
}
