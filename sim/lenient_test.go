package sim_test

import (
	"os"
	"regexp"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/sim"
)

const editVariable = "SIM_TEST_EDIT"

// TestPlantedEdited loses an update between two points of a goroutine. The
// environment edits it.
func TestPlantedEdited(t *testing.T) {
	planted(t)
	edit := os.Getenv(editVariable)
	sim.Explore(t, sim.Options{}, func(t *sim.T) {
		n := 0
		var mu sync.Mutex // of single accesses, which are no points
		access := func(f func()) {
			sim.Quietly(func() {
				mu.Lock()
				defer mu.Unlock()
				f()
			})
		}
		var wg sync.WaitGroup
		increment := func() {
			v := 0
			access(func() { v = n })
			sim.Point("between", nil)
			access(func() { n = v + 1 })
			wg.Done()
		}
		wg.Add(2)
		sim.Go("left", increment)
		if edit == "gone" {
			access(func() { n = 1 })
			wg.Done()
		} else {
			sim.Go("right", increment)
		}
		if edit == "added" {
			for range 3 {
				sim.Point("new", nil)
			}
		}
		if edit != "removed" {
			sim.Point("old", nil)
			sim.Point("old", nil)
		}
		wg.Wait()
		if edit == "end" {
			sim.Point("new", nil)
		}
		if edit == "fixed" {
			n = 2
		}
		if n != 2 {
			t.Errorf("lost update: n is %d", n)
		}
	})
}

var lenientCommand = regexp.MustCompile(`-sim\.replay=(st1\.\S+) -sim\.lenient=(\S+) .*# after an edit`)

func TestLenientReplay(t *testing.T) {
	out, code := child(t, "TestPlantedEdited")
	require.Equal(t, 1, code, out)
	m := lenientCommand.FindStringSubmatch(out)
	require.NotNil(t, m, out)
	strict, lenient := "-sim.replay="+m[1], "-sim.lenient="+m[2]

	for _, c := range []struct {
		edit, want string
		code       int
	}{
		{"", "the execution is the recorded one", 1},
		{"added", "takes all 1 turns of the recorded execution, and leaves it before turn 1, where left hands over to right: that is decision 10 and not 7", 1},
		{"removed", "takes all 1 turns of the recorded execution, and leaves it before turn 1, where left hands over to right: that is decision 5 and not 7", 1},
		{"end", "takes all 1 turns of the recorded execution, and leaves it after the last of them", 1},
		{"gone", "leaves the recorded execution at turn 1 of 1: left does not hand over to g3 at its point 1", 0},
		{"fixed", "nothing failed; the execution is the recorded one", 0},
	} {
		t.Run("edit "+c.edit, func(t *testing.T) {
			t.Setenv(editVariable, c.edit)
			out, code := child(t, "TestPlantedEdited", "-test.v", strict, lenient)
			assert.Equal(t, c.code, code, out)
			assert.Contains(t, out, c.want)
			if c.code == 1 {
				assert.Contains(t, out, "lost update: n is 1")
			}
			out, code = child(t, "TestPlantedEdited", strict)
			if c.edit != "" && c.edit != "fixed" {
				assert.Equal(t, 1, code)
				assert.Contains(t, out, "the schedule does not fit", "strict replay stays strict")
			}
		})
	}
}

func TestLenientFlag(t *testing.T) {
	out, code := child(t, "TestPlantedEdited", "-sim.lenient=1.2.3")
	assert.Equal(t, 1, code)
	assert.Contains(t, out, "-sim.lenient needs -sim.replay")
	for _, bad := range []string{"1.2", "1.2.x", "1.2.3,", "1.2.-3", "1.2.4294967296"} {
		out, code = child(t, "TestPlantedEdited", "-sim.replay=raw1:", "-sim.lenient="+bad)
		assert.Equal(t, 1, code)
		assert.Contains(t, out, "is no turn as 1.5.2", bad)
	}
}
