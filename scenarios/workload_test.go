package scenarios_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/startrace/startrace/scenarios"
)

func ExampleParseWorkload() {
	w, err := scenarios.ParseWorkload("start | start | stop=10s | exit=7 ; faults=1:tasks.Start ; loss")
	fmt.Println(w, err)
	fmt.Println(len(w.Ops), w.Ops[2].Timeout, w.Ops[3].Code, w.Loss)

	_, err = scenarios.ParseWorkload("start|exit=300")
	fmt.Println(err)
	// Output:
	// start|start|stop=10s|exit=7; faults=1:tasks.Start; loss <nil>
	// 4 10s 7 true
	// workload "start|exit=300", column 12: "300" is no exit code: it is a number from 0 to 255
}

func ExampleLookup() {
	_, err := scenarios.Lookup("seed2020")
	fmt.Println(err)
	v, err := scenarios.Lookup("seed2019")
	fmt.Println(v.Title, err)
	// Output:
	// unknown variant "seed2020": there are preseed, seed2019, cri1351, parallel2021, v1_7, v2_4_0, v2_4_2, moby2016, crio2018, crio2020, conmon2020, reference
	// since April 2019: a Starting flag, exits come from Wait <nil>
}

// parse reads a workload that is right.
func parse(t testing.TB, text string) scenarios.Workload {
	t.Helper()
	w, err := scenarios.ParseWorkload(text)
	require.NoError(t, err)
	return w
}

func TestDefaultWorkload(t *testing.T) {
	assert.Equal(t, scenarios.DefaultWorkload, parse(t, scenarios.DefaultWorkload).String())
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    `workload "", column 1: an operation is missing: an operation is create,`,
		"start|":                              `column 7: an operation is missing`,
		"start||stop":                         `column 7: an operation is missing`,
		"start| stopp":                        `column 8: unknown operation "stopp": an operation is create, start, stop[=DURATION], remove,`,
		"start=1":                             `column 7: start takes no value`,
		"stop=":                               `column 6: "" is no duration`,
		"stop=1500ms":                         `column 6: "1500ms" is no duration: it is a number of whole seconds, as 10s`,
		"stop=-1s":                            `column 6: "-1s" is no duration`,
		"exit=256":                            `column 6: "256" is no exit code: it is a number from 0 to 255`,
		"exit=-1":                             `column 6: "-1" is no exit code`,
		"start;":                              `column 7: a condition is missing: a condition is faults=BUDGET[:CALL,...], plan={PLAN}, loss, ignoreterm, running, pause or hooks`,
		"start; lose":                         `column 8: unknown condition "lose"`,
		"start; loss=1":                       `column 13: loss takes no value`,
		"start; loss; loss":                   `column 14: loss stands there twice`,
		"C.start":                             `column 1: "C" is no name of a container: it is a lower-case letter and up to 15 more`,
		".start":                              `column 1: "" is no name of a container`,
		"c1.crash":                            `column 1: crash is not about a container`,
		"crash=1":                             `column 7: crash takes no value`,
		"update=1":                            `column 8: update takes no value`,
		"exec=0.5s":                           `column 6: "0.5s" is no duration`,
		"a.watch":                             `column 1: watch is not about a container`,
		"p:list":                              `column 1: list is not about a sandbox`,
		"p:a.stopsandbox":                     `column 1: stopsandbox is not about a container`,
		"P:start":                             `column 1: "P" is no name of a sandbox`,
		"p:a.create|a.create|p:a.create":      `column 1: p:a.create stands there twice`,
		"start; pause=1":                      `column 14: pause takes no value`,
		"c1.create|start|c1.create":           `column 1: c1.create stands there twice`,
		"start; plan":                         `column 12: plan needs a plan in braces, as plan={tasks.Start=1*error(unavailable)}`,
		"start; plan=tasks.Start=panic":       `column 13: plan needs a plan in braces`,
		"start; plan={}":                      `column 13: an empty plan`,
		"start; plan={tasks.Start=x}":         `column 13: fault plan "tasks.Start=x", column 13: `,
		"start; plan={tasks.Start=panic({)}":  `column 13: plan needs a plan in braces`,
		"start; faults":                       `column 8: faults needs a budget, as faults=2`,
		"start; faults=0":                     `column 15: "0" is no budget: it is the number of calls that may fail, from 1 to 100`,
		"start; faults=1:":                    `column 17: "" is no call that can fail: these can: checkpoint.List, `,
		"start; faults=1:tasks.Pause":         `column 17: "tasks.Pause" is no call that can fail`,
		"start; faults=2:tasks.Get,task":      `column 27: "task" is no call that can fail`,
		"start; faults=2:tasks.Get,tasks.Get": `column 27: tasks.Get stands there twice`,
	} {
		_, err := scenarios.ParseWorkload(text)
		if assert.Error(t, err, "%q", text) {
			assert.Contains(t, err.Error(), want)
			assert.True(t, strings.HasPrefix(err.Error(), fmt.Sprintf("workload %q, column ", text)), "%v", err)
		}
	}
}

func TestWorkloadRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWorkload(rt)
		again, err := scenarios.ParseWorkload(w.String())
		require.NoError(rt, err)
		assert.Equal(rt, w, again)
		w.Plan = "" // its spaces are another matter
		spaced := strings.NewReplacer("|", " |\t", ";", " ; ", "=", " = ", ":", " : ", ",", " , ").Replace(w.String())
		again, err = scenarios.ParseWorkload(" " + spaced + "\n")
		require.NoError(rt, err)
		assert.Equal(rt, w, again)
	})
}

func TestSmallerPlansAndContainers(t *testing.T) {
	var texts []string
	for _, w := range parse(t, "a.start|b.start|crash; plan={tasks.Start=1*off->1*panic;tasks.Kill=1*error(closed)}").Smaller() {
		texts = append(texts, w.String())
	}
	assert.Equal(t, []string{
		"b.start|crash; plan={tasks.Start=1*off->1*panic;tasks.Kill=1*error(closed)}",
		"a.start|crash; plan={tasks.Start=1*off->1*panic;tasks.Kill=1*error(closed)}",
		"a.start|b.start; plan={tasks.Start=1*off->1*panic;tasks.Kill=1*error(closed)}",
		"a.start|b.start|crash",
		"a.start|b.start|crash; plan={tasks.Kill=1*error(closed)}",
		"a.start|b.start|crash; plan={tasks.Start=1*panic;tasks.Kill=1*error(closed)}",
		"a.start|b.start|crash; plan={tasks.Start=1*off;tasks.Kill=1*error(closed)}",
		"a.start|b.start|crash; plan={tasks.Start=1*off->1*panic}",
		"b.start|crash; plan={tasks.Start=1*off->1*panic;tasks.Kill=1*error(closed)}",
		"a.start|crash; plan={tasks.Start=1*off->1*panic;tasks.Kill=1*error(closed)}",
	}, texts)
}

func TestSmallerWorkloads(t *testing.T) {
	var texts []string
	for _, w := range parse(t, "start|stop=10s|exit=7; faults=2:tasks.Get,tasks.Kill; loss").Smaller() {
		texts = append(texts, w.String())
	}
	assert.Equal(t, []string{
		"stop=10s|exit=7; faults=2:tasks.Get,tasks.Kill; loss",
		"start|exit=7; faults=2:tasks.Get,tasks.Kill; loss",
		"start|stop=10s; faults=2:tasks.Get,tasks.Kill; loss",
		"start|stop=10s|exit=7; loss",
		"start|stop=10s|exit=7; faults=2:tasks.Get,tasks.Kill",
		"start|stop=10s|exit=7; faults=1:tasks.Get,tasks.Kill; loss",
		"start|stop=10s|exit=7; faults=2:tasks.Get; loss",
		"start|stop=10s|exit=7; faults=2:tasks.Kill; loss",
		"start|stop|exit=7; faults=2:tasks.Get,tasks.Kill; loss",
		"start|stop=10s|exit; faults=2:tasks.Get,tasks.Kill; loss",
	}, texts)
	assert.Empty(t, parse(t, "start").Smaller())
	assert.Equal(t, []scenarios.Workload{parse(t, "start")}, parse(t, "start; ignoreterm").Smaller())
	assert.Len(t, parse(t, "start; faults=1").Smaller(), 1+len(scenarios.FaultCalls()), "nothing, or one of the calls")
}

// Making a workload smaller again and again comes to an end, on each of whose
// ways there are only workloads.
func TestSmallerWorkloadsEnd(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWorkload(rt)
		for steps := 0; ; steps++ {
			require.Less(rt, steps, 50)
			smaller := w.Smaller()
			if len(smaller) == 0 {
				break
			}
			before := w.String()
			w = rapid.SampledFrom(smaller).Draw(rt, "smaller")
			again, err := scenarios.ParseWorkload(w.String())
			require.NoError(rt, err)
			require.Equal(rt, w, again)
			require.NotEqual(rt, before, w.String())
		}
		require.Len(rt, w.Ops, 1)
	})
}

// FuzzParseWorkload: what can be read is printed so that it reads the same.
func FuzzParseWorkload(f *testing.F) {
	f.Add(scenarios.DefaultWorkload)
	f.Add("start|stop=10s|status; faults=2:tasks.Start,checkpoint.Write; ignoreterm")
	f.Add("p:a.update|p:exec=5s|oom|hang|p:stopsandbox|list|watch=10s|stall; pause; hooks")
	f.Add("c1.create|c1.start|c2.exit=3|stopsandbox|crash; plan={tasks.*=1*off->5%error(EIO)|}")
	f.Fuzz(func(t *testing.T, text string) {
		w, err := scenarios.ParseWorkload(text)
		if err != nil {
			return
		}
		again, err := scenarios.ParseWorkload(w.String())
		require.NoError(t, err)
		assert.Equal(t, w, again)
	})
}
