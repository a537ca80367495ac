package nightly

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/startrace/startrace/internal/results"
)

// The files of the artifacts.
const (
	roundsFile   = "results.jsonl"
	junitFile    = "junit.xml"
	failuresDir  = "failures"
	historyFile  = "history.txt"
	machineFile  = "environment.txt"
	commandFile  = "command.txt"
	artifactMode = 0o644
)

// ErrArtifacts is wrapped by errors of writing the artifacts.
var ErrArtifacts = errors.New("can't write the artifacts")

// artifacts are the files that a run leaves.
type artifacts struct {
	dir    string
	rounds *os.File
}

// newArtifacts makes the directory and removes what an earlier run has left in it.
func newArtifacts(dir string) (*artifacts, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, unwritten(err)
	}
	for _, name := range []string{results.FileName, junitFile} {
		err := os.Remove(filepath.Join(dir, name))
		if err == nil { // it was one of ours
			err = os.RemoveAll(filepath.Join(dir, failuresDir))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, unwritten(err)
		}
	}
	rounds, err := os.Create(filepath.Join(dir, roundsFile))
	if err != nil {
		return nil, unwritten(err)
	}
	return &artifacts{dir: dir, rounds: rounds}, nil
}

func unwritten(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrArtifacts, err)
}

// round writes a line of results.jsonl.
func (a *artifacts) round(r *Round) error { return unwritten(json.NewEncoder(a.rounds).Encode(r)) }

// failure writes the directory of a failure and returns the names of its files.
func (a *artifacts) failure(known *results.Failure, f Finding, machine string) (names []string, err error) {
	dir := filepath.Join(failuresDir, f.Signature)
	if err := os.MkdirAll(filepath.Join(a.dir, dir), 0o755); err != nil {
		return nil, unwritten(err)
	}
	for _, file := range []struct{ name, text string }{
		{historyFile, f.Detail},
		{machineFile, machine},
		{commandFile, known.Reproduce + "\n"},
	} {
		name := filepath.Join(dir, file.name)
		if err := os.WriteFile(filepath.Join(a.dir, name), []byte(file.text), artifactMode); err != nil {
			return nil, unwritten(err)
		}
		names = append(names, name)
	}
	return names, nil
}

// finish writes the result.
func (a *artifacts) finish(r *results.Result) error {
	err := a.rounds.Close()
	err = errors.Join(err, results.Write(a.dir, *r))
	data, xmlErr := junit(r)
	return unwritten(errors.Join(err, xmlErr, os.WriteFile(filepath.Join(a.dir, junitFile), data, artifactMode)))
}

// environmentText says what a finding was made on.
func environmentText(r *results.Result, version string, round int) string {
	var b strings.Builder
	line := func(name, value string) { fmt.Fprintf(&b, "%-11s %s\n", name, value) }
	line("target", r.Target)
	line("containerd", version)
	line("seed", fmt.Sprint(r.Seed))
	line("round", fmt.Sprint(round))
	line("command", r.Command)
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		line("kernel", unix.ByteSliceToString(u.Release[:])+" "+unix.ByteSliceToString(u.Machine[:]))
	}
	line("processors", fmt.Sprint(runtime.NumCPU()))
	line("go", runtime.Version())
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" || s.Key == "vcs.modified" {
				line(s.Key, s.Value)
			}
		}
	}
	return b.String()
}
