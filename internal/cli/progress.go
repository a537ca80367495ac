package cli

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/startrace/startrace/sim"
)

// progress shows how far an exploration is: one line that changes on a
// terminal, a line now and then elsewhere.
type progress struct {
	out      io.Writer
	budget   int // executions
	terminal bool
	last     time.Time
}

// plainEvery is the time between the lines where there is no terminal.
var plainEvery = 5 * time.Second

func newProgress(out io.Writer, budget int) *progress {
	p := &progress{out: out, budget: budget, last: time.Now()}
	if f, ok := out.(*os.File); ok {
		info, err := f.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
	}
	return p
}

func (p *progress) show(r sim.Report) {
	text := fmt.Sprintf("%s: %d of %d executions, %d distinct, %.0f/s", r.Name, r.Executions, p.budget, r.Distinct, float64(r.Executions)/r.Elapsed.Seconds())
	switch {
	case p.terminal:
		fmt.Fprintf(p.out, "\r\x1b[K%s", text)
	case time.Since(p.last) > plainEvery:
		p.last = time.Now()
		fmt.Fprintln(p.out, text)
	}
}

func (p *progress) clear() {
	if p.terminal {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
