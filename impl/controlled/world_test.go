// Package controlled_test explores interleavings of the calls of package impl
// that the workloads of package scenarios do not have. It is a package of its
// own, since all of it runs under the controlled runtime.
package controlled_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/containerd/log"
	"github.com/sirupsen/logrus"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/fakes"
	"github.com/startrace/startrace/impl"
	"github.com/startrace/startrace/internal/leaktest"
	"github.com/startrace/startrace/sim"
)

func TestMain(m *testing.M) { sim.Main(m, leaktest.Check) }

const (
	created = runtime.ContainerState_CONTAINER_CREATED
	running = runtime.ContainerState_CONTAINER_RUNNING
)

// world is a service with one container on the fake.
type world struct {
	t      *sim.T
	ctx    context.Context
	id     string
	ids    int
	fake   *fakes.Containerd
	faults *fakes.Faults
	*impl.Service
}

// newWorld makes one of which budget calls of those names may fail. With a
// directory for streams the container has a log.
func newWorld(t *sim.T, streams string, budget int, calls ...string) *world {
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	w := &world{t: t, ctx: namespaces.WithNamespace(log.WithLogger(context.Background(), logrus.NewEntry(logger)), fakes.Namespace)}
	sim.Quietly(func() {
		if budget > 0 {
			w.faults = &fakes.Faults{Budget: budget, Calls: calls, Classes: []error{errdefs.ErrUnavailable}}
			w.faults.Hold()
			defer w.faults.Release()
		}
		opts := fakes.Options{Faults: w.faults}
		w.fake = fakes.New(opts)
		client, err := w.fake.Client()
		w.must(err)
		w.Service, err = impl.New(w.ctx, impl.Config{
			Client: client, Checkpoints: fakes.NewCheckpoints(opts), NewID: w.newID,
			StreamDir: streams, OpenStream: w.fake.OpenStream,
		})
		w.must(err)
		config := &runtime.PodSandboxConfig{}
		if streams != "" {
			config.LogDirectory = "/dev" // where the log is called null
		}
		pod, err := w.RunPodSandbox(w.ctx, &runtime.RunPodSandboxRequest{Config: config})
		w.must(err)
		c, err := w.CreateContainer(w.ctx, &runtime.CreateContainerRequest{
			PodSandboxId: pod.GetPodSandboxId(),
			Config: &runtime.ContainerConfig{
				Image: &runtime.ImageSpec{Image: "/rootfs"}, Command: []string{"/init"}, LogPath: "null",
			},
		})
		w.must(err)
		w.id = c.GetContainerId()
	})
	return w
}

// newID is called by the set-up, and then by one ExecSync.
func (w *world) newID() string {
	w.ids++
	return fmt.Sprintf("id%d", w.ids)
}

func (w *world) must(err error) {
	if err != nil {
		w.t.Fatal(err)
	}
}

// rest ends the faults and gives the service an hour to do what is left.
func (w *world) rest() {
	w.fake.StopFaults()
	sim.OnTime()
	time.Sleep(time.Hour)
}

// close ends the service, of which no open stream may be left.
func (w *world) close() {
	w.must(w.Close())
	if n := w.fake.OpenStreams(); n != 0 {
		w.t.Errorf("%d streams are open", n)
	}
}

func (w *world) start() error {
	_, err := w.StartContainer(w.ctx, &runtime.StartContainerRequest{ContainerId: w.id})
	return errgrpc.ToNative(err)
}

// started starts the container as a part of the set-up.
func (w *world) started() {
	sim.Quietly(func() {
		w.faults.Hold()
		defer w.faults.Release()
		w.must(w.start())
	})
}

func (w *world) remove() error {
	_, err := w.RemoveContainer(w.ctx, &runtime.RemoveContainerRequest{ContainerId: w.id})
	return errgrpc.ToNative(err)
}

func (w *world) state() runtime.ContainerState {
	r, err := w.ContainerStatus(w.ctx, &runtime.ContainerStatusRequest{ContainerId: w.id})
	if err != nil {
		return runtime.ContainerState_CONTAINER_UNKNOWN
	}
	return r.GetStatus().GetState()
}

// isAny reports whether err is nil or has one of the classes.
func isAny(err error, classes ...error) bool {
	for _, class := range classes {
		if errors.Is(err, class) {
			return true
		}
	}
	return err == nil
}
