package sim

import (
	"fmt"

	"github.com/startrace/startrace/sim/internal/ctl"
)

// Uncontrolled counts what made executions depend on more than their
// schedules, and says where in the program the first of each was: "g2: IO wait
// at conn.go:12".
type Uncontrolled struct {
	Strays    int // goroutines that became runnable without our doing, as by network IO
	Stray     string
	MapOrders int // iterations over large maps with pointers in their keys: in the order of addresses
	MapOrder  string
}

func (u *Uncontrolled) add(other Uncontrolled) {
	u.Strays += other.Strays
	u.MapOrders += other.MapOrders
	if u.Stray == "" {
		u.Stray = other.Stray
	}
	if u.MapOrder == "" {
		u.MapOrder = other.MapOrder
	}
}

func uncontrolled(c *ctl.Config) Uncontrolled {
	return Uncontrolled{
		Strays: int(c.Strays), Stray: place(&c.Stray),
		MapOrders: int(c.MapOrders), MapOrder: place(&c.MapOrder),
	}
}

// facts are lines of a report.
func (u Uncontrolled) facts() (lines []string) {
	if u.Strays > 0 {
		lines = append(lines, fmt.Sprintf("%d wake-ups came from outside of our control, the first of %s", u.Strays, u.Stray))
	}
	if u.MapOrders > 0 {
		lines = append(lines, fmt.Sprintf("%d maps were iterated in the order of addresses, the first by %s", u.MapOrders, u.MapOrder))
	}
	return lines
}

// place says what a goroutine waited for and where in the program; "" if it is
// nowhere.
func place(p *ctl.Place) string {
	if p.ID == 0 {
		return ""
	}
	name := "main"
	if p.ID != 1 {
		name = fmt.Sprintf("g%d", p.ID)
	}
	at := site(userFrames(p.PCs[:p.NPC]))
	if reason := ctl.Reason(p.Reason); reason != "" {
		return fmt.Sprintf("%s: %s at %s", name, reason, at)
	}
	return fmt.Sprintf("%s at %s", name, at)
}
