package failpoint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Plan says what goes wrong where. Its text is
//
//	plan   = rule { ";" rule }
//	rule   = site "=" term { "->" term }
//	term   = [ percent "%" ] [ count "*" ] action [ "(" argument ")" ]
//
// with spaces and line ends between rules, as in
//
//	tasks.Start/after-effect=1*off->1*error(unavailable)->2*delay(10ms)->panic;
//	event/tasks/exit=5%drop
//
// Terms are those of FreeBSD's fail(9) and of containerd's
// internal/failpoint/fail.go: each time that the site is passed, the first term
// that is not used up and whose percentage hits is executed. A count says how
// often a term is executed before it is used up; without one it always is.
// Percentages are drawn by who executes the plan.
//
// A site is a phase of a call, "tasks.Start/before-effect", "/after-effect" or
// "/reply", the first of them if none is named, or one of the sites listed in
// docs/fake.md. An asterisk in a site stands for any text. Of several rules that
// match, the first that executes something wins.
type Plan []Rule

// Rule is what happens at a site, or at all sites that match a pattern.
type Rule struct {
	Site  string
	Terms []Term
}

// Term is one alternative of a rule.
type Term struct {
	Percent float64 // of the times it is evaluated; 0: always
	Count   int     // executions before it is used up; 0: no limit
	Action
}

// Action is what is done at a site.
type Action struct {
	Name string // as in the table of docs/fake.md
	Arg  string // without the parentheses
}

// maxCount and maxRules keep a plan within what a run can use.
const (
	maxCount = 1_000_000
	maxRules = 1000
)

// String returns the text of p, which Parse reads back.
func (p Plan) String() string {
	rules := make([]string, len(p))
	for i, r := range p {
		rules[i] = r.String()
	}
	return strings.Join(rules, ";")
}

// String returns the text of r.
func (r Rule) String() string {
	terms := make([]string, len(r.Terms))
	for i, t := range r.Terms {
		terms[i] = t.String()
	}
	return r.Site + "=" + strings.Join(terms, "->")
}

// String returns the text of t.
func (t Term) String() string {
	var b strings.Builder
	if t.Percent != 0 {
		b.WriteString(strconv.FormatFloat(t.Percent, 'f', -1, 64) + "%")
	}
	if t.Count != 0 {
		fmt.Fprintf(&b, "%d*", t.Count)
	}
	b.WriteString(t.Action.String())
	return b.String()
}

// String returns the text of a.
func (a Action) String() string {
	if a.Arg == "" {
		return a.Name
	}
	return a.Name + "(" + a.Arg + ")"
}

// Parse reads the text of a plan. An error names the column and what is
// wrong there. An empty text is an empty plan.
func Parse(text string) (Plan, error) {
	p := &planParser{text: text}
	var plan Plan
	seen := map[string]bool{}
	for p.space(); p.at < len(text); p.space() {
		start := p.at
		r, err := p.rule()
		if err != nil {
			return nil, err
		}
		if seen[r.Site] {
			return nil, p.errorf(start, "site %s stands there twice", r.Site)
		}
		if len(plan) == maxRules {
			return nil, p.errorf(start, "more than %d rules", maxRules)
		}
		seen[r.Site] = true
		plan = append(plan, r)
		p.space()
		if p.at < len(text) && !p.take(";") {
			return nil, p.errorf(p.at, "after a term comes -> or ;")
		}
	}
	return plan, nil
}

// MustParse is Parse for plans in a program. It panics on errors.
func MustParse(text string) Plan {
	plan, err := Parse(text)
	if err != nil {
		panic(err)
	}
	return plan
}

// planParser reads from left to right, a byte at a time.
type planParser struct {
	text string
	at   int
}

func (p *planParser) errorf(at int, format string, args ...any) error {
	return fmt.Errorf("fault plan %q, column %d: %s", p.text, at+1, fmt.Sprintf(format, args...))
}

func (p *planParser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

func (p *planParser) take(s string) bool {
	if !strings.HasPrefix(p.text[p.at:], s) {
		return false
	}
	p.at += len(s)
	return true
}

// while takes the bytes that satisfy ok.
func (p *planParser) while(ok func(byte) bool) string {
	from := p.at
	for p.at < len(p.text) && ok(p.text[p.at]) {
		p.at++
	}
	return p.text[from:p.at]
}

func letter(b byte) bool  { return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' }
func digit(b byte) bool   { return '0' <= b && b <= '9' }
func inSite(b byte) bool  { return letter(b) || digit(b) || strings.IndexByte("./_-*", b) >= 0 }
func decimal(b byte) bool { return digit(b) || b == '.' }

func (p *planParser) rule() (Rule, error) {
	start := p.at
	r := Rule{Site: p.while(inSite)}
	if r.Site == "" {
		return r, p.errorf(start, "a site is missing, as tasks.Start/reply")
	}
	if !p.take("=") {
		return r, p.errorf(p.at, "after a site comes =")
	}
	for {
		from := p.at
		t, err := p.term()
		if err != nil {
			return r, err
		}
		if err := Fits(r.Site, t.Action); err != nil {
			return r, p.errorf(from, "%v", err)
		}
		r.Terms = append(r.Terms, t)
		if !p.take("->") {
			return r, nil
		}
	}
}

func (p *planParser) term() (Term, error) {
	var t Term
	from := p.at
	number := p.while(decimal)
	if number != "" && p.take("%") {
		v, err := strconv.ParseFloat(number, 64)
		if err != nil || v <= 0 || v > 100 {
			return t, p.errorf(from, "%q is no percentage: it is more than 0 and at most 100", number)
		}
		t.Percent = v
		from = p.at
		number = p.while(digit)
	}
	if number != "" {
		v, err := strconv.Atoi(number)
		if err != nil || v < 1 || v > maxCount || !p.take("*") {
			return t, p.errorf(from, "%q is no count: it is a number from 1 to %d Before *", number, maxCount)
		}
		t.Count = v
	}
	from = p.at
	t.Name = p.while(letter)
	if t.Name == "" {
		return t, p.errorf(from, "an action is missing: there are %s", strings.Join(actionNames(), ", "))
	}
	if p.take("(") {
		end := strings.IndexByte(p.text[p.at:], ')')
		if end <= 0 {
			return t, p.errorf(p.at, "an argument or its ) is missing")
		}
		t.Arg = p.text[p.at : p.at+end]
		p.at += end + 1
	}
	if err := t.Action.check(); err != nil {
		return t, p.errorf(from, "%v", err)
	}
	return t, nil
}

// Duration returns the argument as a time; 0 if it is none.
func (a Action) Duration() time.Duration {
	d, _ := duration(a.Arg)
	return d
}

// Code returns the argument as an exit code; 0 if it is none.
func (a Action) Code() uint32 {
	n, _ := strconv.ParseUint(a.Arg, 10, 8)
	return uint32(n)
}

// duration reads a time as Go prints it, or a number of milliseconds, as
// containerd's failpoints have it.
func duration(text string) (time.Duration, error) {
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(n) * time.Millisecond, nil
	}
	return time.ParseDuration(text)
}

// check returns an error unless there is such an action with such an argument.
func (a Action) check() error {
	kind, ok := actions[a.Name]
	if !ok {
		return fmt.Errorf("unknown action %q: there are %s", a.Name, strings.Join(actionNames(), ", "))
	}
	switch {
	case a.Arg == "" && (kind.arg == noArg || kind.optional):
		return nil
	case a.Arg == "":
		return fmt.Errorf("%s needs an argument: %s", a.Name, kind.arg)
	case kind.arg == noArg:
		return fmt.Errorf("%s takes no argument", a.Name)
	}
	switch kind.arg {
	case durationArg:
		if d, err := duration(a.Arg); err != nil || d < 0 && a.Name != "jump" {
			return fmt.Errorf("%q is no duration, as 10ms", a.Arg)
		}
	case numberArg:
		if _, err := strconv.ParseUint(a.Arg, 10, 8); err != nil {
			return fmt.Errorf("%q is no number from 0 to 255", a.Arg)
		}
	case orderArg:
		_, err := ParseOrder(a.Arg)
		return err
	}
	return nil
}

// actionNames returns the names of all actions, sorted.
func actionNames() []string {
	names := make([]string, 0, len(actions))
	for name := range actions {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
