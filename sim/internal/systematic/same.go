package systematic

// Objects have numbers within one execution only. An event, however, is the same
// one in all executions in which its goroutine came to it in the same way, and
// then it has the same object. That is what marks are for: they are equal if and
// only if (but for collisions of a 64-bit hash) all that happened before is.

// marks computes the marks of the events of an execution.
type marks struct {
	after [][]uint64 // by goroutine and number of the event
}

// comes marks that goroutine g comes to a point, knowing what it knows.
func (m *marks) comes(g, point uint32, knows clock) uint64 {
	h := mix(mix(0, uint64(g)), uint64(point))
	for other, n := range knows {
		if n > 0 {
			h = mix(h, m.after[other][n-1])
		}
	}
	return h
}

// happened notes event e, the clocks of which are known, for the marks of those
// that come after it.
func (m *marks) happened(e *event) {
	for len(m.after) <= int(e.g) {
		m.after = append(m.after, nil)
	}
	h := mix(e.comes, uint64(e.value))
	for other, n := range e.clock {
		if n > 0 && other != int(e.g) {
			h = mix(h, m.after[other][n-1])
		}
	}
	m.after[e.g] = append(m.after[e.g], h)
}

func mix(h, x uint64) uint64 {
	h = (h ^ x) * 0x9e3779b97f4a7c15
	return h ^ h>>32
}

// apart tells whether event e, of another execution than that of s, comes into
// the way of s nowhere. It is known if the goroutines of s come to their events
// in the execution of e as well.
func (s sequence) apart(e *event, come map[uint64]*event) bool {
	for _, x := range s.events {
		y := come[x.comes]
		if y == nil || len(x.woke) > 0 || e.dependsOn(y) {
			return false
		}
	}
	return true
}
