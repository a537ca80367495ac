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

	// To be set before the first call, or nil: NewID makes an id, else they are
	// counted; Record is what containerd's record of a container has besides.
	NewID  func() string
	Record func(*Container) []containerd.NewContainerOpts
}

// Container is an entry of the container store.
type Container struct {
	ID      string
	Sandbox string
	Config  *runtime.ContainerConfig
	Client  containerd.Container
	Status  *Storage

	Name string // reserved for it

	stop    sync.Once
	stopped chan struct{} // closed when EXITED is on disk
}

// NewContainer returns an entry of which ID, Client and Status are still to be
// set.
func NewContainer(sandbox string, config *runtime.ContainerConfig) *Container {
	meta := config.GetMetadata()
	return &Container{
		Sandbox: sandbox, Config: config,
		Name:    fmt.Sprintf("%s_%s_%d", meta.GetName(), sandbox, meta.GetAttempt()),
		stopped: make(chan struct{}),
	}
}

// Stopped is closed when EXITED is on disk.
func (c *Container) Stopped() <-chan struct{} { return c.stopped }

// Stop closes Stopped.
func (c *Container) Stop() { c.stop.Do(func() { close(c.stopped) }) }

type sandbox struct {
	id    string
	name  string
	ready bool
}

// New returns a service without containers. It has the values of ctx, and does
// not end with it.
func New(ctx context.Context, env variants.Env) *Service {
	s := &Service{
		Env:        env,
		names:      map[string]bool{},
		sandboxes:  map[string]*sandbox{},
		containers: map[string]*Container{},
		retries:    backOff{},
	}
	s.Env.Namespace = cmp.Or(env.Namespace, "k8s.io")
	s.ctx, s.cancel = context.WithCancel(s.Namespaced(context.WithoutCancel(ctx)))
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

// Go runs fn in a goroutine that Close waits for; after Close it does not, and
// returns false.
func (s *Service) Go(fn func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return false
	}
	s.wg.Go(fn)
	return true
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
	if s.NewID != nil {
		return s.NewID(), nil
	}
	s.ids++
	return fmt.Sprintf("%s-%d", base, s.ids), nil
}

func (s *Service) release(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.names, name)
}

// Adopt takes over a container that an earlier service left, and its sandbox,
// which is ready. It does not reserve the name.
func (s *Service) Adopt(c *Container) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.containers[c.ID] = c
	if s.sandboxes[c.Sandbox] == nil {
		s.sandboxes[c.Sandbox] = &sandbox{id: c.Sandbox, ready: true}
	}
}

// ReserveName takes the name of an adopted container.
func (s *Service) ReserveName(c *Container) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.names[c.Name] {
		return fmt.Errorf("name %q is reserved: %w", c.Name, errdefs.ErrAlreadyExists)
	}
	s.names[c.Name] = true
	return nil
}

// Forget drops a container and gives its name back.
func (s *Service) Forget(c *Container) {
	s.mu.Lock()
	delete(s.containers, c.ID)
	s.mu.Unlock()
	s.release(c.Name)
}

// List returns the containers for which keep is true, by id.
func (s *Service) List(keep func(*Container) bool) []*Container {
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
