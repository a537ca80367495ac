package build

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCutTags(t *testing.T) {
	for _, c := range []struct {
		args []string
		tags string
		rest []string
		err  string
	}{
		{[]string{"./..."}, "startrace_overlay", []string{"./..."}, ""},
		{[]string{"-race", "-tags", "a,b", "./x"}, "startrace_overlay,a,b", []string{"-race", "./x"}, ""},
		{[]string{"--tags=a", "-run", "tags", "."}, "startrace_overlay,a", []string{"-run", "tags", "."}, ""},
		{[]string{".", "-args", "-tags=x"}, "startrace_overlay", []string{".", "-args", "-tags=x"}, ""},
		{[]string{"-tags"}, "", nil, "needs a value"},
		{[]string{"-overlay=x"}, "", nil, "can't be combined"},
	} {
		tags, rest, err := cutTags(c.args)
		if c.err != "" {
			assert.ErrorContains(t, err, c.err)
			continue
		}
		assert.NoError(t, err)
		assert.Equal(t, c.tags, tags)
		assert.Equal(t, c.rest, rest)
	}
}

func TestCutDirectory(t *testing.T) {
	for _, c := range []struct{ args, directory, rest []string }{
		{nil, nil, nil},
		{[]string{"-C", "x", "."}, []string{"-C", "x"}, []string{"."}},
		{[]string{"-C=x", "."}, []string{"-C=x"}, []string{"."}},
		{[]string{"-run", "C", "."}, nil, []string{"-run", "C", "."}},
	} {
		directory, rest := cutDirectory(c.args)
		assert.Equal(t, c.directory, directory)
		assert.Equal(t, c.rest, rest)
	}
}

func TestAddGcflags(t *testing.T) {
	const ours = "-d=ssa/intrinsics/off"
	for _, c := range []struct{ args, want []string }{
		{[]string{"-race", "."}, []string{"-race", "."}},
		{[]string{"-gcflags=-N -l", "."}, []string{"-gcflags=-N -l " + ours, "."}},
		{[]string{"-gcflags", "all=-l", "."}, []string{"-gcflags=all=-l " + ours, "-gcflags=net/...=-l", "-gcflags=os/...=-l", "."}},
		{[]string{"--gcflags=x/...=-m", "."}, []string{"-gcflags=x/...=-m " + ours, "."}},
		{[]string{"-gcflags=std=-l"}, []string{"-gcflags=std=-l"}},
		{[]string{"-gcflags=-d=checkptr"}, []string{"-gcflags=-d=checkptr " + ours}},
		{[]string{"-gcflags="}, []string{"-gcflags=" + ours}},
		{[]string{".", "-args", "-gcflags=x"}, []string{".", "-args", "-gcflags=x"}},
	} {
		assert.Equal(t, c.want, addGcflags(c.args, []string{"net/...", "os/..."}))
	}
}
