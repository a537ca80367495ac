package daemon

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/startrace/startrace/internal/daemon/gobuild"
)

// The clients of a CRI endpoint, which [CRITool] builds.
const (
	Crictl  = "crictl"
	Critest = "critest"
)

// CRITool returns the path of a client, built once from the module that
// tools/cri/go.mod pins. logf has the form of testing.T.Logf; nil discards.
func CRITool(ctx context.Context, name string, logf func(format string, args ...any)) (string, error) {
	tools, err := findTools()
	if err != nil {
		return "", err
	}
	tools = filepath.Join(tools, "cri")
	sum, err := versions(tools, name)
	if err != nil {
		return "", err
	}
	dir, err := cached(ctx, name+"-"+sum, func(dir string) error {
		if logf != nil {
			logf("building %s, once, from %s", name, tools)
		}
		build := gobuild.Build
		if name == Critest { // it is the tests of a package
			build = gobuild.Test
		}
		err := build(ctx, tools, []string{"CGO_ENABLED=0"}, "-ldflags=-s -w", "-o", filepath.Join(dir, name), "sigs.k8s.io/cri-tools/cmd/"+name)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrBuild, err)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, name), nil
}
