package cri

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/typeurl/v2"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/scenarios/variants"
	"github.com/startrace/startrace/scenarios/variants/internal/cri2019"
)

// Service is a release of the CRI service. Its methods may be called concurrently.
type Service struct {
	*cri2019.Service
	changes Changes

	exits   chan cri2019.Exit // to the loop; not if Parallel
	backOff backOff
	queue   queue
	plugins *plugins

	mu       sync.Mutex
	signaled map[string]*atomic.Bool // by container: the stop signal was sent
}

const (
	kindLabel = "io.startrace.variant.kind"
	kind      = "container"
	extension = "io.startrace.variant.metadata"

	// exitBuffer is how many exits may wait for the loop before their monitors do.
	exitBuffer = 1024
)

// metadata is what containerd's record of a container has for the recovery.
type metadata struct {
	Sandbox string
	Config  *runtime.ContainerConfig
}

func init() { typeurl.Register(&metadata{}, "io.startrace/variant/Metadata") }

// New returns a service that has recovered what an earlier one left. Close ends
// it, ctx does not.
func New(ctx context.Context, env variants.Env, changes Changes) (*Service, error) {
	s := &Service{
		Service:  cri2019.New(ctx, env),
		changes:  changes,
		exits:    make(chan cri2019.Exit, exitBuffer),
		backOff:  newBackOff(),
		queue:    newQueue(),
		signaled: map[string]*atomic.Bool{},
		plugins:  newPlugins(nil),
	}
	if changes.Notifies {
		s.plugins.hooks = env.Hooks
	}
	s.NewID = env.NewID
	s.Record = func(c *cri2019.Container) []containerd.NewContainerOpts {
		return []containerd.NewContainerOpts{
			containerd.WithContainerLabels(map[string]string{kindLabel: kind}),
			containerd.WithContainerExtension(extension, &metadata{Sandbox: c.Sandbox, Config: c.Config}),
		}
	}
	// The subscription is opened before the recovery, and read after it.
	in, errs := s.subscribe()
	if err := s.recover(s.Namespaced(ctx)); err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("recover: %w", err)
	}
	s.Go(func() { s.loop(in, errs) })
	return s, nil
}

// CreateContainer follows container_create.go.
func (s *Service) CreateContainer(ctx context.Context, r *runtime.CreateContainerRequest) (*runtime.CreateContainerResponse, error) {
	reply, err := s.Service.CreateContainer(ctx, r)
	if err == nil {
		s.plugins.created(reply.GetContainerId())
		s.tell(runtime.ContainerEventType_CONTAINER_CREATED_EVENT, reply.GetContainerId(), r.GetPodSandboxId())
	}
	return reply, err
}

// latch returns whether the stop signal was sent to a container.
func (s *Service) latch(id string) *atomic.Bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.signaled[id] == nil {
		s.signaled[id] = &atomic.Bool{}
	}
	return s.signaled[id]
}
