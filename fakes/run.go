package fakes

import (
	"time"

	"github.com/startrace/startrace/fakes/failpoint"
	"github.com/startrace/startrace/internal/initproc"
	"github.com/startrace/startrace/sim"
)

// measuredFastExits is how often, in percent, the exit of a process that ends
// at once is known before Start returns: 20 to 48 % on containerd 1.6.20 and
// 2.4.2, depending on disk and load.
const measuredFastExits = 30

// runs makes a process that was just started do what its program says; the lock
// is held. Of one that ends at once it draws whether it does so before its Start
// returns, which closes returned.
func (c *Containerd) runs(p *process, returned <-chan struct{}) {
	switch d := p.program.exitAfter; {
	case d == initproc.Forever:
	case d > 0:
		sim.Go("process of "+p.task.id, func() {
			timer := time.NewTimer(d)
			defer timer.Stop()
			select {
			case <-timer.C:
				c.ends(p)
			case <-p.done:
			}
		})
	case c.fastExit(p):
		c.exit(p, p.program.code)
	default:
		sim.Go("process of "+p.task.id, func() {
			select {
			case <-returned:
				c.ends(p)
			case <-p.done:
			}
		})
	}
}

// ends lets a process end by itself.
func (c *Containerd) ends(p *process) {
	point(failpoint.Exit, p.task.id)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.exit(p, p.program.code)
}

// fastExit draws whether a process ends before its Start returns.
func (c *Containerd) fastExit(p *process) bool {
	percent := c.opts.FastExits
	switch {
	case percent < 0:
		return false
	case percent == 0:
		percent = measuredFastExits
	}
	return c.opts.Faults.chance("fast exit of "+p.task.id, float64(percent))
}
