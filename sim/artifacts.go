package sim

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/startrace/startrace/sim/report"
	"github.com/startrace/startrace/sim/schedule"
)

// attributes tells go test -json what an exploration did.
func attributes(t testing.TB, r Report) {
	t.Attr("sim.strategy", r.Strategy)
	t.Attr("sim.executions", strconv.Itoa(r.Executions))
	t.Attr("sim.distinct", strconv.Itoa(r.Distinct))
	if r.Found != nil {
		t.Attr("sim.token", r.Found.Schedule.Token())
	}
}

// artifacts tells whether go test has the flag -artifacts.
func artifacts() bool {
	f := flag.Lookup("test.artifacts")
	return f != nil && f.Value.String() == "true"
}

// keepFound leaves a failure in the directory for artifacts of the test.
func keepFound(t testing.TB, r Report) {
	if artifacts() {
		keep(t, r.Found.Page(r), r.Found.Schedule)
	}
}

// keepReplayed is keepFound for a schedule that was replayed.
func keepReplayed(t testing.TB, res Result, s schedule.Schedule, body func(*T)) {
	if !artifacts() {
		return
	}
	near, err := newRunner(t, body).passing(Config{Name: t.Name()}, s)
	if err != nil {
		t.Errorf("artifacts: %v", err)
	}
	keep(t, res.Page(near), s)
}

func keep(t testing.TB, p report.Page, s schedule.Schedule) {
	dir := t.ArtifactDir()
	for name, write := range map[string]func(io.Writer) error{
		"trace.jsonl": p.Trace.JSONL,
		"trace.html":  func(w io.Writer) error { return report.HTML(w, p) },
	} {
		if err := writeFile(filepath.Join(dir, name), write); err != nil {
			t.Errorf("artifacts: %v", err)
		}
	}
	if err := s.WriteFile(filepath.Join(dir, "schedule.txt")); err != nil {
		t.Errorf("artifacts: %v", err)
	}
}

func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := write(f); err != nil {
		_ = f.Close()
		return fmt.Errorf("%s: %w", name, err)
	}
	return f.Close()
}
