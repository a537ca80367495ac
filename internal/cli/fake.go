package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/urfave/cli/v3"

	"github.com/startrace/startrace/fakes"
	"github.com/startrace/startrace/fakes/failpoint"
	"github.com/startrace/startrace/fakes/socket"
	"github.com/startrace/startrace/internal/initproc"
)

func fakeCommand() *cli.Command {
	return &cli.Command{
		Name:  "fake",
		Usage: "serve the fake containerd on a socket, for ctr and other clients, until interrupted",
		Description: `Try it with
  startrace fake --listen unix:///tmp/fake.sock --run c1 --run c2 &
  ctr -a /tmp/fake.sock -n k8s.io tasks ls
  ctr -a /tmp/fake.sock -n k8s.io tasks kill c1`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "listen", Required: true, Usage: "unix://`PATH` of the socket"},
			&cli.StringFlag{Name: "release", Usage: "behave like this `RELEASE` of containerd: 1.6, 1.7, 2.0, 2.4.0, 2.4.2"},
			&cli.StringFlag{Name: "plan", Usage: "fault `PLAN`, as tasks.Kill=50%error(unavailable); see docs/fake.md"},
			&cli.Uint64Flag{Name: "seed", Usage: "of what is drawn"},
			&cli.StringSliceFlag{Name: "run", Usage: "`ID` of a container that runs from the start"},
		},
		OnUsageError: usageError,
		Action: func(ctx context.Context, c *cli.Command) error {
			if err := noArguments(c); err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
			defer stop()
			return serveFake(ctx, c)
		},
	}
}

func serveFake(ctx context.Context, c *cli.Command) error {
	path, err := socketPath(c, "listen")
	if err != nil {
		return err
	}
	profile, err := fakes.LookupProfile(c.String("release"))
	if err != nil {
		return fail(exitUsage, "--release: %w", err)
	}
	plan, err := failpoint.Parse(c.String("plan"))
	if err != nil {
		return fail(exitUsage, "--plan: %w", err)
	}
	world := fakes.New(fakes.Options{
		Profile: profile,
		Faults:  &fakes.Faults{Plan: plan, Choose: drawing(c.Uint64("seed"))},
	})
	for _, id := range c.StringSlice("run") {
		if err := runContainer(ctx, world, id); err != nil {
			return fail(exitEnvironment, "--run %s: %w", id, err)
		}
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fail(exitEnvironment, "--listen: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return fail(exitEnvironment, "--listen: %w", err)
	}
	fmt.Fprintf(c.Root().Writer, "serving containerd %s on %s\n", world.Release(), path)
	return socket.Serve(ctx, world, l)
}

// socketPath returns the path in a flag that is unix://PATH.
func socketPath(c *cli.Command, flag string) (string, error) {
	path, ok := strings.CutPrefix(c.String(flag), "unix://")
	if !ok || path == "" {
		return "", fail(exitUsage, "--%s is unix://PATH, got %q", flag, c.String(flag))
	}
	return path, nil
}

// drawing returns what draws in place of the simulation, which does not control
// a server.
func drawing(seed uint64) func(string, int) int {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 0))
	return func(_ string, n int) int {
		mu.Lock()
		defer mu.Unlock()
		return random.IntN(n)
	}
}

// runContainer makes a container whose process runs until it is killed.
func runContainer(ctx context.Context, world *fakes.Containerd, id string) error {
	client, err := world.Client()
	if err != nil {
		return err
	}
	ctx = namespaces.WithNamespace(ctx, fakes.Namespace)
	c, err := client.NewContainer(ctx, id, containerd.WithNewSpec(oci.WithProcessArgs(initproc.Path)))
	if err != nil {
		return err
	}
	task, err := c.NewTask(ctx, cio.NullIO)
	if err != nil {
		return err
	}
	return task.Start(ctx)
}
