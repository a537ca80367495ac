package report

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The format is read by other tools.
func TestJSONLGolden(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, startRemove().Trace.JSONL(&b))
	path := filepath.Join("testdata", "start_remove.jsonl")
	if *update {
		require.NoError(t, os.WriteFile(path, b.Bytes(), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), b.String())
	got, err := ReadJSONL(bytes.NewReader(want))
	require.NoError(t, err)
	assert.Equal(t, startRemove().Trace, got)
}

func TestJSONLRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		trace := anyTrace().Draw(t, "trace")
		var b bytes.Buffer
		require.NoError(t, trace.JSONL(&b))
		require.Equal(t, len(trace.Steps)+2, strings.Count(b.String(), "\n"))
		got, err := ReadJSONL(&b)
		require.NoError(t, err)
		require.Equal(t, trace, got)
	})
}

// Traces of version 1 are still read.
func TestReadJSONLVersion1(t *testing.T) {
	got, err := ReadJSONL(strings.NewReader(`{"startrace-trace":1,"lanes":["a"]}` + "\n" + `{"lane":0,"op":"lock"}` + "\n" + `{"steps":1}`))
	require.NoError(t, err)
	assert.Equal(t, Trace{Lanes: []string{"a"}, Steps: []Step{{Op: "lock"}}}, got)
}

func TestJSONLEmpty(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, Trace{}.JSONL(&b))
	assert.Equal(t, "{\"startrace-trace\":2,\"lanes\":[]}\n{\"steps\":0}\n", b.String())
	got, err := ReadJSONL(&b)
	require.NoError(t, err)
	assert.Equal(t, Trace{}, got)
}

func TestReadJSONLErrors(t *testing.T) {
	const head = `{"startrace-trace":1,"lanes":["a"]}` + "\n"
	tests := []struct {
		name, text string
		want       error
		message    string
	}{
		{"empty", "", ErrTraceFormat, "not a startrace trace: it ends after 0 steps without a footer"},
		{"prose", "hello\n", ErrTraceFormat, "line 1: not a startrace trace: no header"},
		{"other JSON", "{}\n", ErrTraceFormat, "line 1: not a startrace trace: no header"},
		{"later version", `{"startrace-trace":3,"goroutines":[]}`, ErrTraceVersion, "line 1: unknown trace version: 3; this build reads 1 to 2"},
		{"unknown header field", `{"startrace-trace":1,"goroutines":[]}`, ErrTraceFormat, ""},
		{"unknown step field", head + `{"lane":0,"color":"red"}`, ErrTraceFormat, `line 2: not a startrace trace: json: unknown field "color"`},
		{"two values", head + `{"lane":0} {"lane":0}`, ErrTraceFormat, "line 2: not a startrace trace: more than one value"},
		{"empty line", head + "\n", ErrTraceFormat, ""},
		{"no such lane", head + `{"lane":1}`, ErrTraceFormat, "line 2: not a startrace trace: lane 1 of 1"},
		{"negative lane", head + `{"lane":-1}`, ErrTraceFormat, ""},
		{"no footer", head + `{"lane":0}`, ErrTraceFormat, "not a startrace trace: it ends after 1 steps without a footer"},
		{"lost step", head + `{"lane":0}` + "\n" + `{"steps":2}`, ErrTraceFormat, "line 3: not a startrace trace: 1 steps, the footer says 2"},
		{"after nothing", head + `{"lane":0,"after":[7]}` + "\n" + `{"steps":1}`, ErrTraceFormat, "line 3: not a startrace trace: step 0 comes after step 7 of 1"},
		{"after itself", head + `{"lane":0,"after":[0]}` + "\n" + `{"steps":1}`, ErrTraceFormat, "line 3: not a startrace trace: steps come after each other in a circle"},
		{"after the next", head + `{"lane":0,"after":[1]}` + "\n" + `{"lane":0}` + "\n" + `{"steps":2}`, ErrTraceFormat, "line 4: not a startrace trace: steps come after each other in a circle"},
		{"after the footer", head + `{"steps":0}` + "\n" + `{"lane":0}`, ErrTraceFormat, "line 3: not a startrace trace: more after the footer"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := ReadJSONL(strings.NewReader(test.text))
			require.ErrorIs(t, err, test.want)
			if test.message != "" {
				assert.EqualError(t, err, test.message)
			}
			assert.Equal(t, Trace{}, got)
		})
	}
}

// brokenWriter fails after so many bytes.
type brokenWriter int

var errBroken = errors.New("broken")

func (w *brokenWriter) Write(p []byte) (int, error) {
	if *w -= brokenWriter(len(p)); *w < 0 {
		return 0, errBroken
	}
	return len(p), nil
}

func TestJSONLWriteError(t *testing.T) {
	var whole bytes.Buffer
	require.NoError(t, long().Trace.JSONL(&whole))
	for _, n := range []int{0, 5000, whole.Len() - 1} {
		w := brokenWriter(n)
		require.ErrorIs(t, long().Trace.JSONL(&w), errBroken)
	}
}

func FuzzReadJSONL(f *testing.F) {
	var b bytes.Buffer
	require.NoError(f, startRemove().Trace.JSONL(&b))
	f.Add(b.String())
	f.Add(`{"startrace-trace":1,"lanes":[]}` + "\n" + `{"steps":0}`)
	f.Add(`{"startrace-trace":3}`)
	f.Fuzz(func(t *testing.T, text string) {
		trace, err := ReadJSONL(strings.NewReader(text))
		if err != nil {
			return
		}
		_ = Failure{Trace: trace}.Text(TextOptions{}) // must not panic
		var b bytes.Buffer
		require.NoError(t, trace.JSONL(&b))
		again, err := ReadJSONL(&b)
		require.NoError(t, err)
		require.Equal(t, trace, again)
	})
}
