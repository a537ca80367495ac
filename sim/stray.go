package sim

import (
	"fmt"

	"github.com/startrace/startrace/sim/internal/ctl"
)

// place says what a goroutine waited for and where in the program; "" if it is
// nowhere.
func place(p ctl.Place) string {
	if p.ID == 0 {
		return ""
	}
	name := "main"
	if p.ID != 1 {
		name = fmt.Sprintf("g%d", p.ID)
	}
	return fmt.Sprintf("%s: %s at %s", name, ctl.Reason(p.Reason), site(userFrames(p.PCs[:p.NPC])))
}

// strays says in a report that goroutines became runnable without our doing.
func strays(n int, first string) string {
	s := fmt.Sprintf("%d wake-ups came from outside of our control", n)
	if first != "" {
		s += fmt.Sprintf(", the first of %s", first)
	}
	return s
}
