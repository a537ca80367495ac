// This file and its zz_startrace siblings are added to package runtime by
// startrace's overlay. They make a synctest bubble a controlled one: at most
// one goroutine of the bubble, the holder of the token, runs at a time, and
// whoever gives the token up decides who gets it next.

package runtime

import "unsafe"

// ctlConfig describes one execution and takes its results. Package
// sim/internal/ctl declares the same layout.
type ctlConfig struct {
	// What to do.
	seed      uint64 // of the strategy
	rand      uint64 // of the data streams: map order, math/rand, crypto/rand
	strategy  uint64
	sticky    uint64 // random walk: per mille of points that go on without a draw
	depth     uint64 // PCT: number of priority change points
	length    uint64 // PCT: estimated number of decisions
	tame      uint64 // per mille of data choices that are 0 without a draw
	early     uint64 // per mille of decisions at which a timer fires early
	maxPoints uint64 // the execution is aborted after so many points
	timeEvery uint64 // the clock goes on after so many points without
	fairEvery uint64 // a goroutine is demoted after so many points in a row
	afterMain uint64 // points that goroutines may take after main returned
	flags     uint64
	forced    []uint32     // choices to make before the strategy is asked
	turns     []ctlTurn    // if not empty: where to leave the default schedule
	profile   []ctlProfile // URW: ordered by path
	teach     []uint32     // URW: operations of goroutines that are on selected objects
	selected  uint64       // URW: what else is selected
	guide     []ctlTurn    // guided: points to run next, in order; from is a name
	values    []ctlTurn    // guided: what to draw where
	focus     []string     // code whose points are decisions; empty: all
	choices   []uint32     // takes the choices made
	log       []ctlEvent
	stacks    []uintptr // ctlDepth for each entry of log
	labels    []string
	alts      []uint32 // takes the goroutines that could run, of each event with several
	blocked   []ctlBlocked
	state     *ctlState // reused by the next execution with this config

	// What happened.
	points      uint64
	decisions   uint64
	nchoices    uint64
	switches    uint64
	preemptions uint64
	hash        uint64
	nlog        uint64
	nlabels     uint64
	nalts       uint64
	nblocked    uint64
	diverged    uint64 // 1 + index of the first forced choice that didn't fit
	strays      uint64
	stray       ctlPlace // the first one
	mapOrders   uint64
	mapOrder    ctlPlace // the first one
	tried       uint64   // a lock was tried
	focused     uint64   // points in focus, if there is one
	verdict     uint64
	ngo         uint64
	early1      uint64 // timers that fired early
	advances    uint64 // times the clock moved
	now         int64
	panicGo     uint64
	panicVal    any
	ntext       uint64
	text        [ctlTextSize]byte
	npanic      uint64
	panicPCs    [ctlPanicDepth]uintptr
}

// ctlTurn is a deviation from the default schedule that does not depend on how
// many decisions there were before: at its n-th point goroutine from hands over
// to goroutine to (0: the clock moves), or draws to.
type ctlTurn struct {
	from, point, to uint32
}

// ctlEvent is one entry of the log.
type ctlEvent struct {
	now    int64
	obj    uint32 // number of the object by first appearance, 0 for none
	label  uint32 // 1 + index of the label, 0 for none; with ctlFlagEffects see sim/internal/ctl
	from   uint32 // goroutine at the point
	to     uint32 // goroutine that runs next, 0: the clock moves
	point  uint32 // number of the point among those of from
	nalts  uint16 // alternatives there were
	choice uint16
	kind   uint8
	flags  uint8
	npc    uint16
}

// ctlBlocked is a goroutine that was left when an execution ended.
type ctlBlocked struct {
	id      uint32
	nowner  uint32
	owners  [4]uint32
	reason  uint32
	running uint32 // 1: runnable, not blocked
	npc     uint32
	obj     uint32
	gopc    uintptr
	pcs     [ctlBlockedDepth]uintptr
}

// ctlPlace says where in the program a goroutine was.
type ctlPlace struct {
	id     uint32 // 0: nowhere
	reason uint32 // what it waited for
	npc    uint64
	pcs    [ctlBlockedDepth]uintptr
}

const (
	ctlDepth        = 20
	ctlBlockedDepth = 24
	ctlPanicDepth   = 48
	ctlTextSize     = 96
)

const (
	ctlFlagChanIdle     = 1 << iota // waiting on a channel made outside counts as blocked
	ctlFlagNoAtomics                // atomics are no points
	ctlFlagUnlockPoints             // unlocking is a point
	ctlFlagCatchPanics              // a panic ends the execution, not the process
	ctlFlagStacks                   // log call stacks
	ctlFlagEnabled                  // waiting for a held lock is no alternative
	ctlFlagEffects                  // log what else a systematic search has to know
	ctlFlagAuto                     // configured by ctlAuto
)

// Flags of a ctlEvent.
const (
	ctlEventLoad  = 1 << iota // an atomic operation that is a load
	ctlEventStack             // the object is on the stack of the goroutine
	ctlEventAside             // no point: see sim/internal/ctl
	ctlEventWaits             // nobody could run but those that wait for a lock
	ctlEventAway              // out of focus
	ctlEventSends             // KUses: the channel is sent on
	ctlEventPolls             // KUses: the select or receive does not block
)

const (
	ctlStrategyFirst = iota
	ctlStrategyRandom
	ctlStrategyPCT
	ctlStrategyPOS
	ctlStrategyURW
	ctlStrategyGuided
)

const (
	ctlVerdictNone = iota
	ctlVerdictDeadlock
	ctlVerdictLeak
	ctlVerdictLimit
	ctlVerdictPanic
)

const (
	ctlKNone = iota
	ctlKLock
	ctlKUnlock
	ctlKRLock
	ctlKRUnlock
	ctlKTryLock
	ctlKWait
	ctlKSignal
	ctlKSend
	ctlKRecv
	ctlKClose
	ctlKSelect
	ctlKGo
	ctlKGosched
	ctlKAtomic
	ctlKMap
	ctlKPoint
	ctlKChoose
	ctlKCase
	ctlKNote
	ctlKName
	ctlKAdd
	ctlKDone // Add with a negative number
	ctlKJoin // Wait of a WaitGroup
	ctlKLoad
	ctlKUses // a channel of a select

	ctlKPark    = 128 // + wait reason
	ctlKSpawn   = 249
	ctlKTimer   = 250
	ctlKWake    = 251
	ctlKRoot    = 253
	ctlKOutside = 254
	ctlKExit    = 255
)

// ctlState is the scheduler of one controlled bubble. The lock guards the list
// of held goroutines and the token against the world outside of the bubble.
type ctlState struct {
	locked     uint32
	bubble     uint32 // lock of the bubble
	cfg        *ctlConfig
	b          *synctestBubble
	cur        guintptr // the token's holder
	head, tail guintptr // held: runnable, on no run queue
	nheld      uint32
	nextid     uint32
	streak     uint64 // points in a row of one goroutine
	sinceTime  uint64 // points since the clock moved
	doneAt     uint64 // points when main returned
	rng        uint64
	g0rng      uint64
	cryptorng  uint64 // crypto/rand
	forcedPos  int
	guidePos   int
	kids       uint32 // goroutines that nobody of the bubble started
	rootRun    bool   // the root runs; it passes the token on when it parks
	dead       bool   // ended with goroutines left; they must never run again
	onTime     bool   // no timer fires early any more
	lowprio    uint32
	intended   uint32 // URW: who does the next selected operation, 0 for not drawn yet
	waited     uint32 // URW: choices since intended was drawn
	localFirst bool
	plain      bool       // a random walk, not a replay of turns
	users      [8]uintptr // where goroutines started that are none of the system
	nchosen    int
	chosen     [16]unsafe.Pointer // URW: the selected objects that were met
	outside    uint32             // points of nobody
	changeAt   [16]uint64
	nowners    int
	ownersFull bool
	owners     [128]ctlOwner
	objGen     uint32
	nobjs      uint32
	objs       [1024]ctlObj
}

type ctlOwner struct {
	addr uintptr
	id   uint32
	read bool
}

type ctlObj struct {
	addr uintptr
	gen  uint32
	num  uint32
}

// ctlInit prepares bubble b, whose root is gp, if gp is armed.
func ctlInit(b *synctestBubble, gp *g) {
	cfg := gp.ctlcfg
	gp.ctlcfg = nil
	if cfg == nil {
		cfg = ctlAuto()
	}
	if cfg == nil {
		return
	}
	c := cfg.state
	if c == nil {
		c = new(ctlState)
		cfg.state = c
	}
	c.cfg = cfg
	c.b = b
	c.cur = 0
	c.head, c.tail, c.nheld = 0, 0, 0
	c.nextid = 1
	c.streak, c.sinceTime, c.doneAt = 0, 0, 0
	c.forcedPos, c.guidePos, c.kids = 0, 0, 0
	c.rootRun = true
	c.onTime = false
	c.nowners, c.ownersFull = 0, false
	c.outside = 0
	c.objGen++
	c.nobjs = 0
	s := cfg.seed
	c.rng = ctlMix(&s)
	s = cfg.rand
	c.g0rng = ctlMix(&s)
	c.cryptorng = ctlMix(&s)
	c.plain = cfg.strategy == ctlStrategyRandom && len(cfg.turns) == 0
	c.focusInit()
	c.pctInit()
	if c.announces() {
		c.localFirst = ctlMix(&c.rng)%8 != 0
		c.urwInit()
	}
	b.ctl = c
	ctlActive.c = c
	ctlActive.n++
}

// ctlDone ends the execution of b; left tells that goroutines remain. It
// reports whether b was controlled.
func ctlDone(b *synctestBubble, left bool) bool {
	c := b.ctl
	if c == nil {
		return false
	}
	ctlActive.c = nil
	cfg := c.cfg
	cfg.now = b.now
	cfg.ngo = uint64(c.nextid - 1)
	if cfg.flags&ctlFlagAuto != 0 {
		c.ctlAutoDone()
		return false
	}
	if !left {
		return true
	}
	if cfg.verdict == ctlVerdictNone {
		cfg.verdict = ctlVerdictDeadlock
		if b.done {
			cfg.verdict = ctlVerdictLeak
		}
	}
	ctlReport(b)
	ctlEnd(b)
	if b.total != 1 {
		c.dead = true
		cfg.state = nil // the goroutines left still refer to c
	}
	return true
}

// ctlStop reports whether the root has to end the execution now. It also
// decides whether time goes on after main returned.
func ctlStop(b *synctestBubble) bool {
	c := b.ctl
	return c != nil && c.cfg.verdict != ctlVerdictNone
}

// ctlGoOn reports whether the clock of b goes on although main has returned.
func ctlGoOn(b *synctestBubble) bool {
	c := b.ctl
	if c == nil || c.cfg.flags&ctlFlagAuto != 0 {
		return false
	}
	if c.doneAt == 0 {
		c.doneAt = c.cfg.points + 1
	}
	return true
}

// ctlAdvance notes that the root moves the clock.
func ctlAdvance(b *synctestBubble) {
	if c := b.ctl; c != nil {
		c.sinceTime = 0
		c.cfg.advances++
		c.mix(uint64(ctlKTimer))
	}
}

// ctlNewG gives a new goroutine of a controlled bubble its identity.
func ctlNewG(c *ctlState, gp *g) {
	gp.ctlid = c.nextid
	c.nextid++
	gp.ctlpoint = 0
	gp.ctlpath, gp.ctlkids = 0, 0
	s := c.cfg.rand ^ uint64(gp.ctlid)<<32
	gp.ctlrand = ctlMix(&s)
	if c.cfg.strategy == ctlStrategyPCT {
		gp.ctlprio = 1<<20 + uint32(ctlMix(&c.rng)>>34)
	} else if c.announces() {
		c.born(gp)
	}
}

// objnum numbers objects by first appearance. The lock is held.
func (c *ctlState) objnum(p unsafe.Pointer) uint32 {
	a := uintptr(p)
	if a == 0 {
		return 0
	}
	h := (a >> 3) * 0x9e3779b1 % uintptr(len(c.objs))
	for i := 0; i < 64; i++ {
		o := &c.objs[h]
		if o.gen != c.objGen {
			c.nobjs++
			o.addr, o.gen, o.num = a, c.objGen, c.nobjs
			return o.num
		}
		if o.addr == a {
			return o.num
		}
		h = (h + 1) % uintptr(len(c.objs))
	}
	if c.cfg.flags&ctlFlagEffects != 0 {
		return ^uint32(0) // one of those for which there is no number
	}
	return 0
}
