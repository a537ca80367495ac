package sim

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/startrace/startrace/sim/internal/ctl"
	"github.com/startrace/startrace/sim/report"
)

// smallTrace is the number of steps up to which a report shows all of them.
const smallTrace = 36

var opNames = map[uint8]string{
	ctl.KLock: "Lock", ctl.KUnlock: "Unlock", ctl.KRLock: "RLock", ctl.KRUnlock: "RUnlock",
	ctl.KTryLock: "TryLock", ctl.KWait: "Wait", ctl.KSignal: "Signal", ctl.KSend: "send",
	ctl.KRecv: "receive", ctl.KClose: "close", ctl.KSelect: "select", ctl.KGo: "go",
	ctl.KGosched: "Gosched", ctl.KAtomic: "atomic", ctl.KMap: "sync.Map", ctl.KPoint: "point",
	ctl.KChoose: "choose", ctl.KCase: "select case", ctl.KNote: "log", ctl.KName: "name",
	ctl.KAdd: "Add", ctl.KDone: "Done", ctl.KJoin: "Wait", ctl.KLoad: "load", ctl.KSpawn: "start", ctl.KTimer: "timer", ctl.KExit: "exit",
}

// tracer turns the log of an execution into a report's trace.
type tracer struct {
	c     *ctl.Config
	sites []string
	lanes []string // by goroutine number
	out   report.Trace
	marks []stepMark
	step  int // index of the choice
}

// stepMark says where a step of a trace comes from.
type stepMark struct {
	event    int // index in the log
	decision int // 1 + index in the schedule, 0 for none
	choice   int
}

func trace(c *ctl.Config, sites []string) (*report.Trace, []stepMark) {
	t := &tracer{c: c, sites: sites, lanes: make([]string, c.NGo+1)}
	t.names()
	t.out.Lanes = t.lanes
	for i := range c.Log[:c.NLog] {
		t.event(i)
	}
	t.visible()
	depend(c.Log[:c.NLog], int(c.NGo), t.marks, t.out.Steps)
	return &t.out, t.marks
}

// visible marks the steps that reports show: all of them if they are few, else
// what was logged and, if there is room, the named points.
func (t *tracer) visible() {
	steps := t.out.Steps
	named := 0
	for i := range steps {
		if steps[i].Visible {
			named++
		}
	}
	for i := range steps {
		switch {
		case len(steps) <= smallTrace:
			steps[i].Visible = true
		case named > smallTrace && steps[i].Op == opNames[ctl.KPoint]:
			steps[i].Visible = false
		}
	}
}

// names gives each goroutine its lane: the name that sim.Go set, or the
// function in which it starts.
func (t *tracer) names() {
	t.lanes[0] = "clock"
	used := map[string]int{}
	set := func(id uint32, name string) {
		if int(id) >= len(t.lanes) {
			return
		}
		used[name]++
		if n := used[name]; n > 1 {
			name = fmt.Sprintf("%s#%d", name, n)
		}
		t.lanes[id] = name
	}
	for i, e := range t.c.Log[:t.c.NLog] {
		switch {
		case e.Kind == ctl.KSpawn && e.To == 1:
			set(1, "main")
		case e.Kind == ctl.KSpawn:
			name := fmt.Sprintf("g%d", e.To)
			if frames := userFrames(t.stack(i)[:min(1, int(e.NPC))]); len(frames) > 0 {
				name = laneName(frames[0].Function)
			}
			set(e.To, name)
		case e.Kind == ctl.KName:
			used[t.lanes[e.From]]--
			set(e.From, t.label(e))
		}
	}
	for id, name := range t.lanes {
		if name == "" {
			t.lanes[id] = fmt.Sprintf("g%d", id)
		}
	}
}

// laneName makes "Start.func1" of "example.org/x/impl.(*Service).Start.func1".
func laneName(fn string) string {
	fn = shortFunc(fn)
	if i := strings.LastIndexByte(fn, ')'); i >= 0 {
		fn = fn[i+1:]
	} else if _, rest, ok := strings.Cut(fn, "."); ok {
		fn = rest
	}
	return strings.TrimPrefix(fn, ".")
}

func (t *tracer) label(e ctl.Event) string {
	if e.Label == 0 {
		return ""
	}
	return t.c.Labels[e.Label-1]
}

func (t *tracer) stack(i int) []uintptr {
	e := t.c.Log[i]
	return t.c.Stacks[i*ctl.Depth:][:e.NPC]
}

func (t *tracer) event(i int) {
	e := t.c.Log[i]
	if e.Flags&ctl.EventAside != 0 {
		return
	}
	mark := stepMark{event: i, choice: int(e.Choice)}
	if e.NAlts > 1 {
		t.step++
		mark.decision = t.step
	}
	if e.Kind == ctl.KName || e.Kind == ctl.KSpawn || e.Kind == ctl.KRoot || e.Kind == ctl.KGo && e.NAlts <= 1 {
		return
	}
	s := report.Step{Lane: int(e.From), Time: e.Now - bubbleStart}
	s.Site = t.site(userFrames(t.stack(i)))
	if e.Obj != 0 {
		s.Object = fmt.Sprintf("#%d", e.Obj)
	}
	t.describe(e, &s)
	runs := e.Kind < ctl.KPark
	s.Switch = runs && e.To != e.From && e.Kind != ctl.KGosched
	s.Blocked = e.Kind >= ctl.KPark && e.Kind < ctl.KSpawn
	if s.Switch && e.To == 0 {
		s.Text += " (a timer fires early)"
	}
	t.out.Steps = append(t.out.Steps, s)
	t.marks = append(t.marks, mark)
}

func (t *tracer) site(stack []runtime.Frame) string {
	for i, f := range stack {
		for _, prefix := range t.sites {
			if strings.HasPrefix(f.Function, prefix) {
				return site(stack[i:])
			}
		}
	}
	if len(stack) == 0 {
		return ""
	}
	return site(stack)
}

func (t *tracer) describe(e ctl.Event, s *report.Step) {
	label := t.label(e)
	s.Op = opNames[e.Kind]
	switch e.Kind {
	case ctl.KNote:
		s.Text, s.Visible = label, true
	case ctl.KPoint:
		s.Text, s.Visible = label, true
	case ctl.KChoose:
		s.Text = fmt.Sprintf("choose %s = %d", label, e.Choice)
		s.Visible = e.Choice != 0
	case ctl.KCase:
		s.Text = fmt.Sprintf("select takes ready case %d of %d", e.Choice+1, e.NAlts)
		s.Visible = e.Choice != 0
	case ctl.KExit:
		s.Text = "ends"
	default:
		if e.Kind >= ctl.KPark && e.Kind < ctl.KSpawn {
			s.Op = "blocks"
			s.Text = ctl.Reason(uint32(e.Kind - ctl.KPark))
			return
		}
		s.Text = strings.TrimSpace(s.Op + " " + s.Object)
	}
}
