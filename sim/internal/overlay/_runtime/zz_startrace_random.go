package runtime

// randomWalk takes each alternative with the same probability. With
// cfg.sticky it first goes on, unasked, at so many per mille of the points.
func (c *ctlState) randomWalk(self *g, selfLast bool, n uint32) uint32 {
	if self != nil && !selfLast && c.cfg.sticky != 0 && ctlMix(&c.rng)%1000 < c.cfg.sticky {
		return 0
	}
	return uint32((ctlMix(&c.rng) >> 32) * uint64(n) >> 32)
}

// ctlMix is splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom
// number generators, OOPSLA 2014).
func ctlMix(s *uint64) uint64 {
	*s += 0x9e3779b97f4a7c15
	z := *s
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}

// ctlRand serves rand inside of a controlled bubble: one stream a goroutine.
//
//go:nosplit
func ctlRand(gp *g) uint64 {
	s := &gp.ctlrand
	if gp.m != nil && gp == gp.m.g0 {
		s = &gp.bubble.ctl.g0rng
	}
	*s += 0x9e3779b97f4a7c15
	z := *s
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}

// ctlRandn replaces cheaprandn where selectgo permutes its cases: in a
// controlled bubble they stay in order and ctlCase decides.
func ctlRandn(n uint32) uint32 {
	if gp := getg(); gp.bubble != nil && gp.bubble.ctl != nil {
		return n - 1
	}
	return cheaprandn(n)
}

// ctlCheaprand replaces cheaprand where timers break ties.
func ctlCheaprand() uint32 {
	if gp := getg(); gp.bubble != nil && gp.bubble.ctl != nil {
		return uint32(ctlRand(gp))
	}
	return cheaprand()
}

// ctlNow is the clock that sync.Mutex uses for its starvation mode.
func ctlNow() int64 {
	if b := getg().bubble; b != nil && b.ctl != nil {
		return b.now
	}
	return nanotime()
}
