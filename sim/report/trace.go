package report

import (
	"fmt"
	"strings"
)

// Trace is what the goroutines of one execution did, in order.
type Trace struct {
	Lanes []string // names of the goroutines, indexed by Step.Lane
	Steps []Step
}

// Step is one thing that one goroutine did.
type Step struct {
	Lane      int    `json:"lane"`
	Op        string `json:"op,omitempty"`        // "lock", "send", "point", "log", "start", "exit", "timer", "choose", ...
	Text      string `json:"text,omitempty"`      // what to print: "tasks.Start/after-effect c1"; Op if empty
	Site      string `json:"site,omitempty"`      // short position, file.go:123
	Object    string `json:"object,omitempty"`    // numbered object, "m1"; may be empty
	Switch    bool   `json:"switch,omitempty"`    // another goroutine runs next although this one could go on: a preemption
	Blocked   bool   `json:"blocked,omitempty"`   // the goroutine blocks here, until its next step
	Necessary bool   `json:"necessary,omitempty"` // without this preemption or choice there is no failure
	Visible   bool   `json:"visible,omitempty"`   // worth a row (points, logs, named operations)
	Time      int64  `json:"time,omitempty"`      // virtual nanoseconds since the start

	// After is the steps of other goroutines, by ascending index, that this one
	// depends on directly; the one before it in its own lane goes without
	// saying. A step takes effect when its goroutine next runs, so those on
	// which one depends that was preempted or blocked may be further down.
	After []int `json:"after,omitempty"`
}

// label is the text of the step in the table.
func (s Step) label() string {
	text := cleanLine(s.Text)
	if text == "" {
		text = cleanLine(s.Op)
	}
	if text == "" {
		text = "·"
	}
	if object := cleanLine(s.Object); object != "" && !containsWord(text, object) {
		text += " " + object
	}
	if s.Blocked {
		text += " (blocks)"
	}
	return strings.TrimSpace(text)
}

func containsWord(text, word string) bool {
	for field := range strings.FieldsSeq(text) {
		if strings.Trim(field, "(),:;") == word {
			return true
		}
	}
	return false
}

// laneName is the name of a lane, also of one that has none.
func (t Trace) laneName(lane int) string {
	if lane >= 0 && lane < len(t.Lanes) {
		if name := cleanLine(t.Lanes[lane]); name != "" {
			return name
		}
	}
	return fmt.Sprintf("goroutine %d", lane)
}
