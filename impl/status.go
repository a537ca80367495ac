package impl

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/containerd/errdefs"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// The states of a container and what leads from one to the next:
//
//	CreateContainer
//	      |
//	      v                     start failed
//	   CREATED -------------------------------------+
//	      | StartContainer (Starting)               |
//	      v                                         v
//	   RUNNING ------------- exit --------------> EXITED
//	                                                | RemoveContainer (Removing)
//	                                                v
//	                                             deleted
//
// UNKNOWN is any of them, after a restart and until the runtime has answered.

const (
	// errorStartExitCode and errorStartReason describe a container whose start
	// failed and whose process, if there was one, left no exit code.
	errorStartExitCode = 128
	errorStartReason   = "StartError"
	// unknownExitCode and unknownExitReason describe a container that ended
	// while nobody watched and whose task the runtime has forgotten.
	unknownExitCode   = 255
	unknownExitReason = "Unknown"
	// The reasons of an exit of which nothing more is known than its code.
	completeExitReason = "Completed"
	errorExitReason    = "Error"
)

// Status holds the facts about a container from which its state is derived. It
// follows containerd's internal/cri/store/container/status.go. Times are
// nanoseconds since the Unix epoch, 0 if it has not happened.
type Status struct {
	Pid        uint32
	CreatedAt  int64
	StartedAt  int64 // taken before task.Start, so that no exit is earlier
	FinishedAt int64
	ExitCode   int32
	Reason     string
	Message    string
	Hooked     bool `json:",omitempty"` // Hooks may know of a start, and not of the end

	// Resources are those in the spec of containerd's record, where they are
	// durable; nil if there are none.
	Resources *runtime.LinuxContainerResources `json:"-"`
	// Starting is set while a StartContainer owns the container, until it has
	// either started it or cleaned up.
	Starting bool `json:"-"`
	// Removing is set while a RemoveContainer owns the container.
	Removing bool `json:"-"`
	// Unknown is set after a restart, until the runtime has been asked.
	Unknown bool `json:"-"`
}

// State derives the state; the first fact that matches wins.
func (s Status) State() runtime.ContainerState {
	switch {
	case s.Unknown:
		return runtime.ContainerState_CONTAINER_UNKNOWN
	case s.FinishedAt != 0:
		return runtime.ContainerState_CONTAINER_EXITED
	case s.StartedAt != 0:
		return runtime.ContainerState_CONTAINER_RUNNING
	case s.CreatedAt != 0:
		return runtime.ContainerState_CONTAINER_CREATED
	}
	return runtime.ContainerState_CONTAINER_UNKNOWN
}

// exit is how a process ended; the zero value is that nobody knows.
type exit struct {
	code uint32
	at   time.Time
}

func (e exit) known() bool { return !e.at.IsZero() }

// exited returns s after e. The time of the exit is kept as the runtime told
// it. If a clock that was set back made it earlier than the start, the start
// gives way.
func (s Status) exited(e exit) Status {
	s.Pid = 0
	s.ExitCode, s.FinishedAt = int32(e.code), e.at.UnixNano()
	if !e.known() {
		s.ExitCode, s.Reason = unknownExitCode, unknownExitReason
		s.FinishedAt = time.Now().UnixNano()
	}
	s.StartedAt = min(s.StartedAt, s.FinishedAt)
	return s
}

// startFailed returns s after a StartContainer that failed with err. Only if it
// came as far as task.Start, at startedAt, is the exit that of the container;
// before that it is that of a process which waited to become the container.
func (s Status) startFailed(err error, startedAt int64, e exit) Status {
	s.StartedAt = startedAt
	if startedAt == 0 || !e.known() {
		e = exit{code: errorStartExitCode, at: time.Now()}
	}
	s = s.exited(e)
	s.Reason, s.Message = errorStartReason, err.Error()
	return s
}

const statusVersion = "v1"

// versionedStatus is the form of a status in a checkpoint.
type versionedStatus struct {
	Version string
	Status
}

func (s Status) encode() ([]byte, error) {
	return json.Marshal(versionedStatus{Version: statusVersion, Status: s})
}

func decodeStatus(data []byte) (Status, error) {
	var v versionedStatus
	if err := json.Unmarshal(data, &v); err != nil {
		return Status{}, fmt.Errorf("damaged status record: %w", err)
	}
	if v.Version != statusVersion {
		return Status{}, fmt.Errorf("unsupported version %q of a status record: %w", v.Version, errdefs.ErrNotImplemented)
	}
	if v.CreatedAt == 0 {
		return Status{}, fmt.Errorf("damaged status record: no creation time")
	}
	return v.Status, nil
}
