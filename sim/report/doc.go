// Package report says in text and pictures why an execution failed.
//
// [Failure.Text] is what a developer reads in the output of a failed test: the
// violated invariant, a swim-lane table of the execution with one column for
// each goroutine, what is known about the failure, and the commands that run it
// again. [HTML] is a page to look around in. [Trace.Mermaid], [Trace.Perfetto]
// and [Trace.ShiViz] draw with other tools; [Trace.JSONL] and [ReadJSONL] keep
// the trace itself, one line a step.
//
// The package only formats what it is given. It decides neither what failed nor
// which step is worth showing, knows nothing of package sim, and is pure: the
// same failure gives the same bytes. All of it may be called concurrently.
package report
