package impl

import (
	"context"
	"fmt"
	"sync"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/errdefs"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// metadata is what never changes about a container. It is kept as an extension
// of containerd's container record.
type metadata struct {
	Version       string // metadataVersion
	ID            string
	Name          string // reserved while the container exists
	SandboxID     string
	ImageID       string // "" if the image is a root file system directory
	StopSignal    string // what the image says of it, "" for nothing
	Config        *runtime.ContainerConfig
	SandboxConfig *runtime.PodSandboxConfig
}

// metadataVersion is the version of metadata that this code writes and reads.
const metadataVersion = "v1"

// container is a container in memory: its committed status, which readers copy,
// and who owns it.
type container struct {
	metadata
	handle containerd.Container

	exited  chan struct{} // closed once the status is EXITED
	updated bool          // the record was changed before a restart

	// signaling is held, by a value in it, while the stop signal is sent;
	// whoever holds it may use signaled.
	signaling chan struct{}
	signaled  bool

	// changing is held, by a value in it, while a call that changes the resources is
	// under way.
	changing chan struct{}

	mu        sync.RWMutex // guards what follows; never held across a call or a write
	status    Status
	settled   chan struct{}      // non-nil while Starting or Unknown is set, closed when they are cleared
	stopping  int                // calls of StopContainer that wait for settled
	interrupt context.CancelFunc // of what a stop need not wait for; nil if there is nothing
	events    *events            // where to tell of transitions; nil if nobody listens
	reaped    chan struct{}      // nil before a task is started; closed when the runtime has forgotten it
	output    *output            // nil before a start, and without a log
	updating  chan struct{}      // non-nil while the resources are changed, closed then
}

func newContainer(meta metadata, handle containerd.Container, status Status) *container {
	c := &container{
		metadata:  meta,
		handle:    handle,
		exited:    make(chan struct{}),
		signaling: make(chan struct{}, 1),
		changing:  make(chan struct{}, 1),
		status:    status,
	}
	if status.Unknown {
		c.settled = make(chan struct{})
	}
	return c
}

// get returns the committed status.
func (c *container) get() Status {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.status
}

// beginStart makes the caller the owner of a container that was never started.
// It ends with settle, running or taskGone. While the resources are changed it
// does nothing but return what is closed then.
func (c *container) beginStart() (updating <-chan struct{}, _ error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state := c.status.State(); {
	case c.status.Removing:
		return nil, fmt.Errorf("container is in removing state, can't be started: %w", errdefs.ErrFailedPrecondition)
	case c.status.Starting:
		return nil, fmt.Errorf("container is already in starting state: %w", errdefs.ErrFailedPrecondition)
	case state != runtime.ContainerState_CONTAINER_CREATED:
		return nil, fmt.Errorf("container is in %s state: %w", state, errdefs.ErrFailedPrecondition)
	case c.updating != nil:
		return c.updating, nil
	}
	c.status.Starting = true
	c.settled = make(chan struct{})
	return nil, nil
}

// stopRequested reports whether a StopContainer waits for the start to end.
func (c *container) stopRequested() bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.stopping > 0
}

// running commits a RUNNING status and ends the ownership of Starting or
// Unknown: the container belongs to the follower of its process.
func (c *container) running(status Status) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reaped = make(chan struct{})
	c.set(status)
	c.release()
}

// settle commits status and ends the ownership of Starting or Unknown.
func (c *container) settle(status Status) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set(status)
	c.release()
}

// commit shows status to readers. Only the owner calls it.
func (c *container) commit(status Status) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set(status)
}

// set replaces the facts and leaves flags and resources to those who set them.
func (c *container) set(status Status) {
	status.Starting, status.Removing, status.Unknown = c.status.Starting, c.status.Removing, c.status.Unknown
	status.Resources = c.status.Resources
	if status.FinishedAt != 0 && c.status.FinishedAt == 0 {
		close(c.exited)
	}
	before := c.status
	c.status = status
	c.tell(before)
}

// release clears Starting and Unknown and wakes who waits for that.
func (c *container) release() {
	c.status.Starting, c.status.Unknown = false, false
	if c.settled != nil {
		close(c.settled)
		c.settled = nil
	}
}

// taskGone ends the ownership of the follower of the process: the exit is
// durable and the runtime has forgotten the task.
func (c *container) taskGone() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reaped != nil {
		close(c.reaped)
	}
	c.release()
}

// whenSettled returns the channel that is closed at the end of the start or the
// recovery that is going on; nil if there is none.
func (c *container) whenSettled() <-chan struct{} {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.settled
}

// beginRemove keeps others from starting or removing the container and tells
// whether it runs and what closes when the task of its past is gone (nil if
// there is none). It has to be undone by abortRemove if the removal fails.
func (c *container) beginRemove() (running bool, reaped <-chan struct{}, _ error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.status.Starting:
		return false, nil, fmt.Errorf("container is in starting state, can't be removed: %w", errdefs.ErrFailedPrecondition)
	case c.status.Removing:
		return false, nil, fmt.Errorf("container is already in removing state: %w", errdefs.ErrFailedPrecondition)
	case c.status.Unknown:
		return false, nil, fmt.Errorf("container state is unknown, can't be removed yet: %w", errdefs.ErrFailedPrecondition)
	}
	c.status.Removing = true
	return c.status.State() == runtime.ContainerState_CONTAINER_RUNNING, c.reaped, nil
}

func (c *container) abortRemove() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status.Removing = false
}
