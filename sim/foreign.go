package sim

import (
	"flag"
	"fmt"
	"os"
	"sync"
	"testing"
)

// replays is what became of the schedule of -sim.replay in this process.
var replays struct {
	sync.Mutex
	done    bool   // a test replayed it
	foreign string // what it belongs to, if a test left it alone
}

func noteReplay() {
	replays.Lock()
	defer replays.Unlock()
	replays.done = true
}

// noteForeign says that a schedule belongs to another test than t, and leaves it
// to that one.
func noteForeign(t testing.TB, label, name string) {
	t.Helper()
	t.Logf("the schedule to replay belongs to %s: nothing to do for %s", label, name)
	replays.Lock()
	defer replays.Unlock()
	replays.foreign = label
}

// unreplayed is the exit code of a process whose tests returned code: another
// one if it was told to replay a schedule and no test that ran has that. Told by
// the flag, that is: the variable of the environment is for several packages.
func unreplayed(code int) int {
	replays.Lock()
	defer replays.Unlock()
	if replays.done || replays.foreign == "" {
		return code
	}
	fmt.Fprintf(os.Stderr, "startrace: the schedule to replay belongs to %s, which is none of the tests that ran\n", replays.foreign)
	flag.Visit(func(f *flag.Flag) {
		if f.Name == "sim.replay" && code == 0 {
			code = 1
		}
	})
	return code
}
