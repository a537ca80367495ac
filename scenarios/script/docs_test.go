package script_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/scenarios/script"
)

// TestDocs: docs/scenarios.md has the vocabulary as it is; -rewrite writes it.
func TestDocs(t *testing.T) {
	const file, head, foot = "../../docs/scenarios.md", "| command | | example |\n| --- | --- | --- |\n", "\n## "
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	before, after, ok := strings.Cut(string(text), head)
	require.True(t, ok, "the table is missing")
	i := strings.Index(after, foot)
	require.GreaterOrEqual(t, i, 0)
	var b strings.Builder
	family := ""
	for _, c := range script.Commands() {
		if c.Family != family {
			family = c.Family
			fmt.Fprintf(&b, "| **%s** | | |\n", family)
		}
		usage := strings.TrimSpace(c.Word + " " + strings.ReplaceAll(c.Usage, "|", `\|`))
		fmt.Fprintf(&b, "| `%s` | %s | `%s` |\n", usage, c.Doc, c.Example)
	}
	want := before + head + b.String() + after[i:]
	if *rewrite {
		require.NoError(t, os.WriteFile(file, []byte(want), 0o644))
		return
	}
	assert.Equal(t, want, string(text), "run go test ./scenarios/script -rewrite")
}
