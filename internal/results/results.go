// Package results has the outcome of a search or a soak as a file, result.json, and
// joins those of many machines into one.
//
// It is no place for histories and pictures: a result names their files.
package results

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// FileName is the file of a result in its directory.
const FileName = "result.json"

// version is that of the file.
const version = 1

// The kinds of a result.
const (
	Explore = "explore" // a search under simulation
	Soak    = "soak"    // rounds on a real runtime
)

// Verdict is what a result comes to.
type Verdict string

// The verdicts, the worst first.
const (
	Violated       Verdict = "violated"       // what should hold does not
	Nondeterminism Verdict = "nondeterminism" // a replay was another execution
	Environment    Verdict = "environment"    // the machine kept it from its work
	Inconclusive   Verdict = "inconclusive"   // nothing was checked, or it was interrupted
	Clean          Verdict = "clean"          // whatever failed was known to fail
)

var verdicts = []Verdict{Violated, Nondeterminism, Environment, Inconclusive, Clean}

// Worse returns the worse one of two verdicts.
func Worse(a, b Verdict) Verdict {
	return verdicts[min(slices.Index(verdicts, a), slices.Index(verdicts, b))]
}

// Result is the outcome of a run, of one shard of it, or of several that were merged.
type Result struct {
	Version  int                `json:"version"`
	Kind     string             `json:"kind"`
	Target   string             `json:"target"` // what was tested
	Seed     uint64             `json:"seed"`
	Shard    string             `json:"shard,omitempty"` // as 1/8, "" for the whole
	Command  string             `json:"command"`
	Started  time.Time          `json:"started"`
	Ended    time.Time          `json:"ended"`
	Verdict  Verdict            `json:"verdict"`
	Counts   map[string]int64   `json:"counts,omitempty"`  // added when results are merged
	Figures  map[string]float64 `json:"figures,omitempty"` // of one run; the largest one when results are merged
	Failures []Failure          `json:"failures,omitempty"`
	Shards   []Part             `json:"shards,omitempty"` // of a merged one
}

// Failure is one of the ways in which a run failed.
type Failure struct {
	Signature string   `json:"signature"` // equal for what fails in the same way
	Invariant string   `json:"invariant,omitempty"`
	Title     string   `json:"title"`
	Count     int64    `json:"count"`
	Reproduce string   `json:"reproduce,omitempty"` // a command
	Files     []string `json:"files,omitempty"`     // beside result.json, or from where results were merged
}

// Part is a result that was merged.
type Part struct {
	Name    string  `json:"name"` // its directory
	Shard   string  `json:"shard,omitempty"`
	Verdict Verdict `json:"verdict"`
}

// ErrFile is wrapped by the errors of Read for a file that is no result.
var ErrFile = errors.New("no result that this version can read")

// Write writes r into dir, which is made if it is not there. The file is there whole or
// not at all.
func Write(dir string, r Result) (err error) {
	r.Version = version
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, FileName+".")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(append(data, '\n'))
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(dir, FileName))
}

// Read reads the result in dir.
func Read(dir string) (Result, error) {
	file := filepath.Join(dir, FileName)
	data, err := os.ReadFile(file)
	if err != nil {
		return Result{}, err
	}
	var r Result
	if err := json.Unmarshal(data, &r); err != nil {
		return Result{}, fmt.Errorf("%s: %w: %w", file, ErrFile, err)
	}
	switch {
	case r.Version != version:
		return Result{}, fmt.Errorf("%s: %w: version %d, this is version %d", file, ErrFile, r.Version, version)
	case !slices.Contains(verdicts, r.Verdict):
		return Result{}, fmt.Errorf("%s: %w: verdict %q", file, ErrFile, r.Verdict)
	}
	return r, nil
}

// Named is a result and where it is from.
type Named struct {
	Name string
	Result
}

// Merge joins results: counts are added, failures with one signature are one, and
// those of which there are most come first. The verdict is the worst one. It does not
// depend on the order of the results; of failures that are one, the words are those of
// the first by name. It fails if the results are not of one thing, or if two of them
// are the same shard.
func Merge(all []Named) (Result, error) {
	if len(all) == 0 {
		return Result{}, errors.New("no results to merge")
	}
	all = slices.SortedFunc(slices.Values(all), func(a, b Named) int { return cmp.Compare(a.Name, b.Name) })
	first := all[0]
	m := Result{
		Version: version, Kind: first.Kind, Target: first.Target, Seed: first.Seed, Command: first.Command,
		Started: first.Started, Ended: first.Ended, Counts: map[string]int64{}, Figures: map[string]float64{}, Verdict: Clean,
	}
	failures, shards := map[string]*Failure{}, map[string]string{}
	for _, r := range all {
		if r.Kind != m.Kind || r.Target != m.Target || r.Seed != m.Seed {
			return Result{}, fmt.Errorf("%s is a result of %s of %s with seed %d, and %s of %s of %s with seed %d",
				first.Name, m.Kind, m.Target, m.Seed, r.Name, r.Kind, r.Target, r.Seed)
		}
		if other, twice := shards[r.Shard]; twice {
			return Result{}, fmt.Errorf("%s and %s are both shard %q", other, r.Name, r.Shard)
		}
		shards[r.Shard] = r.Name
		m.Shards = append(m.Shards, Part{r.Name, r.Shard, r.Verdict})
		m.Verdict = Worse(m.Verdict, r.Verdict)
		if r.Started.Before(m.Started) {
			m.Started = r.Started
		}
		if r.Ended.After(m.Ended) {
			m.Ended = r.Ended
		}
		for name, n := range r.Counts {
			m.Counts[name] += n
		}
		for name, figure := range r.Figures {
			if known, ok := m.Figures[name]; !ok || figure > known {
				m.Figures[name] = figure
			}
		}
		for _, f := range r.Failures {
			f.Files = under(r.Name, f.Files)
			if known := failures[f.Signature]; known != nil {
				known.Count += f.Count
				known.Files = append(known.Files, f.Files...)
				continue
			}
			failures[f.Signature] = &f
		}
	}
	for _, f := range failures {
		m.Failures = append(m.Failures, *f)
	}
	slices.SortFunc(m.Failures, func(a, b Failure) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Signature, b.Signature))
	})
	slices.SortStableFunc(m.Shards, func(a, b Part) int {
		return cmp.Compare(slices.Index(verdicts, a.Verdict), slices.Index(verdicts, b.Verdict))
	})
	return m, nil
}

// under returns the names of files as seen from outside of their directory.
func under(dir string, files []string) []string {
	var all []string
	for _, file := range files {
		all = append(all, filepath.Join(dir, file))
	}
	return all
}
