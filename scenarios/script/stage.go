package script

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/startrace/startrace/scenarios"
	"github.com/startrace/startrace/sim"
)

// stage is a run of a story.
type stage struct {
	world   *scenarios.World
	names   []string // of the containers
	gates   *gates
	calls   map[string]*call
	running []*call // in the order in which they were made

	out   strings.Builder
	unmet int
}

// call is something that goes on in background until the story lets it.
type call struct {
	label  string
	begin  chan struct{} // closed when it may begin
	done   chan struct{} // closed when it has returned
	cancel context.CancelFunc
	err    error // to be read when done is closed

	wanted want

	begun, told bool
	lost        bool // in a crash
}

// want is what the story has of an answer.
type want struct {
	class string // of the error; "" for success
	may   bool   // success is as good
}

// anyClass is the class of an error of which the story only says that there may be one.
const anyClass = "any"

// moment is how long a step gets to have all its effects, in virtual time: until
// everybody waits for something that the story or a timer has to bring.
const moment = time.Millisecond

// patience is how long the story waits for a call to return.
const patience = time.Hour

func (s *stage) printf(format string, args ...any) { fmt.Fprintf(&s.out, format+"\n", args...) }

// unmetf prints that something is not as the story has it.
func (s *stage) unmetf(format string, args ...any) {
	s.unmet++
	s.printf("! "+format, args...)
}

// settle lets everybody go on until he waits, and prints what has returned.
func (s *stage) settle() {
	time.Sleep(moment)
	for _, c := range s.running {
		if c.returned() && !c.told {
			s.tell(c)
		}
	}
}

// tell prints what a call returned.
func (s *stage) tell(c *call) {
	c.told = true
	text, class := "ok", ""
	if c.err != nil {
		text, class = scenarios.ErrorText(c.err), scenarios.ErrorClass(c.err)
	}
	switch {
	case c.lost && c.err != nil:
		s.printf("%s is lost in the crash", c.label)
	case class == c.wanted.class, c.wanted.may && (class == "" || c.wanted.class == anyClass):
		s.printf("%s: %s", c.label, text)
	case c.wanted.class == "":
		s.unmetf("%s: %s", c.label, text)
	default:
		s.unmetf("%s: %s (and should fail: %s)", c.label, text, c.wanted.class)
	}
}

func (c *call) returned() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// prepare makes a call that begins when the story says so.
func (s *stage) prepare(label string, wanted want, do func(context.Context) error) *call {
	ctx, cancel := context.WithCancel(context.WithValue(s.world.Context(), labelKey{}, label))
	c := &call{label: label, begin: make(chan struct{}), done: make(chan struct{}), cancel: cancel, wanted: wanted}
	s.calls[label] = c
	s.running = append(s.running, c)
	sim.Go(label, func() {
		defer close(c.done)
		<-c.begin
		c.err = do(ctx)
	})
	return c
}

// release lets a call go on from where it is.
func (s *stage) release(c *call) {
	if !c.begun {
		c.begun = true
		close(c.begin)
	}
	s.gates.release(func(g *gate) bool { return g.label == c.label && g.has() })
}

// await waits for a call to return, and prints what it did.
func (s *stage) await(c *call) {
	s.gates.release(func(g *gate) bool { return g.label == c.label })
	s.release(c)
	select {
	case <-c.done:
		if !c.told {
			s.tell(c)
		}
	case <-time.After(patience):
		s.unmetf("%s does not return within %v", c.label, patience)
	}
	s.settle()
}

// named returns a text with the names of containers in place of their ids.
func (s *stage) named(text string) string {
	for _, name := range s.names {
		if id := s.world.ID(name); id != "" {
			text = regexp.MustCompile(regexp.QuoteMeta(id)+`\b`).ReplaceAllString(text, name)
		}
	}
	return text
}

// close lets everything end.
func (s *stage) close() {
	s.gates.release(func(*gate) bool { return true })
	for _, c := range s.running {
		if !c.begun {
			c.begun = true
			close(c.begin)
		}
	}
	deadline := time.After(patience)
	for _, c := range s.running {
		select {
		case <-c.done:
			if !c.told {
				s.tell(c)
			}
		case <-deadline:
			c.cancel()
			<-c.done
			s.unmetf("%s returns only when its caller gives up", c.label)
		}
		c.cancel()
	}
}
