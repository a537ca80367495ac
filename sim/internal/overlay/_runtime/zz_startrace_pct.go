package runtime

// pctInit draws the points at which priorities change.
func (c *ctlState) pctInit() {
	cfg := c.cfg
	if cfg.strategy != ctlStrategyPCT {
		return
	}
	c.lowprio = 1 << 20
	n := cfg.depth
	if n > uint64(len(c.changeAt)) {
		n = uint64(len(c.changeAt))
	}
	for i := range c.changeAt {
		c.changeAt[i] = 0
	}
	for i := uint64(0); i < n && cfg.length > 0; i++ {
		c.changeAt[i] = 1 + ctlMix(&c.rng)%cfg.length
	}
}

// pct runs the runnable goroutine with the highest priority; at the change
// points the running one falls below all others (Burckhardt et al.: A
// randomized scheduler with probabilistic guarantees of finding bugs, ASPLOS
// 2010). A goroutine that yields or runs for too long falls too, which makes
// it fair beside spinning ones.
func (c *ctlState) pct(self *g, selfLast bool, kind uint8) uint32 {
	if self != nil {
		for _, at := range c.changeAt {
			if at == c.cfg.decisions {
				c.lowprio--
				self.ctlprio = c.lowprio
			}
		}
		if selfLast {
			c.lowprio--
			self.ctlprio = c.lowprio
			c.streak = 0
		}
	}
	return c.highest(self, selfLast)
}

// highest returns the number of the alternative with the highest priority.
func (c *ctlState) highest(self *g, selfLast bool) uint32 {
	best, bestk := self, uint32(0)
	k := uint32(0)
	if self != nil && !selfLast {
		k = 1
	}
	if self != nil && selfLast {
		bestk = c.nheld
	}
	for p := c.head.ptr(); p != nil; p = p.schedlink.ptr() {
		if best == nil || p.ctlprio > best.ctlprio {
			best, bestk = p, k
		}
		k++
	}
	return bestk
}
