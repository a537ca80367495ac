package schedule

// program is a synthetic program under a controlled scheduler: goroutines that
// take so many steps each, and nothing else. As in a real execution there is a
// decision only where two goroutines could go on, so that a changed choice
// shifts the numbers of all decisions after it.
type program struct {
	steps  []int // per goroutine
	data   map[step]int
	failed func(trace []step, drawn map[step]int) bool
	hash   uint64 // what executions report
	runs   int
}

type step struct{ goroutine, number int }

// oracle hands out the choices of a candidate leniently.
type oracle struct {
	candidate []uint32
	taken     []uint32
}

func (o *oracle) choose(n int) int {
	if n < 2 {
		return 0
	}
	choice := uint32(0)
	if i := len(o.taken); i < len(o.candidate) && o.candidate[i] < uint32(n) {
		choice = o.candidate[i]
	}
	o.taken = append(o.taken, choice)
	return int(choice)
}

// attempt is the Attempt of the program.
func (p *program) attempt(candidate Schedule) (Schedule, bool) {
	p.runs++
	o := &oracle{candidate: candidate.Choices}
	done := make([]int, len(p.steps))
	var trace []step
	drawn := map[step]int{}
	current := 0
	for {
		var runnable []int // the current one first, then by number
		for g := range p.steps {
			if g := (current + g) % len(p.steps); done[g] < p.steps[g] {
				runnable = append(runnable, g)
			}
		}
		if len(runnable) == 0 {
			break
		}
		current = runnable[o.choose(len(runnable))]
		s := step{current, done[current]}
		done[current]++
		trace = append(trace, s)
		if n := p.data[s]; n > 0 {
			drawn[s] = o.choose(n)
		}
	}
	taken := candidate
	taken.Choices, taken.Hash = o.taken, p.hash
	return taken, p.failed(trace, drawn)
}

// before reports whether all of these steps were taken in this order.
func before(trace []step, order ...step) bool {
	for _, s := range trace {
		if len(order) > 0 && s == order[0] {
			order = order[1:]
		}
	}
	return len(order) == 0
}
