package mutants

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// root is the checkout.
const root = "../.."

// Each edit fits the code, and what comes of it is a package that compiles, so
// that nobody finds out in a search.
func TestMutantsFit(t *testing.T) {
	files, err := Sources(root)
	require.NoError(t, err)
	fset := token.NewFileSet()
	imports := importer.ForCompiler(fset, "gc", exportData(t)) // keeps what it has read
	seen := map[string]bool{}
	for _, m := range append(All(), Control) {
		t.Run(m.Name, func(t *testing.T) {
			assert.Regexp(t, wellNamed, m.Name)
			assert.False(t, seen[m.Name], "the name is used twice")
			seen[m.Name] = true
			assert.NotEmpty(t, m.Rule)
			changed, err := m.Apply(files)
			require.NoError(t, err)
			if m.Name == Control.Name {
				assert.Equal(t, files, changed)
				return
			}
			assert.NotEqual(t, files, changed)
			assert.NotEmpty(t, m.By)
			require.NoError(t, check(fset, changed, imports))
		})
	}
}

// check type-checks package impl.
func check(fset *token.FileSet, files map[string][]byte, imports types.Importer) error {
	var parsed []*ast.File
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f, err := parser.ParseFile(fset, name, files[name], parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		parsed = append(parsed, f)
	}
	var errs []error
	conf := types.Config{Importer: imports, Error: func(err error) { errs = append(errs, err) }}
	_, _ = conf.Check(module+"/impl", fset, parsed, nil) // the first of errs
	return errors.Join(errs...)
}

// exportData opens what the compiler knows of the packages that impl imports.
func exportData(t *testing.T) func(string) (io.ReadCloser, error) {
	t.Helper()
	cmd := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Export", "./impl")
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	paths := map[string]string{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct{ ImportPath, Export string }
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		paths[p.ImportPath] = p.Export
	}
	return func(path string) (io.ReadCloser, error) { return os.Open(filepath.Clean(paths[path])) }
}
