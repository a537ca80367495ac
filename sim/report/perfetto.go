package report

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// traceEvent is an event of the Trace Event Format (Google, 2016), the JSON that
// Perfetto and chrome://tracing open.
type traceEvent struct {
	Name     string         `json:"name"`
	Phase    string         `json:"ph"`
	Process  int            `json:"pid"`
	Thread   int            `json:"tid"`
	At       int64          `json:"ts"` // microseconds
	Duration int64          `json:"dur,omitempty"`
	ID       int            `json:"id,omitempty"`
	Category string         `json:"cat,omitempty"`
	Binding  string         `json:"bp,omitempty"`
	Scope    string         `json:"s,omitempty"`
	Args     map[string]any `json:"args,omitempty"`
}

// stepTicks is how long a step is in the picture: time is the number of the
// step, since the virtual clock stands still most of the time.
const stepTicks = 1000

// Perfetto writes the trace as JSON that Perfetto and chrome://tracing open. A
// goroutine has two tracks: one of its steps, in slices from when it gets to
// run to when it no longer does, and one of its waits. Arrows lead from steps
// to those of other goroutines that depend on them; what was logged is an
// instant. A step takes 1 ms; virtual time is among the arguments.
func (t Trace) Perfetto(w io.Writer) error {
	p := perfetto{Trace: t, c: newCausality(t)}
	p.tracks()
	for i := range t.Steps {
		p.step(i)
	}
	err := json.NewEncoder(w).Encode(map[string]any{"traceEvents": p.events, "displayTimeUnit": "ms"})
	if err != nil {
		return fmt.Errorf("write Perfetto trace: %w", err)
	}
	return nil
}

type perfetto struct {
	Trace
	c      *causality
	events []traceEvent
	flows  int
}

func running(lane int) int { return 2*lane + 1 }
func waiting(lane int) int { return 2*lane + 2 }

// tracks names the tracks of the goroutines that do something.
func (p *perfetto) tracks() {
	named := map[int]bool{}
	name := func(thread int, name string) {
		if named[thread] {
			return
		}
		named[thread] = true
		p.add(traceEvent{Name: "thread_name", Phase: "M", Thread: thread, Args: map[string]any{"name": name}})
		p.add(traceEvent{Name: "thread_sort_index", Phase: "M", Thread: thread, Args: map[string]any{"sort_index": thread}})
	}
	p.add(traceEvent{Name: "process_name", Phase: "M", Args: map[string]any{"name": "execution"}})
	for i, s := range p.Steps {
		name(running(s.Lane), p.laneName(s.Lane))
		if p.waits(i) {
			name(waiting(s.Lane), p.laneName(s.Lane)+" (waits)")
		}
	}
}

func (p *perfetto) add(e traceEvent) {
	e.Process = 1
	p.events = append(p.events, e)
}

// waits tells whether a goroutine stops at a step for others.
func (p *perfetto) waits(i int) bool { return p.Steps[i].Blocked || p.Steps[i].Switch }

func (p *perfetto) step(i int) {
	s := p.Steps[i]
	if i == 0 || p.Steps[i-1].Lane != s.Lane {
		end := i + 1
		for end < len(p.Steps) && p.Steps[end].Lane == s.Lane {
			end++
		}
		p.add(traceEvent{Name: "runs", Phase: "X", Thread: running(s.Lane), At: int64(i) * stepTicks, Duration: int64(end-i) * stepTicks})
	}
	args := map[string]any{"step": i + 1}
	if site := cleanLine(s.Site); site != "" {
		args["site"] = site
	}
	if s.Time != 0 {
		args["virtual time"] = time.Duration(s.Time).String()
	}
	if s.Necessary {
		args["necessary"] = true
	}
	at := int64(i) * stepTicks
	e := traceEvent{Name: s.label(), Phase: "X", Thread: running(s.Lane), At: at, Duration: stepTicks, Args: args}
	if s.Op == "log" {
		e.Phase, e.Duration, e.Scope = "i", 0, "t"
	}
	p.add(e)
	if p.waits(i) {
		end := len(p.Steps)
		if next := p.c.next[i]; next >= 0 {
			end = next
		}
		name := "preempted"
		if s.Blocked {
			name = s.label()
		}
		if start := i + 1; end > start {
			p.add(traceEvent{Name: name, Phase: "X", Thread: waiting(s.Lane), At: int64(start) * stepTicks, Duration: int64(end-start) * stepTicks})
		}
	}
	for _, j := range s.After {
		p.flow(j, i)
	}
}

// flow is an arrow from where step j takes effect to where step i does. One that
// would lead back is left out.
func (p *perfetto) flow(j, i int) {
	if j < 0 || j >= len(p.Steps) {
		return
	}
	from, to := p.c.effect[j], p.c.effect[i]
	if from > to {
		from = j
	}
	if from >= to {
		return
	}
	p.flows++
	ends := traceEvent{Name: "happens before", Category: "order", ID: p.flows}
	ends.Phase, ends.Thread, ends.At = "s", running(p.Steps[j].Lane), int64(from)*stepTicks
	p.add(ends)
	ends.Phase, ends.Thread, ends.At, ends.Binding = "f", running(p.Steps[i].Lane), int64(to)*stepTicks, "e"
	p.add(ends)
}
