package sim

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/startrace/startrace/sim/internal/ctl"
	"github.com/startrace/startrace/sim/schedule"
	"github.com/startrace/startrace/sim/strategy"
)

var flagLenient = flag.String("sim.lenient", os.Getenv("SIM_LENIENT"), "with -sim.replay, for a program that was edited: the `turns` of the schedule, as a failure prints them")

// maxLenient limits how many turns a failure prints.
const maxLenient = 32

// turnsOf returns the deviations of a logged execution from the default
// schedule as turns, which keep their meaning when points come or go elsewhere.
func turnsOf(log []ctl.Event) (turns []ctl.Turn) {
	for _, e := range log {
		if e.NAlts > 1 && e.Choice != 0 {
			turns = append(turns, turnOf(e))
		}
	}
	return turns
}

func turnOf(e ctl.Event) ctl.Turn {
	t := ctl.Turn{From: e.From, Point: e.Point, To: e.To}
	if e.Kind == ctl.KChoose || e.Kind == ctl.KCase {
		t.To = uint32(e.Choice)
	}
	return t
}

// formatTurns writes turns as "1.5.2,3.1.1": goroutine 1 hands over to 2 at its
// fifth point, and so on.
func formatTurns(turns []ctl.Turn) string {
	words := make([]string, len(turns))
	for i, t := range turns {
		words[i] = fmt.Sprintf("%d.%d.%d", t.From, t.Point, t.To)
	}
	return strings.Join(words, ",")
}

func parseTurns(text string) ([]ctl.Turn, error) {
	var turns []ctl.Turn
	for word := range strings.SplitSeq(text, ",") {
		parts := strings.Split(word, ".")
		if len(parts) != 3 {
			return nil, fmt.Errorf("-sim.lenient: %q is no turn as 1.5.2", word)
		}
		var n [3]uint32
		for i, p := range parts {
			v, err := strconv.ParseUint(p, 10, 32)
			if err != nil {
				return nil, fmt.Errorf("-sim.lenient: %q is no turn as 1.5.2: %w", word, err)
			}
			n[i] = uint32(v)
		}
		turns = append(turns, ctl.Turn{From: n[0], Point: n[1], To: n[2]})
	}
	return turns, nil
}

// afterEdit is the command that replays a failure when the program was edited;
// "" if there are no turns to tell, or too many.
func (f *Found) afterEdit() string {
	if len(f.turns) == 0 || len(f.turns) > maxLenient || len(f.Commands) == 0 {
		return ""
	}
	token := "-sim.replay=" + f.Schedule.Token()
	return strings.Replace(f.Commands[0], token, token+" -sim.lenient="+formatTurns(f.turns), 1) + "   # after an edit"
}

// replayLenient fails tb if body fails with these turns, and says where the
// execution first left the recorded one.
func replayLenient(tb testing.TB, cfg Config, s schedule.Schedule, turns []ctl.Turn, body func(*T)) {
	tb.Helper()
	r := newRunner(tb, body)
	warmUp(cfg, r.run)
	cfg, err := cfg.replaying(s)
	if err != nil {
		tb.Fatal(err)
	}
	cfg.Plan, cfg.turns, cfg.Trace = strategy.Replay{}.At(0), turns, true
	var res Result
	for range replayAttempts {
		last := res.Hash()
		if res = r.run(cfg); res.Hash() == last {
			break
		}
	}
	note := "the execution is the recorded one"
	if res.Hash() != s.Hash {
		note = res.left(turns, s.Deviations())
	}
	r.necessary(cfg, res)
	if res.Failure != nil {
		tb.Fatal(note + "\n" + res.Text())
	}
	tb.Logf("replayed %d points; nothing failed; %s", res.Points, note)
}

// left says where the execution leaves the recorded one, whose turns are at
// these decisions: at the first turn that it does not take, or before the first
// one that it comes to earlier or later.
func (r Result) left(turns []ctl.Turn, recorded []schedule.Deviation) string {
	taken := map[ctl.Turn]int{} // at which decision
	decision := 0
	for _, e := range r.log {
		if e.NAlts > 1 {
			taken[turnOf(e)] = decision
			decision++
		}
	}
	moved := ""
	for i, t := range turns {
		at, ok := taken[t]
		if !ok {
			return fmt.Sprintf("leaves the recorded execution at turn %d of %d: %s does not hand over to %s at its point %d",
				i+1, len(turns), r.lane(t.From), r.lane(t.To), t.Point)
		}
		if moved == "" && i < len(recorded) && at != recorded[i].Index {
			moved = fmt.Sprintf("before turn %d, where %s hands over to %s: that is decision %d and not %d",
				i+1, r.lane(t.From), r.lane(t.To), at+1, recorded[i].Index+1)
		}
	}
	if moved == "" {
		moved = "after the last of them"
	}
	return fmt.Sprintf("takes all %d turns of the recorded execution, and leaves it %s", len(turns), moved)
}

func (r Result) lane(id uint32) string {
	if int(id) < len(r.Trace.Lanes) {
		return r.Trace.Lanes[id]
	}
	return fmt.Sprintf("g%d", id)
}
