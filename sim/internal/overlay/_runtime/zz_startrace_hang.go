package runtime

import _ "unsafe" // for go:linkname

// ctlActive is what a watchdog outside of the bubble looks at.
var ctlActive struct {
	c *ctlState
	n uint64 // executions begun
}

// ctl_progress changes whenever the execution goes on, and is 0 outside.
//
//go:linkname ctl_progress github.com/startrace/startrace/sim/internal/ctl.Progress
func ctl_progress() uint64 {
	c := ctlActive.c
	if c == nil {
		return 0
	}
	cfg := c.cfg
	return 1 + ctlActive.n<<40 + cfg.points + cfg.decisions + cfg.advances
}

// ctlHung is a goroutine of an execution that doesn't go on.
type ctlHung struct {
	goid  uint64
	id    uint32
	state uint32
}

const (
	ctlHungWaits   = iota // for others of the execution
	ctlHungHolds          // it is its turn
	ctlHungOutside        // waits for something outside of the execution
)

// ctl_hung describes the goroutines of the execution.
//
//go:linkname ctl_hung github.com/startrace/startrace/sim/internal/ctl.hung
func ctl_hung(buf []ctlHung) int {
	n := 0
	c := ctlActive.c
	if c == nil {
		return 0
	}
	systemstack(func() {
		forEachG(func(gp *g) {
			if gp.bubble != c.b || gp == c.b.root || n == len(buf) {
				return
			}
			h := &buf[n]
			n++
			*h = ctlHung{goid: gp.goid, id: gp.ctlid}
			status := readgstatus(gp) &^ _Gscan
			switch {
			case c.cur.ptr() == gp:
				h.state = ctlHungHolds
			case status == _Gsyscall || status == _Gwaiting && !c.b.ctlIdle(gp, false):
				h.state = ctlHungOutside
			}
		})
	})
	return n
}

// ctl_sofar copies the choices that the execution has made.
//
//go:linkname ctl_sofar github.com/startrace/startrace/sim/internal/ctl.sofar
func ctl_sofar(buf []uint32) (choices int, points uint64) {
	c := ctlActive.c
	if c == nil {
		return 0, 0
	}
	n := min(c.cfg.nchoices, uint64(len(c.cfg.choices)))
	return copy(buf, c.cfg.choices[:n]), c.cfg.points
}
