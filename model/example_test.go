package model_test

import (
	"fmt"

	"github.com/startrace/startrace/model"
)

// A StopContainer that does nothing while the container is being started: the
// race that the change of 2019 opened.
func ExampleCheck() {
	h := model.History{Events: []model.Event{
		{Kind: model.Call, Container: "c1", Op: model.OpStart, ID: 1},
		{Kind: model.TaskCreated, Container: "c1", Life: 1},
		{Kind: model.Call, Container: "c1", Op: model.OpStop, ID: 2},
		{Kind: model.Return, Container: "c1", Op: model.OpStop, ID: 2},
		{Kind: model.Started, Container: "c1", Life: 1},
		{Kind: model.Return, Container: "c1", Op: model.OpStart, ID: 1},
		{Kind: model.Settled, Container: "c1", Present: true, Alive: true, Status: model.Status{CreatedAt: 1, StartedAt: 2}},
	}}
	fmt.Print(h)
	for _, v := range model.Check(h) {
		fmt.Println(v)
	}
	// Output:
	//   0  StartContainer#1
	//   1  task 1 is created
	//   2  StopContainer#2
	//   3  StopContainer#2 -> ok
	//   4  process 1 starts
	//   5  StartContainer#1 -> ok
	//   6  settled: RUNNING, process alive
	// I9 c1 at 4: process 1, created before StopContainer#2 was called, starts after its success
}

func ExampleUndecidable() {
	for _, inv := range model.Invariants {
		if text := model.Undecidable(inv.ID, model.Real); text != "" {
			fmt.Printf("%s: %s\n", inv.ID, text)
		}
	}
	// Output:
	// I1: whether a start that no event told of happened
	// I2: whether the process was alive at the very return of RemoveContainer, or started after it and died again
	// I3: whether a process that no event told of has run
	// I4: whether the recorded time is the exact time of the exit, and any exit that no event told of
	// I7: whether a process was executed that no event told of
	// I8: what is left of a kind that nobody looked for
	// I9: whether the process was still alive at the very return of StopContainer, if it was dead at rest
	// I15: signals, which no event tells of
	// I16: the end of a process that no event told of
	// I17: whether a process was alive at the very return, if it was dead at rest
	// I19: resources, which no event tells of
	// I20: lack of memory that no event told of before the exit
	// I21: all of it: events of a process may come after its record
}
