package critest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/startrace/startrace/internal/daemon"
	"github.com/startrace/startrace/internal/daemon/gobuild"
	"github.com/startrace/startrace/internal/registry"
	"github.com/startrace/startrace/internal/serve"
)

// Spec is a spec of critest and what came of it.
type Spec struct {
	Group  string // what it is about, as the suite nests it
	Name   string
	State  string // "passed", "failed", "skipped" and so on, as ginkgo has it
	Reason string // why it failed or was skipped
	Time   time.Duration
}

// Options of [Run].
type Options struct {
	Daemon *daemon.Daemon
	Dir    string   // for what is made, empty and absolute
	Focus  []string // regular expressions of ginkgo; all specs if empty
	Skip   []string
	Output io.Writer // of critest; may be nil
	Logf   func(format string, args ...any)
}

// Run runs critest and returns its specs in the order of their groups and names.
func Run(ctx context.Context, opts Options) ([]Spec, error) {
	program, err := daemon.CRITool(ctx, daemon.Critest, opts.Logf)
	if err != nil {
		return nil, err
	}
	images, err := serveImages(ctx, opts.Dir)
	if err != nil {
		return nil, err
	}
	defer images.Close()
	name, options := opts.Daemon.Runtime()
	listen := filepath.Join(opts.Dir, "cri.sock")
	ctx, cancel := context.WithCancel(ctx)
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- serve.Run(ctx, serve.Options{
			Listen: listen, Containerd: opts.Daemon.Address(), Namespace: opts.Daemon.Namespace(),
			Root: filepath.Join(opts.Dir, "root"), Runtime: name, RuntimeOptions: options, Mirror: images.URL,
		}, func() { close(ready) })
	}()
	var specs []Spec
	select {
	case <-ready:
		specs, err = execute(ctx, program, listen, opts)
		cancel()
		if endErr := <-ended; err == nil {
			err = endErr
		}
	case err = <-ended:
		cancel()
	}
	return specs, err
}

// serveImages builds the command box and serves images with it.
func serveImages(ctx context.Context, dir string) (*httptest.Server, error) {
	module, err := filepath.Abs(".")
	if err != nil {
		return nil, fmt.Errorf("critest: %w", err)
	}
	path := filepath.Join(dir, "box")
	err = gobuild.Build(ctx, module, []string{"CGO_ENABLED=0"}, "-ldflags=-s -w", "-o", path,
		"github.com/startrace/startrace/internal/critest/box")
	if err != nil {
		return nil, fmt.Errorf("critest: %w", err)
	}
	box, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("critest: %w", err)
	}
	return httptest.NewServer(registry.Handler(func(repository, _ string) *registry.Image {
		i, err := image(box, repository)
		if err != nil {
			return nil
		}
		return i
	})), nil
}

func execute(ctx context.Context, program, listen string, opts Options) ([]Spec, error) {
	report := filepath.Join(opts.Dir, "report.json")
	args := []string{
		"--runtime-endpoint=unix://" + listen, "--image-endpoint=unix://" + listen,
		"--ginkgo.json-report=" + report, "--ginkgo.no-color",
	}
	for _, focus := range opts.Focus {
		args = append(args, "--ginkgo.focus="+focus)
	}
	for _, skip := range opts.Skip {
		args = append(args, "--ginkgo.skip="+skip)
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = opts.Dir
	cmd.Stdout, cmd.Stderr = opts.Output, opts.Output
	runErr := cmd.Run() // it fails if a spec does
	data, err := os.ReadFile(report)
	if err != nil {
		return nil, fmt.Errorf("critest: no report: %w (%w)", err, runErr)
	}
	return parse(data)
}

// parse reads a report of ginkgo.
func parse(report []byte) ([]Spec, error) {
	var suites []struct {
		SpecReports []struct {
			ContainerHierarchyTexts []string
			LeafNodeText            string
			LeafNodeType            string
			State                   string
			RunTime                 time.Duration
			Failure                 struct{ Message string }
		}
	}
	if err := json.Unmarshal(report, &suites); err != nil {
		return nil, fmt.Errorf("critest: report: %w", err)
	}
	var specs []Spec
	for _, suite := range suites {
		for _, r := range suite.SpecReports {
			if r.LeafNodeType != "It" {
				continue
			}
			specs = append(specs, Spec{
				Group: strings.TrimPrefix(strings.Join(r.ContainerHierarchyTexts, ": "), "[k8s.io] "),
				Name:  r.LeafNodeText, State: r.State, Reason: r.Failure.Message, Time: r.RunTime,
			})
		}
	}
	slices.SortFunc(specs, func(a, b Spec) int {
		return strings.Compare(a.Group+"\n"+a.Name, b.Group+"\n"+b.Name)
	})
	return specs, nil
}
