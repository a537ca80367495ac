package runtime

// ctlAutoVariable puts every bubble of a process under control, with its value
// as the seed of a random walk: that is how the suites of others, which know
// nothing of this, test the controlled runtime.
const ctlAutoVariable = "STARTRACE_AUTO"

// ctlAutoTraceVariable, if it is set, has each of these bubbles print a line
// when it ends.
const ctlAutoTraceVariable = "STARTRACE_AUTO_TRACE"

const (
	ctlAutoChoices = 1 << 16
	ctlAutoBlocked = 64
)

// ctlAuto returns the configuration of a bubble that nobody configured, nil to
// leave it alone.
func ctlAuto() *ctlConfig {
	text := gogetenv(ctlAutoVariable)
	if text == "" {
		return nil
	}
	seed, ok := strconvParse(text)
	if !ok {
		throw(ctlAutoVariable + " is no number")
	}
	return &ctlConfig{
		seed:      seed,
		strategy:  ctlStrategyRandom,
		fairEvery: 1000,
		choices:   make([]uint32, ctlAutoChoices),
		blocked:   make([]ctlBlocked, ctlAutoBlocked),
		flags:     ctlFlagAuto,
	}
}

// strconvParse reads a decimal number.
func strconvParse(text string) (n uint64, ok bool) {
	for i := 0; i < len(text); i++ {
		if text[i] < '0' || text[i] > '9' {
			return 0, false
		}
		n = n*10 + uint64(text[i]-'0')
	}
	return n, true
}

// ctlAutoDone prints what became of a bubble that ctlAuto configured. Its
// deadlock is reported as it is without control.
func (c *ctlState) ctlAutoDone() {
	if gogetenv(ctlAutoTraceVariable) == "" {
		return
	}
	cfg := c.cfg
	println("startrace: bubble", c.b.id, "points", cfg.points, "decisions", cfg.decisions,
		"goroutines", c.nextid-1, "strays", cfg.strays, "hash", hex(cfg.hash))
}
