package schedule

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The files of version 1 are in people's testdata.
func TestFileGolden(t *testing.T) {
	for name, s := range map[string]Schedule{
		"sparse":  sparse,
		"dense":   dense,
		"empty":   {},
		"escaped": {Label: " two\nlines\x00", Options: "\"quoted\"", Choices: []uint32{0, 4294967295}},
	} {
		path := filepath.Join("testdata", name+".schedule")
		want, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, string(want), s.Text(), name)
		got, err := ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, s.clone(), got, name)
		for line := range strings.Lines(s.Text()) {
			assert.LessOrEqual(t, len(strings.TrimSuffix(line, "\n")), 80, name)
		}
	}
}

func TestFileRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.schedule")
	require.NoError(t, os.WriteFile(path, []byte("something longer that was there before\n"), 0o644))
	require.NoError(t, sparse.WriteFile(path))
	got, err := ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, sparse, got)
}

func TestTextRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anySchedule().Draw(t, "schedule")
		got, err := ParseText(s.Text())
		require.NoError(t, err)
		require.Equal(t, s.clone(), got)
	})
}

func TestParseTextByHand(t *testing.T) {
	s, err := ParseText(`# startrace schedule v1
# Stop overtakes Start.

options:   early=1
choices: 0*3 1
# the fault
  2
	0x10 0*2
label: x: y
`)
	require.NoError(t, err)
	assert.Equal(t, Schedule{Label: "x: y", Options: "early=1", Choices: []uint32{0, 0, 0, 1, 2, 16}}, s)

	s, err = ParseText("\r\n  " + sparse.Token() + "\r\n")
	require.NoError(t, err)
	assert.Equal(t, sparse, s)

	s, err = ParseText(strings.ReplaceAll(sparse.Text(), "\n", "\r\n"))
	require.NoError(t, err)
	assert.Equal(t, sparse, s)
}

func TestFileErrors(t *testing.T) {
	const head = "# startrace schedule v1\n"
	tests := []struct {
		name, text string
		want       error
		message    string // after the path
	}{
		{"empty", "", ErrNotToken, `:1: not a schedule token: "" does not start with "st1." or "raw1:"`},
		{"prose", "\n\nhello\n", ErrNotToken, `:3: not a schedule token: "hello" does not start with "st1." or "raw1:"`},
		{"damaged token", "st1.AQCN7wLT\n", ErrDamaged, ":1: schedule is damaged: the checksum does not match"},
		{"token and more", "st1.AQCN7wLS\nmore\n", ErrDamaged, ""},
		{"later version", "# startrace schedule v2\nchoices:\n", ErrVersion, `:1: unknown schedule version: "2"; this build reads "1"`},
		{"no choices", head + "rand: 1\n", ErrDamaged, ":2: schedule is damaged: no choices"},
		{"unknown key", head + "\nseed: 1\nchoices:\n", ErrDamaged, `:3: schedule is damaged: unknown key "seed"`},
		{"key twice", head + "rand: 1\nrand: 1\nchoices:\n", ErrDamaged, `:3: schedule is damaged: "rand" again, first on line 2`},
		{"choices twice", head + "choices: 1\nchoices: 1\n", ErrDamaged, ""},
		{"no key", head + "choices: 1\n2 3\n", ErrDamaged, `:3: schedule is damaged: "2 3" is no "key: value"`},
		{"indented", head + "  1 2\nchoices: 1\n", ErrDamaged, ":2: schedule is damaged: an indented line that belongs to no choices"},
		{"indented later", head + "choices: 1\nrand: 1\n  2\n", ErrDamaged, ""},
		{"seed", head + "rand: -1\nchoices:\n", ErrDamaged, `:2: schedule is damaged: "-1" is no number below 1<<64`},
		{"hash", head + "hash: 0xzz\nchoices:\n", ErrDamaged, ""},
		{"literal", head + "label: \"x\nchoices:\n", ErrDamaged, ":2: schedule is damaged: \"x is no string literal"},
		{"long label", head + "label: " + strings.Repeat("x", MaxText+1) + "\nchoices:\n", ErrTooLarge, ""},
		{"choice", head + "choices:\n  0*3 one\n", ErrDamaged, `:3: schedule is damaged: "one" is no number below 1<<32`},
		{"run", head + "choices: 1*x\n", ErrDamaged, ""},
		{"empty run", head + "choices: 1*0\n", ErrDamaged, `:2: schedule is damaged: "1*0" is an empty run`},
		{"endless run", head + "choices: 0*16777216\n  0\n", ErrTooLarge, ":3: schedule is too large: at most 16777216 choices"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "s.schedule")
			require.NoError(t, os.WriteFile(path, []byte(test.text), 0o644))
			s, err := ReadFile(path)
			require.ErrorIs(t, err, test.want)
			if test.message != "" {
				assert.EqualError(t, err, path+test.message)
			}
			assert.Equal(t, Schedule{}, s)
			_, err = ParseText(test.text)
			require.ErrorIs(t, err, test.want)
			assert.True(t, strings.HasPrefix(err.Error(), "line "), err)
		})
	}
}

func TestFileTooLarge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.schedule")
	require.NoError(t, os.WriteFile(path, nil, 0o644))
	require.NoError(t, os.Truncate(path, maxFileSize+1)) // sparse, takes no space
	_, err := ReadFile(path)
	require.ErrorIs(t, err, ErrTooLarge)
}

func TestFileAccess(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "no", "such")
	_, err := ReadFile(missing)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorIs(t, sparse.WriteFile(missing), os.ErrNotExist)
}

func FuzzParseText(f *testing.F) {
	for _, s := range []Schedule{{}, sparse, dense} {
		f.Add(s.Text())
		f.Add(s.Token())
	}
	f.Add("# startrace schedule v1\n# note\n\nlabel: \"a\\n\"\nchoices: 0x1 2*3\n\t0\n")
	f.Add("# startrace schedule v2\n")
	f.Add("# startrace schedule v1\nchoices: 0*16777217\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseText(text)
		if err != nil {
			return
		}
		again, err := ParseText(s.Text())
		require.NoError(t, err)
		require.Equal(t, s, again)
	})
}
