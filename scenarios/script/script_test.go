package script_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/internal/leaktest"
	"github.com/startrace/startrace/scenarios"
	"github.com/startrace/startrace/scenarios/script"
	"github.com/startrace/startrace/sim"
)

func TestMain(m *testing.M) { sim.Main(m, leaktest.Check) }

var (
	rewrite = flag.Bool("rewrite", false, "write what the scenarios print into their files")
	survey  = flag.String("survey", "", "say what each variant does in the scenarios whose files match")
	fill    = flag.Bool("fill", false, "with -survey: write it into the files")
)

const folder = "../../testdata/scenarios"

// TestScenarios runs every scenario on every variant that it is about: those that it
// breaks violate what it says, those that pass and the reference nothing, and each
// prints what it printed before.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(folder, "*.txt"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		s, err := script.Parse(file, string(text))
		require.NoError(t, err)
		t.Run(s.Name, func(t *testing.T) {
			printed := map[string]string{}
			for _, v := range s.Variants() {
				r, err := script.Run(s, v, false)
				require.NoError(t, err)
				printed[v] = r.Output
				assert.Equal(t, s.Breaking(v), r.Invariant(), "%s:\n%s", v, r.Output)
				if v == script.Reference {
					assert.Zero(t, r.Unmet, "the reference is not as the story has it:\n%s", r.Output)
				}
				if !*rewrite {
					recorded, ok := s.Output(v)
					assert.True(t, ok, "nothing is recorded of %s: run go test ./scenarios/script -rewrite", v)
					assert.Equal(t, recorded, r.Output, "%s", v)
				}
			}
			if *rewrite {
				s.SetOutputs(printed)
				require.NoError(t, os.WriteFile(file, []byte(s.String()), 0o644))
				return
			}
			assert.Equal(t, string(text), s.String(), "the file is not written as -rewrite writes it")
		})
	}
}

// TestSurvey helps whoever writes scenarios: with -survey PATTERN it says what each
// variant does in them, and with -fill it enters that in the files.
func TestSurvey(t *testing.T) {
	if *survey == "" {
		return
	}
	files, err := filepath.Glob(filepath.Join(folder, *survey))
	require.NoError(t, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		s, err := script.Parse(file, string(text))
		require.NoError(t, err)
		breaks, passes, printed := map[string]string{}, []string(nil), map[string]string{}
		for _, v := range scenarios.All() {
			if s.Fits(v) != nil {
				continue
			}
			r, err := script.Run(s, v.Name, false)
			require.NoError(t, err)
			printed[v.Name] = r.Output
			if r.Invariant() != "" {
				breaks[v.Name] = r.Invariant()
			} else if v.Name != script.Reference {
				passes = append(passes, v.Name)
			}
		}
		t.Logf("%s breaks %v, passes %v", s.Name, breaks, passes)
		s.Breaks, s.Passes = breaks, passes
		s.SetOutputs(printed)
		for _, o := range s.Outputs {
			t.Logf("--- %v\n%s", o.Variants, o.Text)
		}
		if *fill {
			require.NoError(t, os.WriteFile(file, []byte(s.String()), 0o644))
		}
	}
}
