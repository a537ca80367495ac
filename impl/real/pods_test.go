package real_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"testing"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/log"
	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/impl"
	"github.com/startrace/startrace/internal/daemon"
	"github.com/startrace/startrace/internal/daemon/daemontest"
	"github.com/startrace/startrace/internal/initproc"
)

// pods is a service with pause processes on a real containerd.
type pods struct {
	t      *testing.T
	ctx    context.Context // with a logger that fails the test
	daemon *daemon.Daemon
	client *containerd.Client
	state  string
	*impl.Service
}

func (p *pods) restart() {
	if p.Service != nil {
		require.NoError(p.t, p.Close())
	}
	dir, err := impl.NewCheckpointDir(p.state)
	require.NoError(p.t, err)
	cfg := impl.Config{
		Client: p.client, Checkpoints: dir, Namespace: p.daemon.Namespace(), CgroupParent: p.daemon.CgroupParent(),
		Pause: &impl.Pause{Rootfs: p.daemon.Rootfs()},
	}
	cfg.Runtime, cfg.RuntimeOptions = p.daemon.Runtime()
	p.Service, err = impl.New(p.ctx, cfg)
	require.NoError(p.t, err)
}

func (p *pods) sandbox(name string) string {
	r, err := p.RunPodSandbox(p.ctx, &runtime.RunPodSandboxRequest{Config: &runtime.PodSandboxConfig{
		Metadata: &runtime.PodSandboxMetadata{Name: name, Namespace: "ns", Uid: name},
	}})
	require.NoError(p.t, err)
	return r.GetPodSandboxId()
}

func (p *pods) started(sandbox, name string) string {
	r, err := p.CreateContainer(p.ctx, &runtime.CreateContainerRequest{PodSandboxId: sandbox, Config: &runtime.ContainerConfig{
		Metadata: &runtime.ContainerMetadata{Name: name},
		Image:    &runtime.ImageSpec{Image: p.daemon.Rootfs()},
		Command:  initproc.Command{ExitAfter: initproc.Forever}.Args(),
	}})
	require.NoError(p.t, err)
	_, err = p.StartContainer(p.ctx, &runtime.StartContainerRequest{ContainerId: r.GetContainerId()})
	require.NoError(p.t, err)
	return r.GetContainerId()
}

func (p *pods) sandboxState(id string) runtime.PodSandboxState {
	r, err := p.PodSandboxStatus(p.ctx, &runtime.PodSandboxStatusRequest{PodSandboxId: id})
	require.NoError(p.t, err)
	return r.GetStatus().GetState()
}

// pid returns that of the process of a container or of a pause process.
func (p *pods) pid(id string) uint32 {
	c, err := p.client.LoadContainer(p.ctx, id)
	require.NoError(p.t, err)
	task, err := c.Task(p.ctx, nil)
	require.NoError(p.t, err)
	return task.Pid()
}

// stream is that of a subscriber to events.
type stream struct {
	grpc.ServerStream
	ctx        context.Context
	subscribed chan struct{}
	mu         sync.Mutex
	got        map[string][]runtime.ContainerEventType
}

func (s *stream) Context() context.Context { return s.ctx }

func (s *stream) SendHeader(metadata.MD) error {
	close(s.subscribed)
	return nil
}

func (s *stream) Send(e *runtime.ContainerEventResponse) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got[e.GetContainerId()] = append(s.got[e.GetContainerId()], e.GetContainerEventType())
	return nil
}

// strict fails the test with what a service warns of.
type strict struct{ t *testing.T }

func (strict) Levels() []logrus.Level { return logrus.AllLevels }

func (s strict) Fire(e *logrus.Entry) error {
	if e.Level <= logrus.WarnLevel {
		assert.Fail(s.t, e.Message, "%v", e.Data[logrus.ErrorKey])
	}
	return nil
}

// A pod lives, outlasts a restart of the service, and goes, without a warning:
// among them would be one about counters of OOM kills that cannot be read.
func TestPods(t *testing.T) {
	d := daemontest.Start(t, daemon.Options{}, "go test ./impl/real")
	client, err := d.Client()
	require.NoError(t, err)
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	logger.AddHook(strict{t})
	p := &pods{
		t: t, daemon: d, client: client, state: t.TempDir(),
		ctx: log.WithLogger(t.Context(), logrus.NewEntry(logger)),
	}
	t.Cleanup(func() {
		assert.NoError(t, p.Close())
		assert.NoError(t, client.Close())
	})
	p.restart()
	ctx, cancel := context.WithCancel(p.ctx)
	events := &stream{ctx: ctx, subscribed: make(chan struct{}), got: map[string][]runtime.ContainerEventType{}}
	ended := make(chan error, 1)
	service := p.Service
	go func() { ended <- service.GetContainerEvents(nil, events) }()
	<-events.subscribed

	status, err := p.Status(p.ctx, &runtime.StatusRequest{})
	require.NoError(t, err)
	for _, c := range status.GetStatus().GetConditions() {
		assert.True(t, c.GetStatus(), c.GetType())
	}
	one, two := p.sandbox("one"), p.sandbox("two")
	a, b := p.started(one, "a"), p.started(two, "b")
	host, err := os.Readlink("/proc/self/ns/net")
	require.NoError(t, err)
	for _, id := range []string{one, a} {
		net, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", p.pid(id)))
		require.NoError(t, err)
		assert.Equal(t, host, net)
	}
	_, err = p.StopPodSandbox(p.ctx, &runtime.StopPodSandboxRequest{PodSandboxId: one})
	require.NoError(t, err)
	r, err := p.ContainerStatus(p.ctx, &runtime.ContainerStatusRequest{ContainerId: a})
	require.NoError(t, err)
	assert.Equal(t, "Error", r.GetStatus().GetReason())
	assert.EqualValues(t, 137, r.GetStatus().GetExitCode())
	_, err = p.RemovePodSandbox(p.ctx, &runtime.RemovePodSandboxRequest{PodSandboxId: one})
	require.NoError(t, err)
	all := []runtime.ContainerEventType{0, 1, 2, 3} // CREATED, STARTED, STOPPED, DELETED
	require.Eventually(t, func() bool {
		events.mu.Lock()
		defer events.mu.Unlock()
		return len(events.got[one]) == len(all)
	}, 5*time.Second, 5*time.Millisecond)
	cancel()
	require.Error(t, <-ended)
	assert.Equal(t, all, events.got[one])
	assert.Equal(t, all, events.got[a])

	p.restart()
	assert.Equal(t, runtime.PodSandboxState_SANDBOX_READY, p.sandboxState(two))
	c := p.started(two, "c")
	require.NoError(t, p.Close())
	process, err := os.FindProcess(int(p.pid(two)))
	require.NoError(t, err)
	require.NoError(t, process.Kill())
	p.restart()
	require.Eventually(t, func() bool {
		return p.sandboxState(two) == runtime.PodSandboxState_SANDBOX_NOTREADY
	}, 5*time.Second, 5*time.Millisecond)
	for range 2 {
		_, err = p.RemovePodSandbox(p.ctx, &runtime.RemovePodSandboxRequest{PodSandboxId: two})
		require.NoError(t, err)
	}
	for _, id := range []string{b, c} {
		_, err := p.ContainerStatus(p.ctx, &runtime.ContainerStatusRequest{ContainerId: id})
		require.Error(t, err)
	}
	left, err := client.Containers(p.ctx)
	require.NoError(t, err)
	assert.Empty(t, left)
	files, err := os.ReadDir(p.state)
	require.NoError(t, err)
	assert.Empty(t, files)
}
