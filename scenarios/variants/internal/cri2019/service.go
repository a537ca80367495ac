package cri2019

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/errdefs"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/scenarios/variants"
)

// Service is the common part. Create it with New, end it with Close.
type Service struct {
	Env variants.Env

	ctx    context.Context // until Close
	cancel context.CancelFunc
	wg     sync.WaitGroup // all goroutines

	mu         sync.Mutex
	ids        int // handed out so far
	names      map[string]bool
	sandboxes  map[string]*sandbox
	containers map[string]*Container

	retries backOff // of the goroutine that runs Loop
}

// Container is an entry of the container store.
type Container struct {
	ID      string
	Sandbox string
	Config  *runtime.ContainerConfig
	Client  containerd.Container
	Status  *Storage

	name    string
	stop    sync.Once
	stopped chan struct{} // closed when EXITED is on disk
}

type sandbox struct {
	id    string
	name  string
	ready bool
}

// New returns a service without containers.
func New(env variants.Env) *Service {
	s := &Service{
		Env:        env,
		names:      map[string]bool{},
		sandboxes:  map[string]*sandbox{},
		containers: map[string]*Container{},
		retries:    backOff{},
	}
	s.Env.Namespace = cmp.Or(env.Namespace, "k8s.io")
	s.ctx, s.cancel = context.WithCancel(s.Namespaced(context.Background()))
	return s
}

// Close ends all goroutines of the service and waits for them. It does not
// wait for calls under way.
func (s *Service) Close() error {
	s.mu.Lock()
	s.cancel()
	s.mu.Unlock()
	s.wg.Wait()
	return nil
}

// Context is a namespaced context that ends with the service.
func (s *Service) Context() context.Context { return s.ctx }

// Go runs fn in a goroutine that Close waits for; not at all after Close.
func (s *Service) Go(fn func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() == nil {
		s.wg.Go(fn)
	}
}

// Namespaced returns ctx with the namespace of the service.
func (s *Service) Namespaced(ctx context.Context) context.Context {
	return namespaces.WithNamespace(ctx, s.Env.Namespace)
}

// Detached returns the context of a clean-up: ctx without its end, for a minute.
func Detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
}

// Container looks an id up. The error is of class errdefs.ErrNotFound.
func (s *Service) Container(id string) (*Container, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.containers[id]; c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("container %q: %w", id, errdefs.ErrNotFound)
}

// SandboxReady returns an error unless the sandbox of c is ready.
func (s *Service) SandboxReady(c *Container) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if pod := s.sandboxes[c.Sandbox]; pod == nil || !pod.ready {
		return fmt.Errorf("sandbox %q of container %q is not ready: %w", c.Sandbox, c.ID, errdefs.ErrFailedPrecondition)
	}
	return nil
}

// reserve takes a name, which release gives back, and a new id made from base.
func (s *Service) reserve(name, base string) (id string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.names[name] {
		return "", fmt.Errorf("name %q is reserved: %w", name, errdefs.ErrAlreadyExists)
	}
	s.names[name] = true
	s.ids++
	return fmt.Sprintf("%s-%d", base, s.ids), nil
}

func (s *Service) release(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.names, name)
}

// list returns the containers for which keep is true, by id.
func (s *Service) list(keep func(*Container) bool) []*Container {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*Container
	for _, c := range s.containers {
		if keep(c) {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b *Container) int { return cmp.Compare(a.ID, b.ID) })
	return all
}
