// Package ctl is the Go side of the controlled runtime: it runs one execution
// and returns what happened. It works only in binaries built with the overlay
// and the tag startrace_overlay; elsewhere [Available] is false.
//
// It is not for users: package sim is.
package ctl

// The strategies that the runtime knows.
const (
	First  = iota // always alternative 0
	Random        // random walk
	PCT
	POS
	URW
	Guided // as Config.Guide and Config.Values say
)

// What URW selects beside the objects that Config.Teach leads to.
const (
	SelectAll    = 1 << iota // all operations that have an object
	SelectPoints             // sim.Point
)

// Flags of an Event.
const (
	EventLoad  = 1 << iota // an atomic operation that is a load
	EventStack             // the object is on the stack of the goroutine

	// EventAside marks what is no point: a goroutine was woken (KWake, from 0
	// by the clock), let go of a lock (KUnlock, KRUnlock), or a select took a
	// channel (KCase). Logs have them with FlagStacks.
	EventAside

	// EventWaits marks that nobody could run but those that wait for a lock.
	EventWaits

	// EventAway marks an operation that is out of focus.
	EventAway

	EventSends // KUses: the channel is sent on
	EventPolls // KUses: the select or receive does not block
)

// Verdicts of an execution.
const (
	VerdictNone = iota
	VerdictDeadlock
	VerdictLeak
	VerdictLimit
	VerdictPanic
)

// Flags of a Config.
const (
	FlagChanIdle     = 1 << iota // waiting on a channel made outside counts as blocked
	FlagNoAtomics                // atomics are no points
	FlagUnlockPoints             // unlocking is a point
	FlagCatchPanics              // a panic ends the execution, not the process
	FlagStacks                   // log call stacks
	FlagEnabled                  // waiting for a held lock is no alternative
	FlagEffects                  // log what else a systematic search has to know
)

// Sizes of the arrays in Config.
const (
	Depth        = 20
	BlockedDepth = 24
	PanicDepth   = 48
	TextSize     = 96
)

// Kinds of events.
const (
	KNone = iota
	KLock
	KUnlock
	KRLock
	KRUnlock
	KTryLock
	KWait
	KSignal
	KSend
	KRecv
	KClose
	KSelect
	KGo
	KGosched
	KAtomic
	KMap
	KPoint
	KChoose
	KCase
	KNote
	KName
	KAdd
	KDone // Add with a negative number
	KJoin // Wait of a WaitGroup
	KLoad
	KUses // a channel of a select

	KPark    = 128 // + wait reason
	KSpawn   = 249
	KTimer   = 250
	KWake    = 251
	KRoot    = 253
	KOutside = 254
	KExit    = 255
)

// Config describes an execution and takes its results. Its layout is that of
// ctlConfig in the added runtime source.
type Config struct {
	Seed      uint64
	Rand      uint64
	Strategy  uint64
	Sticky    uint64
	PCTDepth  uint64
	PCTLength uint64
	Tame      uint64
	Early     uint64
	MaxPoints uint64
	TimeEvery uint64
	FairEvery uint64
	AfterMain uint64
	Flags     uint64
	Forced    []uint32
	Turns     []Turn
	Profile   []Profile // URW: ordered by path
	Teach     []uint32  // URW: operations of goroutines that are on selected objects
	Selected  uint64    // URW: what else is selected
	Guide     []Turn
	Values    []Turn
	Focus     []string
	Choices   []uint32
	Log       []Event
	Stacks    []uintptr
	Labels    []string
	Alts      []uint32
	Blocked   []Blocked
	state     *struct{} //nolint:unused // the runtime's

	Result
}

// Result is what happened.
type Result struct {
	Points      uint64
	Decisions   uint64
	NChoices    uint64
	Switches    uint64
	Preemptions uint64
	Hash        uint64
	NLog        uint64
	NLabels     uint64
	NAlts       uint64
	NBlocked    uint64
	Diverged    uint64
	Strays      uint64
	Stray       Place
	MapOrders   uint64
	MapOrder    Place
	Tried       uint64
	Focused     uint64
	Verdict     uint64
	NGo         uint64
	EarlyFired  uint64
	Advances    uint64
	Now         int64
	PanicGo     uint64
	PanicVal    any
	NText       uint64
	Text        [TextSize]byte
	NPanic      uint64
	PanicPCs    [PanicDepth]uintptr
}

// Profile is what a goroutine is expected to do: Left selected operations, with
// those of its children. From Teach to Last of Config.Teach are the numbers of
// its operations at which it comes to selected objects.
type Profile struct {
	Path  uint64
	Left  uint32
	Teach uint32
	Last  uint32
	_     uint32
}

// ChildPath is the path of the n-th goroutine, from 1, that the goroutine with
// the given path started; 0 is the path of none.
func ChildPath(parent uint64, n uint32) uint64 {
	z := parent + uint64(n) + 0x9e3779b97f4a7c15
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}

// Turn is a deviation from the default schedule: at its point number Point
// goroutine From hands over to goroutine To, 0 for the clock, or draws To.
type Turn struct {
	From, Point, To uint32
}

// Event is one entry of the log. Label is 1 + the index of a label; with
// FlagEffects, where there are no labels, it says more of what is done: the name
// of a new goroutine, what an Add adds or a Done takes away, and of a send or a
// receive twice what the channel holds, and 1 more if its outcome depends on
// the state of the channel.
type Event struct {
	Now    int64
	Obj    uint32
	Label  uint32
	From   uint32
	To     uint32
	Point  uint32
	NAlts  uint16
	Choice uint16
	Kind   uint8
	Flags  uint8
	NPC    uint16
}

// Place says where in the program a goroutine was.
type Place struct {
	ID     uint32 // 0: nowhere
	Reason uint32 // what it waited for
	NPC    uint64
	PCs    [BlockedDepth]uintptr
}

// Blocked is a goroutine that was left when an execution ended.
type Blocked struct {
	ID      uint32
	NOwner  uint32
	Owners  [4]uint32
	Reason  uint32
	Running uint32
	NPC     uint32
	Obj     uint32
	GoPC    uintptr
	PCs     [BlockedDepth]uintptr
}
