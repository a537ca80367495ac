package model

// Op names an operation of the service under test.
type Op string

// The operations of a history, named as in the CRI.
const (
	OpCreate Op = "CreateContainer"
	OpStart  Op = "StartContainer"
	OpStop   Op = "StopContainer"
	OpRemove Op = "RemoveContainer"
	OpStatus Op = "ContainerStatus"
	OpList   Op = "ListContainers"
	OpUpdate Op = "UpdateContainerResources"
	OpExec   Op = "ExecSync"

	OpStopSandbox   Op = "StopPodSandbox"   // about a sandbox, without container
	OpRemoveSandbox Op = "RemovePodSandbox" // the same
)

// Notice is what a subscriber is told of a process.
type Notice string

// The notices, in the order in which they may come.
const (
	NoticeCreated Notice = "CREATED"
	NoticeStarted Notice = "STARTED"
	NoticeStopped Notice = "STOPPED"
	NoticeDeleted Notice = "DELETED"
)

// What a runtime may lose; see [Unreliable].
const (
	Exits   = "exits"   // codes and times of exits; in a simulation also Shims
	Shims   = "shims"   // the parents of processes, which are then taken for dead
	Signals = "signals" // whether a signal was delivered
	Reasons = "reasons" // that a process ended for lack of memory
)

// Kind says what an event records.
type Kind uint8

// The kinds of events. Call and Return come from the caller of the service;
// TaskCreated, Started, Exited, Signaled and TaskDeleted from the runtime (the
// ground truth); Stored from the checkpoint store; Observed from a reader;
// Settled from the observer once nothing is in flight and no fault is left.
//
// ExecStarted to Resumed come from the runtime as well, or from who governs it;
// ExecExited, Notified and Unsubscribed from those who are told of processes; Member
// to Leftover from the harness. Who records nothing of a kind leaves undecided what
// needs it.
//
// Exited without Started is the end of a process that was created and never
// started: the workload did not run.
const (
	Call        Kind = iota + 1 // an operation was called: Op, ID, Probe
	Return                      // it returned: Op, ID, Probe, Err ("" is success)
	Started                     // the process of the container runs: Life, Pid, At
	Exited                      // it ended: Life, Pid, Code, At
	Signaled                    // a signal reached it: Life, Signal
	TaskDeleted                 // the runtime forgot the task: Life
	Stored                      // a checkpoint became durable: Status
	Observed                    // a reader saw this status: Status, ID of its call
	Settled                     // final view: Status, Present, Alive
	TaskCreated                 // the runtime made a task, its process waits to be started: Life, Pid

	ExecStarted // a process that is executed in the container runs: Life, Exec
	OOMKilled   // the kernel killed for lack of memory, and said so: Life
	Applied     // a live process got these resources: Resources
	Unreliable  // from here on the runtime, or the way to it, may lose What; without Container it is about all
	Hung        // from here on the runtime does not answer about this container
	Resumed     // it does again

	ExecExited   // the end of an executed process was delivered: Channel, Life, Exec
	Notified     // a notice was delivered: Channel, Life, Notice
	Unsubscribed // nothing more is delivered: Channel, without Container

	Member    // the container is one of Sandbox
	Canceled  // the caller gave up: ID of its call
	Crashed   // the service died, all its calls with it; without Container
	Recovered // its successor serves, or does not: Err, Probe if no fault was left; without Container
	Leftover  // What is there at rest, and belongs to the container
)

// Event is one entry of a history. Which fields are set depends on Kind.
type Event struct {
	Kind      Kind
	Container string
	At        int64 // nanoseconds since the Unix epoch

	Op    Op     // Call, Return
	ID    int    // Call, Return: pairs a return with its call, unique in a history; Observed: the call that saw it
	Err   string // Return, Recovered: error class (errdefs name) and text, "" for success
	Probe bool   // Call, Return: asked by the harness at rest, must succeed (I11)

	Life   int    // ground truth: incarnation, 1 for the first task of an id
	Pid    uint32 // ground truth
	Code   int32  // Exited: the real exit code
	Signal int    // Signaled

	Timeout   int64  // Call of OpStop: nanoseconds until SIGKILL
	Sandbox   string // Member; Call and Return of the operations of a sandbox
	Resources string // Call of OpUpdate; Applied: what the process may use, in any words; Settled: what its record says of that, "" if nobody looked
	Channel   string // who was told: a subscriber, a hook
	Notice    Notice // Notified
	Exec      string // the executed process, unique in its container; Leftover: the one that is left of a call
	What      string // Unreliable, Leftover

	Status  Status // Stored, Observed, Settled
	Present bool   // Settled: the service still has a record of the container
	Alive   bool   // Settled: a process of the container is there, started or only created
}

// Source tells where a history was recorded, and so how much it can prove.
type Source uint8

const (
	// Simulated histories are totally ordered: an event precedes another if
	// and only if it happened before it.
	Simulated Source = iota
	// Real histories come from a real runtime: an event is seen some time
	// after it happened or not at all, so that of two events of different
	// observers the first seen need not be the first that happened, and an
	// exit time is as fine as the runtime reports it. Calls and returns are
	// in order.
	Real
)

// String returns "simulated" or "real".
func (s Source) String() string {
	return [...]string{"simulated", "real"}[s&1]
}

// History is what was seen of one execution, in the order it was seen.
type History struct {
	Source Source
	Events []Event
}
