package scenarios

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/startrace/startrace/fakes/failpoint"
)

// The texts of errors about what may stand somewhere.
const (
	operations = "an operation is create, start, stop[=DURATION], remove, status, update, exec[=DURATION], exit[=CODE], oom or hang, " +
		"with CONTAINER. before it, stopsandbox or removesandbox, or list, watch[=DURATION], stall, crash, restart or giveup"
	conditions = "a condition is faults=BUDGET[:CALL,...], plan={PLAN}, loss, ignoreterm, running, pause or hooks"
)

// maxFaults is the largest budget of faults: each makes executions longer.
const maxFaults = 100

// ParseWorkload reads the text of a workload; see Workload. Errors name the
// column and say what may stand there.
func ParseWorkload(text string) (Workload, error) {
	p := &parser{text: text}
	parts := p.split(span{0, len(text)}, ';')
	var w Workload
	for _, part := range p.split(parts[0], '|') {
		op, err := p.operation(part)
		if err != nil {
			return Workload{}, err
		}
		w.Ops = append(w.Ops, op)
	}
	if err := w.createdOnce(); err != nil {
		return Workload{}, p.errorf(parts[0], "%v", err)
	}
	seen := map[string]bool{}
	for _, part := range parts[1:] {
		name, err := p.condition(part, &w)
		if err != nil {
			return Workload{}, err
		}
		if seen[name] {
			return Workload{}, p.errorf(part, "%s stands there twice", name)
		}
		seen[name] = true
	}
	return w, nil
}

var validName = regexp.MustCompile(`^[a-z][a-z0-9]{0,15}$`)

// createdOnce returns an error if a container has two operations that create it.
func (w Workload) createdOnce() error {
	seen := map[place]bool{}
	for _, op := range w.Ops {
		if op.Kind != Create {
			continue
		}
		if seen[op.place()] {
			return fmt.Errorf("%s stands there twice", op.name())
		}
		seen[op.place()] = true
	}
	return nil
}

type parser struct{ text string }

// span is a part of the text, from a byte to before another.
type span struct{ from, to int }

func (p *parser) of(s span) string { return p.text[s.from:s.to] }

func (p *parser) errorf(at span, format string, args ...any) error {
	return fmt.Errorf("workload %q, column %d: %s", p.text, at.from+1, fmt.Sprintf(format, args...))
}

// split returns the parts between separators, without spaces around them. What
// stands in braces is one part.
func (p *parser) split(s span, separator byte) []span {
	var parts []span
	from, braced := s.from, false
	for i := s.from; i < s.to; i++ {
		switch c := p.text[i]; {
		case c == '{':
			braced = true
		case c == '}':
			braced = false
		case c == separator && !braced:
			parts = append(parts, p.trim(span{from, i}))
			from = i + 1
		}
	}
	return append(parts, p.trim(span{from, s.to}))
}

func (p *parser) trim(s span) span {
	s.from = s.to - len(strings.TrimLeft(p.of(s), " \t\n"))
	s.to = s.from + len(strings.TrimRight(p.of(s), " \t\n"))
	return s
}

// cut splits at the first separator. found is false if there is none.
func (p *parser) cut(s span, separator byte) (before, after span, found bool) {
	n := strings.IndexByte(p.of(s), separator)
	if n < 0 {
		return s, span{s.to, s.to}, false
	}
	return p.trim(span{s.from, s.from + n}), p.trim(span{s.from + n + 1, s.to}), true
}

func (p *parser) operation(s span) (Op, error) {
	head, value, valued := p.cut(s, '=')
	op, err := p.subject(head)
	if err != nil {
		return op, err
	}
	switch {
	case op.Kind == "":
		return op, p.errorf(s, "an operation is missing: %s", operations)
	case !op.Kind.known():
		return op, p.errorf(s, "unknown operation %q: %s", op.Kind, operations)
	case op.Container != "" && !op.Kind.onContainer():
		return op, p.errorf(s, "%s is not about a container", op.Kind)
	case op.Sandbox != "" && op.Kind.onAll():
		return op, p.errorf(s, "%s is not about a sandbox", op.Kind)
	case !valued:
	case op.Kind.lasts():
		op.Timeout, err = time.ParseDuration(p.of(value))
		if err != nil || op.Timeout < 0 || op.Timeout%time.Second != 0 {
			return op, p.errorf(value, "%q is no duration: it is a number of whole seconds, as 10s", p.of(value))
		}
	case op.Kind == Exit:
		code, err := strconv.ParseUint(p.of(value), 10, 8)
		if err != nil {
			return op, p.errorf(value, "%q is no exit code: it is a number from 0 to 255", p.of(value))
		}
		op.Code = uint8(code)
	default:
		return op, p.errorf(value, "%s takes no value", op.Kind)
	}
	return op, nil
}

// subject reads an operation without its value.
func (p *parser) subject(s span) (op Op, err error) {
	if sandbox, rest, named := p.cut(s, ':'); named {
		if op.Sandbox, err = p.name(sandbox, "sandbox"); err != nil {
			return op, err
		}
		s = rest
	}
	if container, rest, named := p.cut(s, '.'); named {
		if op.Container, err = p.name(container, "container"); err != nil {
			return op, err
		}
		s = rest
	}
	op.Kind = OpKind(p.of(s))
	return op, nil
}

func (p *parser) name(s span, of string) (string, error) {
	name := p.of(s)
	if !validName.MatchString(name) {
		return "", p.errorf(s, "%q is no name of a %s: it is a lower-case letter and up to 15 more of them or digits", name, of)
	}
	return name, nil
}

// condition adds a condition to w and returns its name.
func (p *parser) condition(s span, w *Workload) (string, error) {
	head, value, valued := p.cut(s, '=')
	name := p.of(head)
	switch name {
	case "faults":
		if !valued {
			return name, p.errorf(s, "faults needs a budget, as faults=2")
		}
		return name, p.faults(value, w)
	case "plan":
		return name, p.plan(value, w)
	case "loss":
		w.Loss = true
	case "ignoreterm":
		w.IgnoreTerm = true
	case "running":
		w.Running = true
	case "pause":
		w.Pause = true
	case "hooks":
		w.Hooks = true
	case "":
		return name, p.errorf(s, "a condition is missing: %s", conditions)
	default:
		return name, p.errorf(s, "unknown condition %q: %s", name, conditions)
	}
	if valued {
		return name, p.errorf(value, "%s takes no value", name)
	}
	return name, nil
}

func (p *parser) plan(s span, w *Workload) error {
	text := p.of(s)
	if len(text) < 2 || text[0] != '{' || strings.IndexByte(text, '}') != len(text)-1 || strings.LastIndexByte(text, '{') != 0 {
		return p.errorf(s, "plan needs a plan in braces, as plan={tasks.Start=1*error(unavailable)}")
	}
	plan, err := failpoint.Parse(text[1 : len(text)-1])
	if err != nil {
		return p.errorf(s, "%v", err)
	}
	if len(plan) == 0 {
		return p.errorf(s, "an empty plan")
	}
	w.Plan = plan.String()
	return nil
}

func (p *parser) faults(s span, w *Workload) error {
	number, calls, named := p.cut(s, ':')
	n, err := strconv.Atoi(p.of(number))
	if err != nil || n < 1 || n > maxFaults {
		return p.errorf(number, "%q is no budget: it is the number of calls that may fail, from 1 to %d", p.of(number), maxFaults)
	}
	w.Faults = n
	if !named {
		return nil
	}
	for _, c := range p.split(calls, ',') {
		call := p.of(c)
		switch {
		case !slices.Contains(FaultCalls(), call):
			return p.errorf(c, "%q is no call that can fail: these can: %s", call, strings.Join(FaultCalls(), ", "))
		case slices.Contains(w.FaultCalls, call):
			return p.errorf(c, "%s stands there twice", call)
		}
		w.FaultCalls = append(w.FaultCalls, call)
	}
	return nil
}
