package scenarios

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"google.golang.org/grpc"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/fakes"
	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/sim"
)

// supervised is a service whose process crashes and is started again. Calls wait
// until it serves; those that a crash meets fail with class Unavailable, whatever
// came of them.
type supervised struct {
	start func(context.Context, *fakes.Caller) (Service, error)
	heal  func() // ends the faults
	tell  func(model.Event)
	ctx   context.Context

	mu  sync.Mutex
	now *process
}

// process is one life of the service.
type process struct {
	caller *fakes.Caller
	ctx    context.Context // ends with the process
	cancel context.CancelFunc

	serving chan struct{} // closed when the service has recovered
	service Service       // to be read after that
	ended   chan struct{} // closed when there will be no service: it crashed while it recovered

	calls sync.WaitGroup // of the service

	mu   sync.Mutex
	dead bool
}

var errCrashed = fmt.Errorf("the service crashed: %w", errdefs.ErrUnavailable)

func (s *supervised) process() (p *process) {
	sim.Quietly(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		p = s.now
	})
	return p
}

// A search has to see that it matters when a process dies, so the operations of
// these three are points.

// crashed reports whether the process is dead.
func (p *process) crashed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead
}

// enter begins a call, which ends with calls.Done, and reports whether the process
// lives.
func (p *process) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		return false
	}
	p.calls.Add(1)
	return true
}

// kill reports whether the process was alive.
func (p *process) kill() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	killed := !p.dead
	p.dead = true
	return killed
}

// crash kills the present process, which may serve or recover, and starts the next
// one. A call to containerd that is at its effect takes it before the next one
// starts. It returns when that serves or is dead as well.
func (s *supervised) crash() {
	sim.Point("crash", nil)
	if s.killed() {
		s.next()
	}
}

// killed kills the present process, and reports whether it did: somebody else may
// just have done so.
func (s *supervised) killed() bool {
	p := s.process()
	if !p.kill() {
		return false
	}
	p.caller.Crash()
	s.tell(model.Event{Kind: model.Crashed})
	p.cancel()
	return true
}

// next waits for the end of the process that was killed and starts the next one.
func (s *supervised) next() {
	p := s.process()
	select {
	case <-p.serving:
		_ = p.service.Close() // ends what is left of its goroutines
		p.calls.Wait()
	case <-p.ended:
	}
	s.boot()
}

// How often the service is started in vain before the faults end, and how long
// the init system waits between two tries.
const (
	bootTries = 10
	bootPause = time.Second
)

// boot starts the service until it serves, or is killed.
func (s *supervised) boot() {
	p := &process{caller: &fakes.Caller{}, serving: make(chan struct{}), ended: make(chan struct{})}
	p.ctx, p.cancel = context.WithCancel(fakes.WithCaller(s.ctx, p.caller))
	sim.Quietly(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.now = p
	})
	for try := 1; ; try++ {
		service, err := s.start(p.ctx, p.caller)
		switch {
		case p.crashed():
			if err == nil {
				_ = service.Close() // as above
			}
			close(p.ended)
			return
		case err == nil:
			s.tell(model.Event{Kind: model.Recovered})
			p.service = service
			close(p.serving)
			return
		}
		s.tell(model.Event{Kind: model.Recovered, Err: errorText(err), Probe: try > bootTries})
		if try > 2*bootTries {
			panic("scenarios: the service does not start without faults: " + err.Error())
		}
		if try == bootTries {
			s.heal()
		}
		time.Sleep(bootPause)
	}
}

// serving waits for a process that serves, and enters it.
func (s *supervised) serving() *process {
	for {
		p := s.process()
		select {
		case <-p.serving:
		case <-p.ended:
			time.Sleep(bootPause)
			continue
		}
		if p.enter() {
			return p
		}
		time.Sleep(bootPause)
	}
}

// through makes a call of the process that serves. Of a caller that cannot give up
// it takes no context.
func through[Q, R any](ctx context.Context, s *supervised, call func(Service, context.Context, *Q) (*R, error), q *Q) (*R, error) {
	p := s.serving()
	defer p.calls.Done()
	within := p.ctx
	if ctx.Done() != nil { // the call ends with its caller too
		var cancel context.CancelFunc
		within, cancel = context.WithCancel(fakes.WithCaller(ctx, p.caller))
		defer cancel()
		defer context.AfterFunc(p.ctx, cancel)()
	}
	r, err := call(p.service, within, q)
	if p.crashed() {
		return nil, errCrashed
	}
	return r, err
}

func (s *supervised) RunPodSandbox(ctx context.Context, r *runtime.RunPodSandboxRequest) (*runtime.RunPodSandboxResponse, error) {
	return through(ctx, s, Service.RunPodSandbox, r)
}

func (s *supervised) StopPodSandbox(ctx context.Context, r *runtime.StopPodSandboxRequest) (*runtime.StopPodSandboxResponse, error) {
	return through(ctx, s, Service.StopPodSandbox, r)
}

func (s *supervised) RemovePodSandbox(ctx context.Context, r *runtime.RemovePodSandboxRequest) (*runtime.RemovePodSandboxResponse, error) {
	return through(ctx, s, Service.RemovePodSandbox, r)
}

func (s *supervised) CreateContainer(ctx context.Context, r *runtime.CreateContainerRequest) (*runtime.CreateContainerResponse, error) {
	return through(ctx, s, Service.CreateContainer, r)
}

func (s *supervised) StartContainer(ctx context.Context, r *runtime.StartContainerRequest) (*runtime.StartContainerResponse, error) {
	return through(ctx, s, Service.StartContainer, r)
}

func (s *supervised) StopContainer(ctx context.Context, r *runtime.StopContainerRequest) (*runtime.StopContainerResponse, error) {
	return through(ctx, s, Service.StopContainer, r)
}

func (s *supervised) RemoveContainer(ctx context.Context, r *runtime.RemoveContainerRequest) (*runtime.RemoveContainerResponse, error) {
	return through(ctx, s, Service.RemoveContainer, r)
}

func (s *supervised) ContainerStatus(ctx context.Context, r *runtime.ContainerStatusRequest) (*runtime.ContainerStatusResponse, error) {
	return through(ctx, s, Service.ContainerStatus, r)
}

func (s *supervised) ListContainers(ctx context.Context, r *runtime.ListContainersRequest) (*runtime.ListContainersResponse, error) {
	return through(ctx, s, Service.ListContainers, r)
}

func (s *supervised) UpdateContainerResources(ctx context.Context, r *runtime.UpdateContainerResourcesRequest) (*runtime.UpdateContainerResourcesResponse, error) {
	return through(ctx, s, func(service Service, ctx context.Context, r *runtime.UpdateContainerResourcesRequest) (*runtime.UpdateContainerResourcesResponse, error) {
		return service.(Updater).UpdateContainerResources(ctx, r)
	}, r)
}

func (s *supervised) ExecSync(ctx context.Context, r *runtime.ExecSyncRequest) (*runtime.ExecSyncResponse, error) {
	return through(ctx, s, func(service Service, ctx context.Context, r *runtime.ExecSyncRequest) (*runtime.ExecSyncResponse, error) {
		return service.(Execer).ExecSync(ctx, r)
	}, r)
}

func (s *supervised) GetContainerEvents(r *runtime.GetEventsRequest, stream grpc.ServerStreamingServer[runtime.ContainerEventResponse]) error {
	p := s.serving()
	defer p.calls.Done()
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	defer context.AfterFunc(stream.Context(), cancel)()
	return p.service.(Watcher).GetContainerEvents(r, &connection{stream, ctx, p})
}

// connection is a stream from a process, which ends with it.
type connection struct {
	grpc.ServerStreamingServer[runtime.ContainerEventResponse]
	ctx  context.Context
	from *process
}

func (c *connection) Context() context.Context { return c.ctx }

func (c *connection) Send(e *runtime.ContainerEventResponse) error {
	if c.from.crashed() {
		return errCrashed
	}
	return c.ServerStreamingServer.(*subscriber).send(c.ctx, e)
}

// Close ends the process that serves. No crash may be under way.
func (s *supervised) Close() error {
	p := s.process()
	defer p.cancel()
	return p.service.Close()
}
