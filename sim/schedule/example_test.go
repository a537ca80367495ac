package schedule_test

import (
	"fmt"

	"github.com/startrace/startrace/sim/schedule"
)

func Example() {
	// A failing execution: 300 decisions, of which 100 deviate.
	choices := make([]uint32, 300)
	for i := range choices {
		choices[i] = uint32(i % 3)
	}
	failing := schedule.Schedule{Label: "TestTransfer", Choices: choices}

	// Here the failure needs only a deviation at decision 40 or later and one of
	// value 2 before it. Running the program would tell.
	try := func(candidate schedule.Schedule) (taken schedule.Schedule, same bool) {
		two := false
		for _, d := range candidate.Deviations() {
			if two && d.Index >= 40 {
				return candidate, true
			}
			two = two || d.Choice == 2
		}
		return candidate, false
	}

	best, stats := schedule.Shrink(failing, try, 500)
	fmt.Println(stats.Before, "deviations shrunk to", best.Deviations())
	fmt.Println("necessary:", schedule.Necessary(best, try))
	fmt.Println(best.Token())
	fmt.Print(best.Text())
	// Output:
	// 200 deviations shrunk to [{14 2} {40 1}]
	// necessary: [true true]
	// st1.EgIMVGVzdFRyYW5zZmVyHQQzAsltf-s
	// # startrace schedule v1
	// label: TestTransfer
	// choices:
	//   0*14 2 0*25 1
}
