package script_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/scenarios/script"
)

const small = `# scenario v1
title: a stop during a start
reports: none known
invariant: I9
breaks: seed2019

container c1
start c1 as S
until S at tasks.Create/after-effect
stop c1
finish S
`

func TestParse(t *testing.T) {
	s, err := script.Parse("folder/012-some-race.txt", small)
	require.NoError(t, err)
	assert.Equal(t, "012", s.ID)
	assert.Equal(t, "012-some-race", s.Name)
	assert.Equal(t, []string{"seed2019", "reference"}, s.Variants())
	assert.Equal(t, "I9", s.Breaking("seed2019"))
	assert.Equal(t, small, s.String())
	s.SetOutputs(map[string]string{"seed2019": "a\n", "reference": "a\n"})
	assert.Equal(t, small+"\n--- seed2019, reference\na\n", s.String())
}

// TestParseErrors: what is wrong is named, with the place.
func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"# scenario v1", "# scenario v2", `x.txt:1:1: the first line has to be "# scenario v1"`},
		{"title: a stop during a start\n", "", "x.txt:5:1: the title is missing"},
		{"reports: none known", "authors: none", `x.txt:3:1: unknown line "authors: none"`},
		{"reports: none known", "title: again", "x.txt:3:1: title stands there twice"},
		{"invariant: I9", "invariant: I99", `x.txt:4:12: "I99" is no invariant`},
		{"breaks: seed2019", "breaks: seed2020", `x.txt:5:9: unknown variant "seed2020"`},
		{"breaks: seed2019", "breaks: reference", "the reference breaks it"},
		{"breaks: seed2019\n", "", "the variants that break are missing"},
		{"stop c1", "halt c1", `x.txt:10:1: unknown command "halt"`},
		{"stop c1", "stop c2", `x.txt:10:6: there is no container "c2"`},
		{"stop c1", "stop", `the name of a container is missing`},
		{"stop c1", "stop c1 timeout=1ms", `a timeout has whole seconds`},
		{"stop c1", "stop c1 timeout=x", `x.txt:10:9: "x" is no duration`},
		{"stop c1", "stop c1 loudly", `x.txt:10:9: unknown option "loudly"`},
		{"finish S", "finish T", `x.txt:11:8: no call is named "T"`},
		{"finish S", "start c1 as S", `another call is named "S"`},
		{"until S at tasks.Create/after-effect", "until S at tasks.Create", `x.txt:9:12: "tasks.Create" is no point`},
		{"until S at tasks.Create/after-effect", "until S near tasks.Create", `there has to be "at"`},
		{"stop c1", "exit c1 code=256", `"256" is no number from 0 to 255`},
		{"stop c1", "fault nonsense", `x.txt:10:7:`},
		{"stop c1", "fail disk.rename with=ENOSUCH times=x", `"x" is no number`},
		{"stop c1", "expect c1 DEAD", `"DEAD" is no state`},
		{"stop c1", "expect S maybe", `has to be ok or waiting`},
		{"stop c1", "create c1", `c1 was created beforehand`},
		{"container c1", "later c1\ncreate c1\ncreate c1", `x.txt:9:8: c1 is created once`},
		{"stop c1", "heal now", `"now" is too much here`},
		{"container c1\n", "", `there is no container "c1"`},
		{"finish S\n", "finish S\n\n--- nobody\n", `unknown variant "nobody"`},
	} {
		text := strings.Replace(small, c.old, c.new, 1)
		require.NotEqual(t, small, text)
		_, err := script.Parse("x.txt", text)
		assert.ErrorContains(t, err, c.want, "%s", c.new)
		var place *script.Error
		assert.ErrorAs(t, err, &place)
	}
}

// TestExamples: the example of each command is one.
func TestExamples(t *testing.T) {
	for _, c := range script.Commands() {
		// The small story has a call S already.
		example := strings.Replace(c.Example, " as S", " as T", 1)
		text := strings.Replace(small, "stop c1\n", "later c9\n"+example+"\n", 1)
		_, err := script.Parse("x.txt", text)
		assert.NoError(t, err, "%s", c.Word)
		assert.NotEmpty(t, c.Doc, "%s", c.Word)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(small)
	for _, c := range script.Commands() {
		f.Add(small + c.Example + "\n")
	}
	f.Add(small + "\n--- seed2019, reference\n=> clean\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := script.Parse("x.txt", text)
		if err != nil {
			var place *script.Error
			assert.ErrorAs(t, err, &place)
			return
		}
		again, err := script.Parse("x.txt", s.String())
		require.NoError(t, err, "%q", s.String())
		assert.Equal(t, s.String(), again.String())
	})
}
