package report

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files")

// startRemove is the failure of a service that forgets to look again: remove
// overtakes start between its check and its effect.
func startRemove() Failure {
	return Failure{
		Title: "I5 violated: a removed container has no process",
		Facts: []string{
			"random walk, seed 42: failed in execution 61 of 61",
			"212 decisions; 9 preemptions, 2 after shrinking (143 executions)",
		},
		Detail: "container c1 was removed at step 13, but its process 101 was started at step 15 and is alive\n\n" +
			"goroutine exit, blocked in lock m1 held by remove at step 12:\n" +
			"\tpreseed.(*Service).exited\n\t\tpreseed/exit.go:12\n",
		Commands: []string{
			"go test ./scenarios -run '^TestStartRemove$' -startrace.replay=st1.LB4UcHJlc2VlZC9zdGFydHxyZW1vdmUHZWFybHk9MQcRKg2PPww8X-sBBBMCQdz8Ew",
		},
		Trace: Trace{
			Lanes: []string{"main", "start", "remove", "exit", "grpc"},
			Steps: []Step{
				{Lane: 0, Op: "log", Text: "CreateContainer c1 -> ok", Site: "harness.go:88", Visible: true},
				{Lane: 0, Op: "go", Site: "harness.go:93"},
				{Lane: 1, Op: "log", Text: "StartContainer c1", Site: "workload.go:41", Visible: true},
				{Lane: 4, Op: "recv", Blocked: true},
				{Lane: 1, Op: "lock", Object: "m1", Site: "start.go:31"},
				{Lane: 1, Op: "point", Text: "tasks.Create/after-effect c1", Site: "tasks.go:120", Visible: true},
				{Lane: 1, Op: "unlock", Object: "m1", Site: "start.go:44", Switch: true, Necessary: true},
				{Lane: 2, Op: "log", Text: "RemoveContainer c1", Site: "workload.go:47", Visible: true},
				{Lane: 2, Op: "lock", Object: "m1", Site: "remove.go:19"},
				{Lane: 2, Op: "choose", Text: "fault tasks.Delete: unavailable, before effect", Site: "faults.go:77", Visible: true, Necessary: true, Time: 0},
				{Lane: 2, Op: "point", Text: "containers.Delete/after-effect c1", Site: "containers.go:66", Visible: true, Time: 10_000_000},
				{Lane: 3, Op: "lock", Object: "m1", Site: "exit.go:12", Blocked: true, Visible: true, Time: 10_000_000},
				{Lane: 2, Op: "log", Text: "RemoveContainer c1 -> ok", Site: "workload.go:49", Visible: true, Switch: true, Time: 10_000_000},
				{Lane: 1, Op: "point", Text: "tasks.Start/before-effect c1", Site: "tasks.go:161", Visible: true, Time: 1_510_000_000},
				{Lane: 1, Op: "point", Text: "tasks.Start/after-effect c1", Site: "tasks.go:164", Visible: true, Time: 1_510_000_000},
				{Lane: 1, Op: "log", Text: "StartContainer c1 -> ok", Site: "workload.go:43", Visible: true, Time: 1_510_000_000},
				{Lane: 1, Op: "exit", Time: 1_510_000_000},
				{Lane: 3, Op: "log", Text: "exit 0 -> no such container", Site: "workload.go:60", Visible: true, Time: 1_510_000_000},
			},
		},
	}
}

// deadlock ends with two goroutines that wait for each other, and an idle one.
func deadlock() Failure {
	return Failure{
		Title:  "deadlock: 2 goroutines block each other",
		Detail: "a waits for m2, held by b\nb waits for m1, held by a",
		Trace: Trace{
			Lanes: []string{"a", "b", "idle"},
			Steps: []Step{
				{Lane: 2, Op: "recv", Object: "ch1", Blocked: true},
				{Lane: 0, Op: "lock", Object: "m1", Site: "bank.go:10", Switch: true, Necessary: true},
				{Lane: 1, Op: "lock", Object: "m2", Site: "bank.go:20"},
				{Lane: 1, Op: "log", Text: "transfer b to a", Site: "bank.go:21", Visible: true},
				{Lane: 1, Op: "lock", Object: "m1", Site: "bank.go:22", Blocked: true},
				{Lane: 0, Op: "lock", Object: "m2", Site: "bank.go:11", Blocked: true},
			},
		},
	}
}

// long is 300 steps of two goroutines, two of them necessary.
func long() Failure {
	f := Failure{Title: "I1 violated", Trace: Trace{Lanes: []string{"left", "right"}}}
	for i := range 300 {
		f.Trace.Steps = append(f.Trace.Steps, Step{
			Lane: i / 50 % 2, Op: "log", Text: fmt.Sprintf("step %d", i+1), Site: "long.go:9",
			Visible: i%2 == 0, Switch: i%50 == 49, Necessary: i == 99 || i == 149,
		})
	}
	return f
}

// crowd is more goroutines than columns fit.
func crowd() Failure {
	f := Failure{Title: "I2 violated", Trace: Trace{}}
	for i := range 9 {
		f.Trace.Lanes = append(f.Trace.Lanes, fmt.Sprintf("operation-%d", i))
		f.Trace.Steps = append(f.Trace.Steps, Step{
			Lane: i, Op: "point", Text: fmt.Sprintf("checkpoint.Write/before-effect container-%d", i),
			Site: "checkpoint.go:100", Visible: true, Switch: i == 3, Necessary: i == 3, Blocked: i == 5, Time: int64(i) * 1e6,
		})
	}
	return f
}

func TestTextGolden(t *testing.T) {
	tests := []struct {
		name    string
		failure Failure
		opts    TextOptions
	}{
		{"start_remove", startRemove(), TextOptions{}},
		{"start_remove_full", startRemove(), TextOptions{Full: true}},
		{"start_remove_100", startRemove(), TextOptions{Width: 100}},
		{"start_remove_80", startRemove(), TextOptions{Width: 80}},
		{"start_remove_60", startRemove(), TextOptions{Width: 60}},
		{"start_remove_rows", startRemove(), TextOptions{MaxRows: 6}},
		{"deadlock", deadlock(), TextOptions{}},
		{"long", long(), TextOptions{}},
		{"crowd", crowd(), TextOptions{}},
		{"crowd_narrow", crowd(), TextOptions{Width: 64}},
		{"no_trace", Failure{Title: "no execution", Commands: []string{"go test ."}}, TextOptions{}},
		{"nothing_visible", Failure{Title: "leak", Trace: Trace{Lanes: []string{"a"}, Steps: make([]Step, 3)}}, TextOptions{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := test.failure.Text(test.opts)
			path := filepath.Join("testdata", test.name+".golden")
			if *update {
				require.NoError(t, os.MkdirAll("testdata", 0o755))
				require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
			}
			want, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.Equal(t, string(want), got)
			assert.Equal(t, got, test.failure.Text(test.opts), "not deterministic")
		})
	}
}

// The limit leaves out the same steps that it counts, and never a necessary one.
func TestTextMaxRows(t *testing.T) {
	for rows := 2; rows < 200; rows++ {
		_, text, _ := strings.Cut(long().Text(TextOptions{MaxRows: rows}), "  #") // the table
		assert.Equal(t, min(rows, 156), strings.Count(text, "long.go:9"), "rows")
		assert.Equal(t, 2+1, strings.Count(text, "  ! "), "necessary steps, and the legend")
		left := 0
		for line := range strings.Lines(text) {
			var n int
			if _, err := fmt.Sscanf(strings.TrimSpace(line), "… %d more", &n); err == nil {
				left += n
			}
		}
		assert.LessOrEqual(t, left+min(rows, 156), 300)
		if rows < 20 {
			assert.Greater(t, left, 200)
		}
	}
	_, text, _ := strings.Cut(long().Text(TextOptions{Full: true, MaxRows: 2}), "  #")
	assert.Equal(t, 300, strings.Count(text, "long.go:9"))
}

// Commands come last, unbroken, each on its own line.
func TestTextCommands(t *testing.T) {
	f := startRemove()
	f.Commands = []string{strings.Repeat("long ", 100) + "end", "second"}
	text := f.Text(TextOptions{Width: 60})
	assert.True(t, strings.HasSuffix(text, "\nTo reproduce:\n  "+f.Commands[0]+"\n  second\n"), text)
}

func TestTextOfNothing(t *testing.T) {
	assert.Empty(t, Failure{}.Text(TextOptions{}))
}

// What goroutines log cannot reach the terminal.
func TestTextIsClean(t *testing.T) {
	evil := "a\x1b[2Jb\nc\td\u202Ee\xffg"
	f := Failure{
		Title: evil, Detail: evil, Facts: []string{evil},
		Trace: Trace{Lanes: []string{evil}, Steps: []Step{{Op: evil, Text: evil, Site: evil, Object: evil, Visible: true}}},
	}
	text := f.Text(TextOptions{})
	assert.Contains(t, text, "a\uFFFD[2Jb c d\uFFFDe\uFFFDg")
	for _, r := range text {
		assert.False(t, r != '\n' && r != '\t' && !unicode.IsPrint(r), "%q", r)
	}
}

// Any trace, however malformed, is drawn within the width, step by step in
// order.
func TestTextProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := Failure{Title: "t", Trace: anyTrace().Draw(t, "trace")}
		opts := TextOptions{
			MaxRows: rapid.IntRange(0, 10).Draw(t, "rows"),
			Width:   rapid.IntRange(minWidth, 140).Draw(t, "width"),
			Full:    rapid.Bool().Draw(t, "full"),
		}
		text := f.Text(opts)
		last, rows := 0, 0
		table := text
		if _, after, ok := strings.Cut(text, "─\n"); ok {
			table, _, _ = strings.Cut(after, "\n\n")
		}
		for line := range strings.Lines(table) {
			if width := textWidth(strings.TrimRight(line, "\n")); width > opts.Width {
				t.Fatalf("%d columns of %d: %s\n%s", width, opts.Width, line, text)
			}
			if match := numbered.FindStringSubmatch(line); match != nil {
				n, err := strconv.Atoi(match[1])
				require.NoError(t, err)
				if n <= last {
					t.Fatalf("step %d after %d\n%s", n, last, text)
				}
				last = n
				rows++
			}
		}
		if limit := opts.MaxRows; !opts.Full && limit > 0 && rows > limit {
			t.Fatalf("%d rows of %d\n%s", rows, limit, text)
		}
		if opts.Full && rows != len(f.Trace.Steps) {
			t.Fatalf("%d rows of %d steps\n%s", rows, len(f.Trace.Steps), text)
		}
	})
}

// numbered matches a line of the table that begins a row.
var numbered = regexp.MustCompile(`^[ !]*(\d+)\s`)

// anyTrace has no digits in its texts, so that a test can tell step numbers.
func anyTrace() *rapid.Generator[Trace] {
	text := rapid.StringMatching(`([a-zé/.]{1,30} ?){0,4}`)
	return rapid.Custom(func(t *rapid.T) Trace {
		trace := Trace{Lanes: rapid.SliceOfN(rapid.StringMatching(`[a-zé]{1,30}`), 1, 6).Draw(t, "lanes")}
		for range rapid.IntRange(0, 30).Draw(t, "steps") {
			trace.Steps = append(trace.Steps, Step{
				Lane:      rapid.IntRange(0, len(trace.Lanes)-1).Draw(t, "lane"),
				Op:        text.Draw(t, "op"),
				Text:      text.Draw(t, "text"),
				Site:      text.Draw(t, "site"),
				Object:    text.Draw(t, "object"),
				Switch:    rapid.Bool().Draw(t, "switch"),
				Blocked:   rapid.Bool().Draw(t, "blocked"),
				Necessary: rapid.Bool().Draw(t, "necessary"),
				Visible:   rapid.Bool().Draw(t, "visible"),
				Time:      rapid.Int64Range(0, 1e12).Draw(t, "time"),
			})
		}
		return trace
	})
}

// A lane that has no name, or does not exist, still has a column.
func TestTextUnknownLane(t *testing.T) {
	text := Failure{Trace: Trace{Steps: []Step{{Lane: 7, Text: "x", Visible: true}, {Lane: -1, Text: "y", Visible: true}}}}.Text(TextOptions{})
	assert.Contains(t, text, "goroutine 7")
	assert.Contains(t, text, "goroutine -1")
}
