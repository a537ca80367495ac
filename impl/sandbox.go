package impl

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/internal/initproc"
)

// Pause is what runs in each pod sandbox for as long as it is READY.
type Pause struct {
	// Rootfs is the absolute path of its root file system directory.
	Rootfs string
	// Args is its argument vector, which should run until it is killed; nil
	// stands for the process that initproc.BuildRootfs puts in a directory.
	Args []string
}

func (p *Pause) args() []string {
	if len(p.Args) > 0 {
		return p.Args
	}
	return initproc.Command{ExitAfter: initproc.Forever}.Args()
}

// sandbox is a pod sandbox. Its pause process is a container in every respect
// but that the calls for containers do not know it: it has a status record of
// its own, one owner at a time, and the same follower to its end. A sandbox is
// READY while that container is RUNNING and nobody has stopped the sandbox.
type sandbox struct {
	id        string
	name      string
	config    *runtime.PodSandboxConfig
	createdAt int64
	pause     *container // nil if the service has no Config.Pause: READY until it is stopped

	// Guarded by Service.mu; never false again once they are true.
	stopping bool          // nothing is created or started any more
	stopped  bool          // readers see that: it is on disk, or the first write failed
	told     chan struct{} // closed when stopped is set

	owner chan struct{} // held, by a value in it, by whoever writes or deletes the record
}

func newSandbox(id, name string, config *runtime.PodSandboxConfig, createdAt int64) *sandbox {
	return &sandbox{
		id: id, name: name, config: config, createdAt: createdAt,
		told: make(chan struct{}), owner: make(chan struct{}, 1),
	}
}

// stop makes the sandbox NOTREADY. Service.mu is held.
func (p *sandbox) stop() {
	if !p.stopped {
		p.stopping, p.stopped = true, true
		close(p.told)
	}
}

// alive reports whether there is a pause process, if there is to be one.
func (p *sandbox) alive() bool {
	return p.pause == nil || p.pause.get().State() == runtime.ContainerState_CONTAINER_RUNNING
}

// created returns when the sandbox was made, in nanoseconds since the Unix epoch.
func (p *sandbox) created() int64 {
	if p.pause == nil {
		return p.createdAt
	}
	return p.pause.get().CreatedAt
}

// state is what readers see. Service.mu is held.
func (p *sandbox) state() runtime.PodSandboxState {
	if !p.stopped && p.alive() {
		return runtime.PodSandboxState_SANDBOX_READY
	}
	return runtime.PodSandboxState_SANDBOX_NOTREADY
}

// readySandbox returns a sandbox, an error unless it is READY and stays that for
// all that anybody knows.
func (s *Service) readySandbox(id string) (*sandbox, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.readySandboxLocked(id)
}

func (s *Service) readySandboxLocked(id string) (*sandbox, error) {
	p, ok := s.sandboxes[id]
	if !ok {
		return nil, fmt.Errorf("sandbox %q: %w", id, errdefs.ErrNotFound)
	}
	if p.stopping || !p.alive() {
		return nil, errNotReady(id)
	}
	return p, nil
}

func errNotReady(id string) error {
	return fmt.Errorf("sandbox %q is not ready: %w", id, errdefs.ErrFailedPrecondition)
}

// admit returns an error if c must not be started: its sandbox is not READY or,
// of a pause process, stopped.
func (s *Service) admit(c *container) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if p, ok := s.sandboxes[c.ID]; ok {
		if p.stopping {
			return errNotReady(c.ID)
		}
		return nil
	}
	_, err := s.readySandboxLocked(c.SandboxID)
	return err
}

// sandbox returns a sandbox by its id, nil if there is none.
func (s *Service) sandbox(id string) *sandbox {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.sandboxes[id]
}

// containersOf returns the containers of a sandbox, sorted by id.
func (s *Service) containersOf(id string) []*container {
	return slices.DeleteFunc(s.sortedContainers(), func(c *container) bool { return c.SandboxID != id })
}

func sandboxName(m *runtime.PodSandboxMetadata) string {
	return strings.Join([]string{m.GetName(), m.GetNamespace(), m.GetUid(), fmt.Sprint(m.GetAttempt())}, "_")
}

// sandboxRecord is what the state directory has of a sandbox beside the status
// of its pause process. The rest, which never changes, is metadata of the
// containerd record.
type sandboxRecord struct {
	Version string
	Stopped bool // StopPodSandbox was called
}

const (
	sandboxVersion = "sandbox/v1"
	// sandboxSuffix makes the name of the record from the id of the sandbox.
	sandboxSuffix = ".sandbox"
)

// recordSandbox makes durable whether a sandbox is stopped.
func (s *Service) recordSandbox(id string, stopped bool) error {
	data, err := json.Marshal(sandboxRecord{Version: sandboxVersion, Stopped: stopped})
	if err != nil {
		return fmt.Errorf("failed to encode record of sandbox %q: %w", id, err)
	}
	return s.disk.Write(id+sandboxSuffix, data)
}

// decodeSandbox reads a record. A record of another version, or a damaged one,
// is an error: what it says about the sandbox is not known.
func decodeSandbox(data []byte) (sandboxRecord, error) {
	var r sandboxRecord
	if err := json.Unmarshal(data, &r); err != nil {
		return sandboxRecord{}, fmt.Errorf("damaged sandbox record: %w", err)
	}
	if r.Version != sandboxVersion {
		return sandboxRecord{}, fmt.Errorf("unsupported version %q of a sandbox record", r.Version)
	}
	return r, nil
}
