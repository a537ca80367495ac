package report_test

import (
	"fmt"
	"os"

	"github.com/startrace/startrace/sim/report"
)

func Example() {
	failure := report.Failure{
		Title: "I5 violated: a removed container has no process",
		Facts: []string{"random walk, seed 42, 61 executions; 9 preemptions, 1 after shrinking"},
		Trace: report.Trace{
			Lanes: []string{"start", "remove"},
			Steps: []report.Step{
				{Lane: 0, Text: "StartContainer c1", Site: "workload.go:41", Visible: true},
				{Lane: 0, Op: "lock", Object: "m1", Site: "start.go:31"},
				{Lane: 0, Text: "tasks.Create/reply c1", Site: "tasks.go:93", Visible: true, Switch: true, Necessary: true},
				{Lane: 1, Text: "RemoveContainer c1", Site: "workload.go:47", Visible: true},
				{Lane: 1, Text: "RemoveContainer c1 -> ok", Site: "workload.go:49", Visible: true},
				{Lane: 0, Text: "tasks.Start/after-effect c1", Site: "tasks.go:99", Visible: true},
				{Lane: 0, Text: "StartContainer c1 -> ok", Site: "workload.go:43", Visible: true},
			},
		},
		Detail:   "process 101 of c1 is alive",
		Commands: []string{"go test ./scenarios -run '^TestStartRemove$' -startrace.replay=st1.AwAHBMyLbbc"},
	}
	fmt.Print(failure.Text(report.TextOptions{Width: 100}))
	// Output:
	// I5 violated: a removed container has no process
	//
	//   random walk, seed 42, 61 executions; 9 preemptions, 1 after shrinking
	//
	//   One choice makes the failure; without it this execution does not fail:
	//     step 3: start is preempted before tasks.Create/reply c1 at tasks.go:93, and remove goes on
	//
	//     #  start                         remove                     where
	//     ─  ───────────────────────────   ────────────────────────   ──────────────
	//     1  StartContainer c1                                        workload.go:41
	//   ! 3  tasks.Create/reply c1 ────────▶                          tasks.go:93
	//     4                                RemoveContainer c1         workload.go:47
	//     5                                RemoveContainer c1 -> ok   workload.go:49
	//     6  tasks.Start/after-effect c1                              tasks.go:99
	//     7  StartContainer c1 -> ok                                  workload.go:43
	//
	//   6 of 7 steps   ──▶ preempted   ! necessary: without it there is no failure
	//
	//   process 101 of c1 is alive
	//
	// To reproduce:
	//   go test ./scenarios -run '^TestStartRemove$' -startrace.replay=st1.AwAHBMyLbbc
}

func ExampleTrace_Mermaid() {
	trace := report.Trace{
		Lanes: []string{"main", "start"},
		Steps: []report.Step{
			{Lane: 0, Op: "go", Site: "exit.go:34", Visible: true},
			{Lane: 1, Op: "send", Object: "#2", Site: "exit.go:35", Visible: true, Switch: true, Necessary: true, After: []int{0}},
			{Lane: 0, Op: "receive", Object: "#2", Site: "exit.go:40", Visible: true, After: []int{1}},
		},
	}
	if err := trace.Mermaid(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// sequenceDiagram
	//     participant g0 as main
	//     participant g1 as start
	//     g0->>g0: 1 go · exit.go#58;34
	//     g0->>g1: 2 ! send #35;2 · exit.go#58;35
	//     Note right of g1: preempted
	//     g1->>g0: 3 receive #35;2 · exit.go#58;40
}
