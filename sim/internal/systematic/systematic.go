// Package systematic decides which executions a search runs next, so that in
// the end it has seen all of them, or one of each kind. It works outside of the
// controlled runtime: a [Searcher] plans an execution by its first choices and
// learns from its log where others branch off.
package systematic

import (
	"errors"

	"github.com/startrace/startrace/sim/internal/ctl"
)

// Plan is an execution to run: these choices, then, if Guided, the operations
// of Guide and the values of Values, and the default after that.
type Plan struct {
	Choices []uint32
	Guided  bool
	Guide   []ctl.Turn // From, the path of a goroutine, and Point name an operation
	Values  []ctl.Turn // From and Point name where To is drawn
}

// Execution is what the runtime logged with ctl.FlagEnabled and
// ctl.FlagEffects.
type Execution struct {
	Log  []ctl.Event
	Alts []uint32 // of each decision between goroutines, in order
}

// Searcher plans the executions of a search.
type Searcher interface {
	// Next plans an execution; false means that there are no more.
	Next() (Plan, bool)
	// Done takes the execution that Next planned.
	Done(Execution) error
	// Cut tells whether a bound kept executions from being planned.
	Cut() bool
	// Wasted is the number of executions that turned out to be equivalent to
	// others that had run.
	Wasted() int
	// Inequivalent is how many executions differ in the partial order of their
	// operations, 0 if that is not known.
	Inequivalent() int
	// Save returns what the search would go on with, between two executions.
	Save() ([]byte, error)
	// Load makes a new search go on with that.
	Load([]byte) error
}

// ErrDiverged says that an execution did not begin as the one that it branches
// off from.
var ErrDiverged = errors.New("the execution is not the planned one")

// errSaved says that what a search should go on with makes no sense.
var errSaved = errors.New("damaged state of a search")

// decision is a point with several alternatives, or a value that was drawn.
type decision struct {
	alts   int
	choice uint32
	self   bool // alternative 0 goes on with the goroutine at the point
	data   bool
}

// decisions returns the decisions of x, in order.
func (x Execution) decisions() []decision {
	var out []decision
	alts := x.Alts
	for _, e := range x.Log {
		if e.NAlts < 2 {
			continue
		}
		d := decision{alts: int(e.NAlts), choice: uint32(e.Choice), data: isData(e.Kind)}
		if !d.data {
			d.self = e.Kind < ctl.KPark && alts[0] == e.From
			alts = alts[e.NAlts:]
		}
		out = append(out, d)
	}
	return out
}

func isData(kind uint8) bool { return kind == ctl.KChoose || kind == ctl.KCase }
