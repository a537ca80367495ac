package report

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCause(t *testing.T) {
	trace := Trace{
		Lanes: []string{"clock", "main", "start", "monitor"},
		Steps: []Step{
			{Lane: 1, Op: "go", Text: "go", Site: "x.go:3", Switch: true, Necessary: true},
			{Lane: 2, Op: "Lock", Object: "#3", Site: "x.go:21", Switch: true},
			{Lane: 2, Op: "Lock", Object: "#3", Site: "x.go:21", Switch: true, Necessary: true},
			{Lane: 3, Op: "blocks", Text: "chan receive", Site: "x.go:9", Blocked: true, Necessary: true},
			{Lane: 1, Op: "choose", Text: "choose fault = 1", Site: "x.go:5", Necessary: true},
			{Lane: 3, Op: "exit", Text: "ends", Necessary: true},
			{Lane: 2, Op: "point", Text: "written"},
		},
	}
	assert.Equal(t, []string{
		"5 choices make the failure; without any one of them this execution does not fail:",
		"step 1: main is preempted after go at x.go:3, and start goes on",
		"step 3: start is preempted before Lock #3 at x.go:21, and monitor goes on",
		"step 4: monitor blocks in chan receive at x.go:9, and main goes on, before others whose turn it was",
		"step 5: main: choose fault = 1 at x.go:5",
		"step 6: monitor ends, and start goes on, before others whose turn it was",
	}, trace.Cause())

	for i := range trace.Steps {
		trace.Steps[i].Necessary = i == 1
	}
	assert.Equal(t, []string{
		"One choice makes the failure; without it this execution does not fail:",
		"step 2: start is preempted before Lock #3 at x.go:21, and start goes on",
	}, trace.Cause())
	trace.Steps[1].Necessary = false
	assert.Nil(t, trace.Cause())

	many := Trace{Steps: make([]Step, 20)}
	for i := range many.Steps {
		many.Steps[i] = Step{Op: "choose", Necessary: true}
	}
	cause := many.Cause()
	assert.Len(t, cause, 1+maxCauses+1)
	assert.Equal(t, "… and 12 more", cause[len(cause)-1])
}
