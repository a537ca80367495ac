package gobuild_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/internal/daemon/gobuild"
)

func ExampleError() {
	err := error(&gobuild.Error{
		Args:   []string{"go", "build", "./x"},
		Output: "x.go:1:1: expected 'package'\n",
		Err:    errors.New("exit status 1"),
	})
	fmt.Println(err)
	// Output:
	// go build ./x: exit status 1
	// x.go:1:1: expected 'package'
}

func TestBuild(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("go.mod", "module x\n\ngo 1.26\n")
	write("main.go", "package main\n\nfunc main() { println(x) }\n")
	write("tagged.go", "//go:build tagged\n\npackage main\n\nconst x = 1\n")
	t.Setenv("GOFLAGS", "-tags=tagged") // is not to matter

	err := gobuild.Build(t.Context(), dir, nil, "-o", filepath.Join(dir, "out"), ".")
	var failed *gobuild.Error
	require.ErrorAs(t, err, &failed)
	assert.Contains(t, failed.Output, "undefined: x")
	var exit *exec.ExitError
	assert.ErrorAs(t, err, &exit)
	assert.True(t, strings.HasPrefix(err.Error(), "go build "), err)

	require.NoError(t, gobuild.Build(t.Context(), dir, nil, "-tags=tagged", "-o", filepath.Join(dir, "out"), "."))
	assert.FileExists(t, filepath.Join(dir, "out"))
}
