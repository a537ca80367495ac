package scenarios

import (
	"cmp"
	"slices"
)

// Race is an invariant that variants break, and a workload in which a search finds
// that, without anybody making the interleaving by hand.
type Race struct {
	Invariant string // ID in package model
	Workload  string
	// From is the first variant that has it, To the last one, "" for v2_4_2.
	From, To string
}

// Races returns them, by invariant. docs/variants.md has more, made by hand.
func Races() []Race {
	return []Race{
		{"I1", "start|start; faults=2:checkpoint.Write", "seed2019", ""},
		{"I3", "start|exit=7; loss", "preseed", "preseed"},
		{"I3", "start; faults=1:tasks.Create", "preseed", ""},
		{"I4", "start|exit=7; faults=1:tasks.Wait", "seed2019", ""},
		{"I4", "exit=7|crash; running", "cri1351", ""},
		{"I6", "start|exit=7|watch", "v1_7", ""},
		{"I6", "start|stop; hooks", "v1_7", ""},
		{"I8", "start|remove|remove; faults=2:tasks.Create,tasks.Get", "preseed", ""},
		{"I9", "start|stop", "seed2019", ""},
		{"I11", "start; faults=2:tasks.Start,tasks.Delete", "preseed", "v2_4_0"},
		{"I12", "crash; running; faults=1:checkpoint.Write", "cri1351", ""},
		{"I14", "start; faults=1:tasks.Create", "preseed", ""},
		{"I15", "stop=10s|stop=10s; ignoreterm; running", "preseed", "parallel2021"},
		{"I15", "stop=10s; running; ignoreterm; faults=1:tasks.Kill", "v1_7", ""},
		{"I16", "stop|stop|crash|watch; running; faults=1:tasks.Get", "v1_7", ""},
		{"I17", "start|stopsandbox", "seed2019", ""},
		{"I18", "a.start|a.update|a.hang|b.start|watch", "v1_7", ""},
		{"I19", "start|update", "cri1351", ""},
		{"I20", "start|oom|status; faults=1:checkpoint.Write", "cri1351", ""},
	}
}

// In returns the variants that have it, the oldest first.
func (r Race) In() []Variant {
	all := Variants()
	at := func(name string) int {
		return slices.IndexFunc(all, func(v Variant) bool { return v.Name == name })
	}
	return all[at(r.From) : at(cmp.Or(r.To, "v2_4_2"))+1]
}
