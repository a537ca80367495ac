package blackbox

import (
	"fmt"
	"slices"
	"strings"

	"github.com/startrace/startrace/model"
)

// FinishedFirst is the name of the finding that an exit is recorded as earlier than
// the start. It is no violation: the two come from different clocks, or from the
// same one at different ends, in all releases of containerd.
const FinishedFirst = "FinishedAt before StartedAt"

// StillRunning is the name of the finding that RemoveContainer gives up since the
// container began to run meanwhile. Callers try again.
const StillRunning = "RemoveContainer refused as still running"

// Finding is what a history shows of an endpoint.
type Finding struct {
	Invariant string `json:"invariant,omitempty"` // ID of the model; empty: no violation
	Name      string `json:"name"`
	Message   string `json:"message"` // of the first place
	Count     int    `json:"count"`   // of histories
	Workload  string `json:"workload"`
	Seed      uint64 `json:"seed"`
	History   string `json:"history"` // the first one
}

// unseen says why invariants are not decided at all. A black box that judged them
// would guess.
var unseen = map[string]string{
	"I7":  "the ends of executed processes are not told",
	"I12": "the endpoint is not restarted",
	"I13": "records on disk are not read",
	"I17": "sandboxes are not stopped under containers",
	"I18": "no container of an endpoint hangs",
	"I19": "the resources of processes are not read",
	"I20": "no process runs out of memory",
	"I21": "records on disk are not read",
}

// partly says what else than model.Undecidable a black box cannot tell.
var partly = map[string]string{
	"I3": "what a record on disk says",
	"I5": "what records on disk say",
	"I8": "what is left beside records and processes",
}

// Undecided lists by invariant what histories of a target do not decide, in the order
// of the invariants.
func (t *Target) Undecided() (lines []string) {
	for _, i := range model.Invariants {
		why := unseen[i.ID]
		if (i.ID == "I6" || i.ID == "I16") && !t.notices.served() {
			why = "the endpoint tells no events"
		}
		if why != "" {
			lines = append(lines, fmt.Sprintf("%s %s: %s", i.ID, i.Name, why))
			continue
		}
		var parts []string
		for _, part := range []string{model.Undecidable(i.ID, model.Real), partly[i.ID]} {
			if part != "" {
				parts = append(parts, part)
			}
		}
		if len(parts) > 0 {
			lines = append(lines, fmt.Sprintf("%s %s, in part: %s", i.ID, i.Name, strings.Join(parts, "; ")))
		}
	}
	return lines
}

// Judge returns what h shows, each name once: violations of the invariants and of
// linearizability, and what is odd but no violation.
func Judge(h model.History) (findings []Finding) {
	add := func(f Finding) {
		if !slices.ContainsFunc(findings, func(o Finding) bool { return o.Name == f.Name }) {
			f.Count, f.History = 1, h.String()
			findings = append(findings, f)
		}
	}
	for _, i := range model.Invariants {
		if unseen[i.ID] != "" {
			continue
		}
		for _, v := range i.Check(h) {
			add(Finding{Invariant: i.ID, Name: i.Name, Message: v.Message})
		}
	}
	for _, v := range model.Linearizable(h) {
		add(Finding{Invariant: v.Invariant, Name: "linearizable", Message: v.Message})
	}
	for _, e := range h.Events {
		s := e.Status
		if (e.Kind == model.Observed || e.Kind == model.Settled) && s.StartedAt != 0 && s.FinishedAt != 0 && s.FinishedAt < s.StartedAt {
			add(Finding{Name: FinishedFirst, Message: fmt.Sprintf("by %d ns", s.StartedAt-s.FinishedAt)})
		}
		if e.Kind == model.Return && e.Op == model.OpRemove && strings.Contains(e.Err, "still running") {
			add(Finding{Name: StillRunning, Message: e.Err})
		}
	}
	return findings
}

// Hits counts the calls of a history that came while the first StartContainer was
// under way, by the window: "StopContainer in start", and "StopContainer after the
// process was made" of those that came when its process was there already.
func Hits(h model.History) map[string]int {
	hits := map[string]int{}
	begin := slices.IndexFunc(h.Events, func(e model.Event) bool { return e.Kind == model.Call && e.Op == model.OpStart })
	if begin < 0 {
		return hits
	}
	made := false
	for _, e := range h.Events[begin+1:] {
		switch {
		case e.Kind == model.Return && e.ID == h.Events[begin].ID:
			return hits
		case e.Kind == model.TaskCreated:
			made = true
		case e.Kind == model.Call:
			hits[string(e.Op)+" in start"]++
			if made {
				hits[string(e.Op)+" after the process was made"]++
			}
		}
	}
	return hits
}
