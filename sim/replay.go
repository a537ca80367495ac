package sim

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/startrace/startrace/sim/report"
	"github.com/startrace/startrace/sim/schedule"
	"github.com/startrace/startrace/sim/strategy"
)

// ErrDiverged says that a schedule can't be replayed: the program is not the
// one that it was recorded with.
var ErrDiverged = errors.New("the schedule does not fit")

// replayAttempts limits how often a replay is tried. Each attempt may
// initialise a lazy global that had been initialised when the schedule was
// recorded, and so comes further than the one before.
const replayAttempts = 64

// Replay runs body with the choices of s and fails t if it fails, with the same
// report as Explore. It is strict: if the execution is not the recorded one,
// step by step, t fails with the reason.
func Replay(t testing.TB, s schedule.Schedule, body func(*T)) {
	t.Helper()
	name := s.Label
	if name == "" {
		name = t.Name()
	}
	res, err := replay(t, Config{Name: name}, s, body)
	if err != nil {
		t.Fatal(err)
	}
	if res.Failure != nil {
		keepReplayed(t, res, s, body)
		t.Fatal(res.Text())
	}
	t.Logf("replayed %d points; nothing failed", res.Points)
}

// Reproduce is Replay for programs. The result has a trace.
func Reproduce(cfg Config, s schedule.Schedule, body func(*T)) (Result, error) {
	return replay(nil, cfg, s, body)
}

func replay(tb testing.TB, cfg Config, s schedule.Schedule, body func(*T)) (Result, error) {
	r := newRunner(tb, body)
	warmUp(cfg, r.run)
	cfg, err := cfg.replaying(s)
	if err != nil {
		return Result{}, err
	}
	cfg.Trace = true
	var res Result
	last := uint64(0)
	for range replayAttempts {
		res = r.run(cfg)
		if res.Hash() == s.Hash || s.Hash == 0 && res.Hash() == last {
			r.necessary(cfg, res)
			return res, nil
		}
		if res.Hash() == last && s.Hash != 0 {
			break // nothing is initialised any more
		}
		last = res.Hash()
	}
	what := "it takes other steps than the recorded execution"
	if res.diverged {
		what = "it comes to a decision with fewer alternatives than the recorded choice needs"
	}
	return res, fmt.Errorf("%w: %s. Either the program or the Go release is another one, or the program depends on something outside of the schedule (%d points here, %d decisions, %d choices recorded)",
		ErrDiverged, what, res.Points, res.Decisions, len(s.Choices))
}

// Text is the report of a failed execution that was replayed.
func (r Result) Text() string {
	if r.Failure == nil {
		return ""
	}
	return text(r.report())
}

// necessary marks the choices of a failed execution that the failure needs, if
// they are not too many to try.
func (r *runner) necessary(cfg Config, res Result) {
	if res.Failure == nil || res.Failure.Kind == DataRace { // reported once in a process
		return
	}
	deviations := res.Schedule.Deviations()
	if len(deviations) > maxNecessary {
		return
	}
	cfg.Trace, cfg.turns = false, nil
	mark(res, deviations, schedule.Necessary(res.Schedule, func(c schedule.Schedule) (schedule.Schedule, bool) {
		cfg.Plan = strategy.Plan{Name: "replay", Replay: c.Choices}
		again := r.run(cfg)
		return again.Schedule, res.Failure.same(again)
	}))
}

func (r Result) report() report.Failure {
	facts := []string{fmt.Sprintf("replayed: %d points, %d decisions, %d preemptions", r.Points, r.Decisions, r.Preemptions)}
	return newReport(r.Failure, r.Trace, append(facts, r.facts()...), nil)
}

// readSchedule reads a token, or a file with a token or a schedule.
func readSchedule(text string) (schedule.Schedule, error) {
	if _, err := os.Stat(text); err == nil {
		return schedule.ReadFile(text)
	}
	s, err := schedule.Parse(text)
	if errors.Is(err, schedule.ErrNotToken) {
		err = fmt.Errorf("%w, and there is no such file", err)
	}
	return s, err
}
