// Package exit is the first example of the README: an exit that is seen before
// the start, as in containerd#7111 and moby#43767, boiled down.
package exit

import (
	"sync"
	"testing"

	"github.com/startrace/startrace/sim"
)

func TestMain(m *testing.M) { sim.Main(m) }

type container struct {
	mu    sync.Mutex
	state string
}

// move changes the state, unless it is not the one that the event belongs to.
func (c *container) move(from, to string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == from {
		c.state = to
	}
}

func TestExitIsSeen(t *testing.T) {
	sim.Explore(t, sim.Options{}, func(t *sim.T) {
		c := container{state: "CREATED"}
		exit := make(chan int, 1)
		var events sync.WaitGroup
		events.Add(2)
		sim.Go("start", func() {
			exit <- 7 // the process is short: it ends before its start is known
			c.move("CREATED", "RUNNING")
			events.Done()
		})
		sim.Go("monitor", func() {
			<-exit
			c.move("RUNNING", "EXITED")
			events.Done()
		})
		events.Wait()
		if c.state != "EXITED" {
			t.Errorf("the process is gone, and its container is %s for ever", c.state)
		}
	})
}
