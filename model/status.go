package model

import "fmt"

// The states of a container and the facts that lead from one to the next:
//
//	          CreateContainer
//	                │ CreatedAt
//	                ▼
//	           ┌─────────┐  the start fails   ┌────────┐
//	           │ CREATED ├───────────────────►│        │
//	           └────┬────┘  FinishedAt, 128   │        │
//	 StartContainer │ StartedAt, Pid          │ EXITED │
//	                ▼                         │        │
//	           ┌─────────┐  the process ends  │        │
//	           │ RUNNING ├───────────────────►│        │
//	           └─────────┘  FinishedAt, code  └────────┘
//
//	  UNKNOWN: the record could not be reconciled with the runtime. It lives
//	  in memory only, covers any state and is left by stopping: to EXITED.
//
// Starting (StartContainer was accepted and has not returned) and Removing
// (RemoveContainer was accepted) are flags beside the state. They are held in
// memory only, so that giving them back needs no disk.

// State is the state of a container as CRI names it.
type State uint8

// The states. StateUnknown is the zero value: a record that says nothing.
const (
	StateUnknown State = iota
	StateCreated
	StateRunning
	StateExited
)

// String returns the name as the CRI prints it, without the CONTAINER_ prefix.
func (s State) String() string {
	return [...]string{"UNKNOWN", "CREATED", "RUNNING", "EXITED"}[s&3]
}

// Legal reports whether a stored record in state from may be replaced by one
// in state to. Writing the same state again is legal. StateUnknown is never
// stored; as from it stands for "no record yet".
func Legal(from, to State) bool {
	switch to {
	case StateCreated:
		return from == StateUnknown || from == StateCreated
	case StateRunning:
		return from == StateCreated || from == StateRunning
	case StateExited:
		return from == StateCreated || from == StateRunning || from == StateExited
	default:
		return false
	}
}

// What a record says of a process whose own exit code there is not.
const (
	// StartErrorCode is the exit code of a container whose start failed,
	// stored together with StartErrorReason.
	StartErrorCode   int32 = 128
	StartErrorReason       = "StartError"
	// UnknownCode is the exit code where the real one cannot be had.
	UnknownCode int32 = 255
	// KilledCode is what a runtime makes up for a process whose shim died.
	KilledCode int32 = 137
)

// Status holds the facts about a container from which its state is derived.
// Names follow containerd's internal/cri/store/container/status.go; times are
// nanoseconds since the Unix epoch, zero when the fact is not there.
type Status struct {
	Pid        uint32
	CreatedAt  int64
	StartedAt  int64
	FinishedAt int64
	ExitCode   int32
	Reason     string
	Message    string

	// Memory only, never in a checkpoint.
	Starting bool
	Removing bool
	Unknown  bool
}

// State derives the state; the first fact that matches wins.
func (s Status) State() State {
	switch {
	case s.Unknown:
		return StateUnknown
	case s.FinishedAt != 0:
		return StateExited
	case s.StartedAt != 0:
		return StateRunning
	case s.CreatedAt != 0:
		return StateCreated
	}
	return StateUnknown
}

// startError reports whether s records a failed start.
func (s Status) startError() bool {
	return s.ExitCode == StartErrorCode && s.Reason == StartErrorReason
}

// String returns the state, what an exit left behind and the flags that are
// up: "RUNNING", "EXITED 128 StartError", "CREATED +starting".
func (s Status) String() string {
	text := s.State().String()
	if s.State() == StateExited {
		text += fmt.Sprintf(" %d", s.ExitCode)
		if s.Reason != "" {
			text += " " + s.Reason
		}
	}
	if s.Starting {
		text += " +starting"
	}
	if s.Removing {
		text += " +removing"
	}
	return text
}
