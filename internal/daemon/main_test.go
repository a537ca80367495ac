package daemon_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/startrace/startrace/internal/daemon"
	"github.com/startrace/startrace/internal/daemon/daemontest"
	"github.com/startrace/startrace/internal/initproc"
)

// victimEnv makes the test binary a process that starts a daemon and a
// container, reports so, and waits to be killed.
const victimEnv = "STARTRACE_TEST_VICTIM"

func TestMain(m *testing.M) {
	if os.Getenv(victimEnv) != "" {
		if err := victim(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	goleak.VerifyTestMain(m)
}

func victim() error {
	ctx := context.Background()
	d, err := daemon.Start(ctx, daemon.Options{})
	if err != nil {
		return err
	}
	client, err := d.Client()
	if err != nil {
		return err
	}
	task, err := newTask(ctx, d, client, "victim", initproc.Command{ExitAfter: initproc.Forever})
	if err != nil {
		return err
	}
	if err := task.Start(ctx); err != nil {
		return err
	}
	fmt.Println(d.Namespace())
	select {}
}

// start starts a daemon that is stopped, and then looked for, at the end of
// the test.
func start(t *testing.T, opts daemon.Options) (*daemon.Daemon, *containerd.Client) {
	t.Helper()
	d := daemontest.Start(t, opts, "go test -run "+t.Name()+" ./internal/daemon")
	client, err := d.Client()
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, client.Close()) })
	return d, client
}

func newTask(ctx context.Context, d *daemon.Daemon, client *containerd.Client, id string, c initproc.Command) (containerd.Task, error) {
	name, options := d.Runtime()
	container, err := client.NewContainer(ctx, id,
		containerd.WithRuntime(name, options),
		containerd.WithNewSpec(
			oci.WithRootFSPath(d.Rootfs()),
			oci.WithRootFSReadonly(),
			oci.WithProcessCwd("/"),
			oci.WithProcessArgs(c.Args()...),
		))
	if err != nil {
		return nil, err
	}
	return container.NewTask(ctx, cio.NullIO)
}
