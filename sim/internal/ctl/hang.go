package ctl

// Hung is a goroutine of an execution that does not go on.
type Hung struct {
	Goid  uint64 // as in stack dumps
	ID    uint32 // in the execution
	State uint32
}

// States of a goroutine.
const (
	HungWaits   = iota // for others of the execution
	HungHolds          // it is its turn
	HungOutside        // waits for something outside of the execution
)
