package impl

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/errdefs"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Config says where a Service works. Client and Checkpoints are required.
type Config struct {
	Client      *containerd.Client
	Checkpoints Checkpoints
	// Namespace is the containerd namespace, "k8s.io" if empty.
	Namespace string
	// Runtime and RuntimeOptions are passed to containerd.WithRuntime; an empty
	// Runtime leaves the choice to containerd.
	Runtime        string
	RuntimeOptions any
	// CgroupParent is the cgroup below which each container gets one named by
	// its id; empty leaves containerd's default.
	CgroupParent string
	// StreamDir is a directory for the named pipes between processes and their
	// logs or ExecSync. Without it ExecSync returns no output and no container
	// can have a log.
	StreamDir string
	// OpenStream opens the end of a stream at which it is read, by its path below
	// StreamDir; nil: a named pipe. Close of the result has to end a Read.
	OpenStream func(ctx context.Context, path string) (io.ReadCloser, error)
	// Snapshotter has the root file systems of containers whose image is one of
	// containerd's images. Without it the image of each container is the path of a
	// directory.
	Snapshotter string
	// NewID returns an id that was never returned before, for a container or a
	// sandbox; nil: 64 random hexadecimal digits.
	NewID func() string
	// Pause is the process that each new sandbox has. nil: a sandbox is a name
	// that containers refer to, without a process and without a record; after a
	// restart those to which containers refer are back, READY. Nor are exits
	// asked for OOM kills then.
	Pause *Pause
	// Hooks is called at the start and the end of each container; may be nil.
	Hooks Hooks
}

// Service implements the CRI runtime service, for pods and their containers. Its
// methods are safe for concurrent use. Errors are gRPC statuses.
type Service struct {
	runtime.UnimplementedRuntimeServiceServer

	config Config
	client *containerd.Client
	disk   Checkpoints

	ctx    context.Context // of the goroutines in background; has the namespace
	cancel context.CancelFunc

	mu         sync.RWMutex // guards what follows; never held across a call or a write
	closed     bool
	containers map[string]*container
	sandboxes  map[string]*sandbox
	names      map[string]string // reserved names of containers and sandboxes, and for which id
	watched    bool              // somebody has subscribed to events
	goroutines sync.WaitGroup

	events events
}

var _ runtime.RuntimeServiceServer = (*Service)(nil)

const (
	defaultNamespace = "k8s.io"
	// callTimeout bounds one try of a call that nobody waits for.
	callTimeout = 10 * time.Second
	// cleanupTimeout is how long a failed call waits for its cleanup, which
	// goes on in background after that.
	cleanupTimeout = 10 * time.Second
)

// New returns a service which manages the containers that cfg.Checkpoints and
// the namespace in containerd have records of. Before it returns it has asked
// containerd about each of them once; those about which it got no answer are
// UNKNOWN until it gets one. It fails if one of the lists cannot be read.
// The service ends with Close, not with ctx.
func New(ctx context.Context, cfg Config) (*Service, error) {
	if cfg.Client == nil || cfg.Checkpoints == nil {
		return nil, fmt.Errorf("client and checkpoints are required: %w", errdefs.ErrInvalidArgument)
	}
	if cfg.Namespace == "" {
		cfg.Namespace = defaultNamespace
	}
	if cfg.NewID == nil {
		cfg.NewID = randomID
	}
	s := &Service{
		config:     cfg,
		client:     cfg.Client,
		disk:       cfg.Checkpoints,
		containers: map[string]*container{},
		sandboxes:  map[string]*sandbox{},
		names:      map[string]string{},
	}
	s.ctx, s.cancel = context.WithCancel(s.withNamespace(context.WithoutCancel(ctx)))
	if err := s.recover(s.withNamespace(ctx)); err != nil {
		return nil, errors.Join(fmt.Errorf("failed to recover: %w", err), s.Close())
	}
	return s, nil
}

// Close ends everything that the service does in background and waits for it.
// Containers and their records stay as they are, for the next New. Calls that
// wait for something in background fail.
func (s *Service) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.goroutines.Wait()
	return nil
}

// background runs fn in a goroutine that Close ends and waits for. It reports
// false, and does not, if the service is closed already: the next one recovers
// what fn is for.
func (s *Service) background(fn func(context.Context)) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return false
	}
	s.goroutines.Go(func() { fn(s.ctx) })
	return true
}

// wait returns nil when done is closed, or why there is no use waiting any
// longer. It returns at once if done is nil.
func (s *Service) wait(ctx context.Context, done <-chan struct{}) error {
	if done == nil {
		return nil
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.ctx.Done():
		return errClosed
	}
}

var errClosed = fmt.Errorf("service is closed: %w", errdefs.ErrUnavailable)

// container returns a container by its id.
func (s *Service) container(id string) (*container, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	c, ok := s.containers[id]
	if !ok {
		return nil, fmt.Errorf("container %q: %w", id, errdefs.ErrNotFound)
	}
	return c, nil
}

// reserve keeps name for id until release.
func (s *Service) reserve(name, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if owner, ok := s.names[name]; ok {
		return fmt.Errorf("name %q is reserved for %q: %w", name, owner, errdefs.ErrAlreadyExists)
	}
	s.names[name] = id
	return nil
}

func (s *Service) release(name, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.releaseLocked(name, id)
}

// releaseLocked leaves a name alone that is reserved for another: after a
// restart two may claim it.
func (s *Service) releaseLocked(name, id string) {
	if s.names[name] == id {
		delete(s.names, name)
	}
}

func (s *Service) withNamespace(ctx context.Context) context.Context {
	return namespaces.WithNamespace(ctx, s.config.Namespace)
}

// detach returns a context for cleaning up after a call: it outlives the
// caller's, which may be the reason for the cleanup.
func detach(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
}

func randomID() string {
	b := make([]byte, 32)
	rand.Read(b)
	return hex.EncodeToString(b)
}
