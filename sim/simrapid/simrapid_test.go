package simrapid_test

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/simrapid"
)

func TestMain(m *testing.M) { sim.Main(m) }

// counter lets goroutines count to n·rounds, with a read and a write in two
// critical sections unless atomic.
func counter(t *sim.T, n, rounds int, atomic bool) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	v := 0
	for range n {
		wg.Go(func() {
			for range rounds {
				mu.Lock()
				x := v
				if !atomic {
					mu.Unlock()
					mu.Lock()
				}
				v = x + 1
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if v != n*rounds {
		t.Errorf("%d of %d", v, n*rounds)
	}
}

func property(atomic bool) func(*rapid.T) {
	return func(rt *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(rt, "goroutines")
		rounds := rapid.IntRange(1, 4).Draw(rt, "rounds")
		res := sim.Run(simrapid.Config(rt, sim.Config{}), func(t *sim.T) { counter(t, n, rounds, atomic) })
		if res.Failure != nil {
			rt.Fatalf("%d goroutines, %d rounds, %d deviations", n, rounds, len(res.Schedule.Deviations()))
		}
	}
}

const planted = "SIMRAPID_TEST_PLANTED"

func TestPlantedLostUpdate(t *testing.T) {
	if os.Getenv(planted) == "" {
		t.Skip("planted failure: runs only as the child of another test")
	}
	rapid.Check(t, property(false))
}

// TestShrinksBoth: two goroutines, one round each and one deviation are all
// that it takes to lose an update. Rapid may stop at one round or one deviation
// more.
func TestShrinksBoth(t *testing.T) {
	for seed := range 3 {
		cmd := exec.Command("/proc/self/exe", "-test.run=^TestPlantedLostUpdate$", "-rapid.nofailfile", fmt.Sprintf("-rapid.seed=%d", seed+1))
		cmd.Env = append(os.Environ(), planted+"=1")
		out, err := cmd.CombinedOutput()
		require.Error(t, err, "%s", out)
		last := regexp.MustCompile(`(\d+) goroutines, (\d+) rounds, (\d+) deviations`).FindAllStringSubmatch(string(out), -1)
		require.NotEmpty(t, last, "%s", out)
		shrunk := last[len(last)-1]
		assert.Equal(t, "2", shrunk[1], shrunk[0])
		assert.Contains(t, []string{"1 1", "1 2", "2 1"}, shrunk[2]+" "+shrunk[3], shrunk[0])
	}
}

func TestCleanTwin(t *testing.T) { rapid.Check(t, property(true)) }
