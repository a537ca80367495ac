package mutants

// Request says what to do. The process gets it as JSON in the environment.
type Request struct {
	Mutant     string
	Executions int    // of each workload, at most
	Seed       uint64 // of the search
	Shrink     bool   // and draw what was found
	Result     string // the file for the Result
}

// Variable is the name of the environment variable with the request.
const Variable = "STARTRACE_MUTANT"

// Result is what a search came to.
type Result struct {
	Mutant     string
	By         string // the ID of the violated invariant, or the kind of failure; "" if it survived
	Title      string // one line of what was seen
	Workload   string // in which
	Executions int    // of all workloads, the failing one included
	Text       string // what was found, drawn, if asked for
	Err        string // the search failed
}

// Killed reports whether the search found something.
func (r Result) Killed() bool { return r.By != "" }
