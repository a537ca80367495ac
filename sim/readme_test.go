package sim_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The first example of the README is a program of ours, and the output below it
// is the program's.
func TestReadmeExample(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	block := func(kind string) string {
		_, rest, found := strings.Cut(string(readme), "\n```"+kind+"\n")
		require.True(t, found, kind)
		text, _, _ := strings.Cut(rest, "\n```\n")
		return text
	}
	program, err := os.ReadFile("testdata/exit/exit_test.go")
	require.NoError(t, err)
	assert.Contains(t, string(program), block("go"))

	out, code := goTest(t, "./testdata/exit")
	require.Equal(t, 1, code, out)
	out = strings.ReplaceAll(out, "\n        ", "\n")
	for line := range strings.SplitSeq(block("text"), "\n") {
		assert.Contains(t, out, strings.TrimRight(line, " "))
	}
}
