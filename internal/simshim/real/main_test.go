// Package real_test runs the simulated shim under real containerds.
package real_test

import (
	"context"
	"errors"
	"testing"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/startrace/startrace/internal/daemon"
	"github.com/startrace/startrace/internal/daemon/daemontest"
	"github.com/startrace/startrace/internal/simshim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// onBoth runs test on the pinned containerd and on the distribution's, each of
// which is stopped, and then looked for, at the end.
func onBoth(t *testing.T, test func(*testing.T, *daemon.Daemon)) {
	t.Helper()
	t.Run("pinned", func(t *testing.T) {
		test(t, start(t, daemon.Options{}))
	})
	t.Run("debian", func(t *testing.T) {
		binary, version, err := daemon.Debian(t.Context(), t.Logf)
		if errors.Is(err, daemon.ErrNoPackage) {
			t.Skipf("NOT RUN: %v", err)
		}
		require.NoError(t, err)
		t.Logf("containerd %s", version)
		test(t, start(t, daemon.Options{Binary: binary}))
	})
}

func start(t *testing.T, opts daemon.Options) *daemon.Daemon {
	t.Helper()
	opts.SimulatedShim = true
	return daemontest.Start(t, opts, "go test -run "+t.Name()+" ./internal/simshim/real")
}

// connect returns a client whose containers get annotations, by their id, and
// that is closed at the end of the test. It must have removed all of them by then.
func connect(t *testing.T, d *daemon.Daemon, annotations func(id string) map[string]string) *containerd.Client {
	t.Helper()
	plain, err := d.Client()
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, plain.Close()) })
	client, err := containerd.New(d.Address(),
		containerd.WithDefaultNamespace(d.Namespace()),
		containerd.WithServices(containerd.WithContainerStore(simshim.Annotate(plain.ContainerService(), annotations))))
	require.NoError(t, err)
	t.Cleanup(func() {
		left, err := client.Containers(context.Background())
		assert.NoError(t, err)
		assert.Empty(t, left)
		assert.NoError(t, client.Close())
	})
	return client
}

// nothing is for connect.
func nothing(string) map[string]string { return nil }
