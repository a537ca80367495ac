package fakes

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/containerd/v2/core/events"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/core/leases"
	"github.com/containerd/containerd/v2/core/sandbox"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/pkg/namespaces"

	"github.com/startrace/startrace/model"
)

// Namespace is the namespace of a call whose context names none, and the one
// that Exit, WaitLive, Live and Tasks look at.
const Namespace = "k8s.io"

// Options configures a fake. The zero value is a runtime that never fails and
// loses nothing.
type Options struct {
	// Record receives the ground truth in the order in which it happens:
	// model.TaskCreated, Started, Exited, Signaled, OOMKilled, TaskDeleted and
	// ExecStarted from a Containerd, and Unreliable when it does not answer a question
	// for OOM kills; Stored from Checkpoints. It is called with the lock of the fake
	// held: it must neither block nor call the fake.
	Record func(model.Event)

	// Faults decides which calls fail; nil: none. The same value may serve a
	// Containerd and its Checkpoints, which then share the budget.
	Faults *Faults

	// Profile is the release of containerd to behave like.
	Profile Profile

	// FastExits is how often, in percent, a process that ends by itself at once
	// does so before its Start returns; 0 is 30, as measured, negative is never.
	FastExits int

	// Pids is how many process ids there are; 0: no end. A small number makes
	// them be used again.
	Pids uint32

	// Hooks are called at the phases of calls; nil: none.
	Hooks *Hooks

	// EventLoss lets sim.Choose decide about every task event whether it is lost.
	EventLoss bool
}

func (o Options) record(e model.Event) {
	if o.Record != nil {
		o.Record(e)
	}
}

// Containerd is the world behind the clients: container records, tasks with
// their processes, event subscriptions and leases. It stands for daemon, shims
// and kernel together, so it outlives every client. All methods are safe for
// concurrent use.
type Containerd struct {
	opts Options
	wire wire

	lifeMu  sync.Mutex // guards what follows; taken for an instant, and no scheduling point
	session *session
	skew    time.Duration

	namespaces map[string]map[string]string // labels

	mu         sync.RWMutex // never held across a sim.Point or while blocking
	containers map[key]containers.Container
	tasks      map[key]*task
	lives      map[key]int  // incarnations so far
	bundles    map[key]bool // of tasks that are being created
	pids       pidSpace
	subs       []*subscription            // in order of subscription
	overtaken  map[key][]*events.Envelope // events that the next one of the container overtakes
	leases     map[string][]leases.Lease
	leased     map[key][]leases.Resource
	blobs      map[key]*blob
	ingests    map[key]*blobWriter
	images     map[key]images.Image
	snapshots  map[string]map[key]snapshots.Info // by snapshotter
	sandboxes  map[key]sandbox.Sandbox
	pipes      map[string]*pipe // by path
	held       map[string]bool  // by container
	calm       bool             // StopFaults was called
	changed    chan struct{}    // closed and replaced whenever a task changes
}

// key names a container or task; ids are unique within a namespace only.
type key struct{ namespace, id string }

// New returns an empty world.
func New(opts Options) *Containerd {
	opts.Profile = opts.Profile.resolved()
	c := &Containerd{
		opts:       opts,
		containers: map[key]containers.Container{},
		tasks:      map[key]*task{},
		lives:      map[key]int{},
		bundles:    map[key]bool{},
		pids:       pidSpace{size: opts.Pids, used: map[uint32]bool{}},
		overtaken:  map[key][]*events.Envelope{},
		namespaces: map[string]map[string]string{},
		leases:     map[string][]leases.Lease{},
		leased:     map[key][]leases.Resource{},
		blobs:      map[key]*blob{},
		ingests:    map[key]*blobWriter{},
		images:     map[key]images.Image{},
		snapshots:  map[string]map[key]snapshots.Info{},
		sandboxes:  map[key]sandbox.Sandbox{},
		changed:    make(chan struct{}),
	}
	c.wire = wire{faults: opts.Faults, hooks: opts.Hooks, daemon: c}
	c.session = newSession(c)
	return c
}

// Client returns a genuine client, connected to nothing but this world. Each
// call returns a new one, as a restarted service would make. Closing it is
// allowed and does nothing.
func (c *Containerd) Client() (*containerd.Client, error) {
	named := map[string]snapshots.Snapshotter{}
	for _, name := range snapshotters {
		named[name] = snapshotter{c, name}
	}
	client, err := containerd.New("", containerd.WithDefaultNamespace(Namespace), containerd.WithServices(
		containerd.WithTaskClient(taskService{c}),
		containerd.WithContainerStore(containerStore{c}),
		containerd.WithEventService(eventService{c}),
		containerd.WithLeasesService(leaseManager{c}),
		containerd.WithNamespaceService(namespaceStore{c}),
		containerd.WithContentStore(contentStore{c}),
		containerd.WithImageStore(imageStore{c}),
		containerd.WithSnapshotters(named),
		containerd.WithDiffService(differ{c}),
		containerd.WithIntrospectionService(introspector{c}),
		containerd.WithSandboxStore(sandboxStore{c}),
		containerd.WithTransferService(transferrer{}),
		containerd.WithMountManager(mountManager{}),
	))
	if err != nil {
		return nil, fmt.Errorf("client of the fake containerd: %w", err)
	}
	return client, nil
}

// Exit ends the process of container id with code, as if the process did so
// itself. It reports whether there was a live process, that of a created task
// included.
func (c *Containerd) Exit(id string, code uint32) bool {
	point("process/exit", id)
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.tasks[key{Namespace, id}]
	return t != nil && c.exit(&t.process, code)
}

// WaitLive blocks until container id has a live process, created or started.
// It returns the error of ctx if that ends first.
func (c *Containerd) WaitLive(ctx context.Context, id string) error {
	return c.await(ctx, id, func(t *task) bool { return t.live() })
}

// WaitStarted blocks until a task of container id is past its Start: the
// process runs, or it ran and its task is not deleted yet. It returns the error
// of ctx if that ends first.
func (c *Containerd) WaitStarted(ctx context.Context, id string) error {
	return c.await(ctx, id, func(t *task) bool { return t.started })
}

func (c *Containerd) await(ctx context.Context, id string, cond func(*task) bool) error {
	for {
		c.mu.RLock()
		t, changed := c.tasks[key{Namespace, id}], c.changed
		ok := t != nil && cond(t)
		c.mu.RUnlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Live reports whether container id has a live process, created or started,
// even if its container record is gone.
func (c *Containerd) Live(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.tasks[key{Namespace, id}]
	return t != nil && t.live()
}

// Tasks returns the ids of all tasks, sorted: live, stopped and orphaned ones.
func (c *Containerd) Tasks() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ids []string
	for k := range c.tasks {
		if k.namespace == Namespace {
			ids = append(ids, k.id)
		}
	}
	slices.Sort(ids)
	return ids
}

// StopFaults ends all faults and all loss of events for good, for the phase of
// a run in which the service has to recover.
func (c *Containerd) StopFaults() {
	c.opts.Faults.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calm = true
}

// in returns the key of id in the namespace of ctx, as the interceptors of a
// real connection would set it.
func in(ctx context.Context, id string) key {
	namespace, ok := namespaces.Namespace(ctx)
	if !ok {
		namespace = Namespace
	}
	return key{namespace, id}
}

// notify wakes everybody in await; the lock is held.
func (c *Containerd) notify() {
	close(c.changed)
	c.changed = make(chan struct{})
}
