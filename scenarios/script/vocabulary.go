package script

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/startrace/startrace/scenarios"
)

// command is a word that a step may begin with.
type command struct {
	usage   string // what comes after the word
	doc     string // one sentence
	example string // a step
	// parse reads the rest of a line and returns what it does.
	parse func(*args) (step, error)
}

// step is what a line of the story does.
type step func(*stage)

// families are the groups of the vocabulary, each in a file of its own.
var families = []struct {
	name     string
	commands map[string]command
}{
	{"The world", worldCommands},
	{"Calls of the service", callCommands},
	{"Order", orderCommands},
	{"Processes, shims, the daemon", runtimeCommands},
	{"What goes wrong", faultCommands},
	{"Looking", lookCommands},
}

// vocabulary returns all commands.
func vocabulary() map[string]command {
	all := map[string]command{}
	for _, f := range families {
		maps.Copy(all, f.commands)
	}
	return all
}

// args reads the words of a line.
type args struct {
	p    *parser
	text string
	pos  int // behind what was read
	at   int // column of the word that was read last, from 1
}

// word returns the next word, "" at the end.
func (a *args) word() string {
	for a.pos < len(a.text) && a.text[a.pos] == ' ' {
		a.pos++
	}
	a.at = a.pos + 1
	from := a.pos
	for a.pos < len(a.text) && a.text[a.pos] != ' ' {
		a.pos++
	}
	return a.text[from:a.pos]
}

// rest returns what is left of the line.
func (a *args) rest() string {
	a.word()
	rest := strings.TrimSpace(a.text[a.at-1:])
	a.pos = len(a.text)
	return rest
}

func (a *args) errorf(format string, v ...any) error { return a.p.errorf(a.at, format, v...) }

// end returns an error if something is left.
func (a *args) end() error {
	if w := a.word(); w != "" {
		return a.errorf("%q is too much here", w)
	}
	return nil
}

// fixed reads a word that has to be there.
func (a *args) fixed(want string) error {
	if w := a.word(); w != want {
		return a.errorf("there has to be %q, not %q", want, w)
	}
	return nil
}

// option reads "name=value" for one of the names, or, for names that end in "=" not,
// the bare word. ok is false at the end of the line.
func (a *args) option() (name, value string, ok bool) {
	w := a.word()
	if w == "" {
		return "", "", false
	}
	name, value, _ = strings.Cut(w, "=")
	return name, value, true
}

// container reads the name of a container that the story has.
func (a *args) container() (string, error) {
	name := a.word()
	if slices.Contains(slices.Concat(a.p.s.Containers, a.p.s.Later), name) {
		return name, nil
	}
	if name == "" {
		return "", a.errorf("the name of a container is missing")
	}
	return "", a.errorf("there is no container %q: say \"container %s\" first", name, name)
}

// op reads the name of a call that the story has.
func (a *args) op() (string, error) {
	name := a.word()
	if !a.p.ops[name] {
		return "", a.errorf("no call is named %q: a step names one with \"as %s\"", name, name)
	}
	return name, nil
}

func (a *args) duration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, a.errorf("%q is no duration, as 10s", text)
	}
	return d, nil
}

func (a *args) number(text string, low, high int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		return 0, a.errorf("%q is no number from %d to %d", text, low, high)
	}
	return n, nil
}

// need says what the world has to be ready for.
func (a *args) need(k scenarios.OpKind) { a.p.s.kinds = append(a.p.s.kinds, k) }

// Command describes a word of the vocabulary.
type Command struct {
	Family  string // the group it belongs to
	Word    string
	Usage   string // what comes after the word
	Doc     string
	Example string
}

// Commands lists the vocabulary, by family.
func Commands() []Command {
	var all []Command
	for _, f := range families {
		for _, word := range sortedKeys(f.commands) {
			c := f.commands[word]
			all = append(all, Command{Family: f.name, Word: word, Usage: c.usage, Doc: c.doc, Example: c.example})
		}
	}
	return all
}
