package report

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// overtaken is a trace in which a step takes effect after ones further down:
// a, preempted before its lock, gets it from b; main waits for both.
func overtaken() Trace {
	return Trace{
		Lanes: []string{"main", "a b", "a b", "end"},
		Steps: []Step{
			{Lane: 0, Op: "go", Site: "x.go:1"},
			{Lane: 0, Op: "go", Site: "x.go:2"},
			{Lane: 0, Op: "blocks", Text: "sync.WaitGroup.Wait", Blocked: true, Visible: true, Site: "x.go:3", After: []int{7}},
			{Lane: 1, Op: "Lock", Object: "#1", Site: "x.go:5", Switch: true, Necessary: true, Visible: true, After: []int{0, 5}},
			{Lane: 2, Op: "Lock", Object: "#1", Site: "x.go:9", Visible: true, After: []int{1}},
			{Lane: 2, Op: "log", Text: `b: "first"; <b>{x}</b>`, Visible: true, Site: "x.go:10"},
			{Lane: 2, Op: "exit", Text: "ends"},
			{Lane: 1, Op: "Add", Object: "#2", Visible: true, Time: 1_500_000},
			{Lane: 1, Op: "exit", Text: "ends", Time: 1_500_000},
			{Lane: 0, Op: "log", Text: "end of it", Visible: true, Time: 1_500_000},
		},
	}
}

func golden(t *testing.T, name string, write func(io.Writer) error) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, write(&b))
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, b.Bytes(), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), b.String())
	return b.String()
}

func TestPicturesGolden(t *testing.T) {
	golden(t, "overtaken.mmd", overtaken().Mermaid)
	golden(t, "overtaken.perfetto.json", overtaken().Perfetto)
	golden(t, "overtaken.shiviz", overtaken().ShiViz)
	golden(t, "overtaken.jsonl", overtaken().JSONL)
}

func TestPicturesReportErrors(t *testing.T) {
	page := Page{Failure: Failure{Trace: overtaken()}}
	for name, write := range map[string]func(io.Writer) error{
		"mermaid": overtaken().Mermaid, "perfetto": overtaken().Perfetto, "shiviz": overtaken().ShiViz,
		"html": func(w io.Writer) error { return HTML(w, page) },
	} {
		w := brokenWriter(30)
		assert.ErrorIs(t, write(&w), errBroken, name)
	}
}

// ordered is a random trace with dependencies on steps that took effect before.
func ordered() *rapid.Generator[Trace] {
	return rapid.Custom(func(t *rapid.T) Trace {
		trace := anyTrace().Draw(t, "trace")
		c := newCausality(trace)
		for at, i := range c.order {
			for _, before := range rapid.SliceOfNDistinct(rapid.IntRange(0, 100), 0, 3, rapid.ID).Draw(t, "after") {
				if before < at && trace.Steps[c.order[before]].Lane != trace.Steps[i].Lane {
					trace.Steps[i].After = append(trace.Steps[i].After, c.order[before])
				}
			}
		}
		return trace
	})
}

// A clock is less than another if and only if its step is reachable from the other.
func TestClocks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		trace := ordered().Draw(t, "trace")
		c := newCausality(trace)
		require.False(t, c.circle)
		clocks := c.clocks(trace)
		for i := range trace.Steps {
			past := map[int]bool{}
			todo := []int{i}
			for len(todo) > 0 {
				j := todo[len(todo)-1]
				todo = todo[:len(todo)-1]
				for _, k := range c.before[j] {
					if !past[k] {
						past[k] = true
						todo = append(todo, k)
					}
				}
			}
			for j := range trace.Steps {
				lane := trace.Steps[j].Lane
				require.Equal(t, past[j] || i == j, clocks[i][lane] >= clocks[j][lane], "%d before %d", j, i)
			}
		}
	})
}

func TestCausalityOfNonsense(t *testing.T) {
	trace := Trace{Steps: []Step{{Lane: 0, After: []int{1, 9, -3}}, {Lane: 1, After: []int{0}}, {Lane: 2, After: []int{2}}}}
	c := newCausality(trace)
	assert.True(t, c.circle)
	assert.ElementsMatch(t, []int{0, 1, 2}, c.order)
	for _, write := range []func(io.Writer) error{trace.Mermaid, trace.Perfetto, trace.ShiViz} {
		assert.NoError(t, write(io.Discard))
	}
}

// The log parses with the expression in its own first line, hosts count their
// own events, and each clock is at least those above that it names.
func TestShiVizParses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		trace := ordered().Draw(t, "trace")
		var b bytes.Buffer
		require.NoError(t, trace.ShiViz(&b))
		parser, rest, found := strings.Cut(b.String(), "\n\n")
		require.True(t, found)
		events := regexp.MustCompile(parser).FindAllStringSubmatch(rest, -1)
		require.Len(t, events, len(trace.Steps))
		last := map[string]map[string]int{}
		for _, e := range events {
			host, text := e[1], e[2]
			var clock map[string]int
			require.NoError(t, json.Unmarshal([]byte(text), &clock))
			require.Equal(t, last[host][host]+1, clock[host])
			for other, n := range clock {
				require.GreaterOrEqual(t, n, last[host][other])
				if other != host {
					require.LessOrEqual(t, n, last[other][other], "a step that is not written yet")
				}
			}
			last[host] = clock
		}
	})
}

func TestPerfettoNests(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		trace := ordered().Draw(t, "trace")
		var b bytes.Buffer
		require.NoError(t, trace.Perfetto(&b))
		var file struct {
			Events []traceEvent `json:"traceEvents"`
		}
		require.NoError(t, json.Unmarshal(b.Bytes(), &file))
		requireNested(t, file.Events)
		requireFlows(t, file.Events)
		steps := 0
		for _, e := range file.Events {
			if e.Args["step"] != nil {
				steps++
			}
		}
		require.Equal(t, len(trace.Steps), steps)
	})
}

// requireNested checks that two slices of a track are apart or one in the other.
func requireNested(t require.TestingT, events []traceEvent) {
	for i, a := range events {
		if a.Phase != "X" {
			continue
		}
		require.Positive(t, a.Duration)
		for _, b := range events[i+1:] {
			if b.Phase != "X" || b.Thread != a.Thread {
				continue
			}
			aEnd, bEnd := a.At+a.Duration, b.At+b.Duration
			apart := aEnd <= b.At || bEnd <= a.At
			within := a.At <= b.At && bEnd <= aEnd || b.At <= a.At && aEnd <= bEnd
			require.True(t, apart || within, "%+v and %+v", a, b)
		}
	}
}

// requireFlows checks that arrows have two ends, each in a slice, and lead on.
func requireFlows(t require.TestingT, events []traceEvent) {
	starts := map[int]traceEvent{}
	ends := 0
	for _, e := range events {
		if e.Phase != "s" && e.Phase != "f" {
			continue
		}
		inside := false
		for _, x := range events {
			inside = inside || x.Phase == "X" && x.Thread == e.Thread && x.At <= e.At && e.At < x.At+x.Duration
		}
		require.True(t, inside, "%+v is in no slice", e)
		if e.Phase == "s" {
			starts[e.ID] = e
			continue
		}
		ends++
		require.Contains(t, starts, e.ID)
		require.Less(t, starts[e.ID].At, e.At)
		require.NotEqual(t, starts[e.ID].Thread, e.Thread)
	}
	require.Len(t, starts, ends)
}

func TestPerfettoFlowsOfOvertaken(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, overtaken().Perfetto(&b))
	assert.Equal(t, 4, strings.Count(b.String(), `"ph":"s"`), "each dependency is an arrow")
}

var mermaidLine = regexp.MustCompile(`^    (participant g\d+ as [^;]+|g\d+->>g\d+: \d+ (! )?[^<>"{}]+|Note right of g\d+: preempted)$`)

func TestMermaidIsShortAndPlain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		trace := ordered().Draw(t, "trace")
		for range rapid.IntRange(0, 4).Draw(t, "copies") {
			trace.Steps = append(trace.Steps, trace.Steps...)
		}
		var b bytes.Buffer
		require.NoError(t, trace.Mermaid(&b))
		lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
		require.Equal(t, "sequenceDiagram", lines[0])
		count := 0
		for _, line := range lines[1:] {
			require.Regexp(t, mermaidLine, line)
			if !strings.HasPrefix(line, "    participant") {
				count++
			}
		}
		require.Less(t, count, 60)
	})
}

func TestMermaidEscape(t *testing.T) {
	assert.Equal(t, "e#110;d of #lt;b#gt;#59; #35;1#58; bend END", strings.Replace(mermaidEscape("end of <b>; #1:\nbend END"), "E#110;D", "END", 1))
	assert.NotContains(t, mermaidEscape("END"), "END")
}
