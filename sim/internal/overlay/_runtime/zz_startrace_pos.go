package runtime

// pos runs the goroutine whose announced operation has the highest priority.
// Unlike those of PCT the priorities belong to operations: each has its own,
// and one that raced with the operation that ran last gets another, so that the
// order of the next race does not follow from that of the last (Yuan, Yang, Gu:
// Partial order aware concurrency sampling, CAV 2018).
func (c *ctlState) pos(self *g, selfLast bool) uint32 {
	if k, ok := c.local(self, selfLast); ok {
		return k
	}
	return c.highest(self, selfLast)
}

// posRan draws new priorities after next was chosen: for what races with its
// operation, and for whatever it announces after that.
func (c *ctlState) posRan(self, next *g) {
	if self != nil && self != next && races(self, next) {
		self.ctlprio = uint32(ctlMix(&c.rng) >> 32)
	}
	for p := c.head.ptr(); p != nil; p = p.schedlink.ptr() {
		if p != next && races(p, next) {
			p.ctlprio = uint32(ctlMix(&c.rng) >> 32)
		}
	}
	next.ctlprio = uint32(ctlMix(&c.rng) >> 32)
}
