// Package fakes is a containerd in one process: daemon, shims and kernel as one
// deterministic object behind the genuine Go client of containerd v2.4, plus the
// state directory of the service that uses it.
//
// # Contract
//
// A caller cannot tell the fake from containerd 2.4 by the class of an error:
// per operation and state of the task it is the one that was measured there, in
// most cases with the text. In particular, Start of a task that is not in state
// created fails with class Unknown; Kill returns when the signal is delivered
// and the process ends in a later step; Kill of a stopped task is NotFound
// unless All is set; the RPC Delete kills a created task and refuses a running
// one with class Unknown; Wait answers at once for a stopped task, with NotFound
// for a deleted one, and otherwise blocks; deleting the record of a container
// orphans its task.
//
// Every call passes three scheduling points, "tasks.Start/before-effect",
// "tasks.Start/after-effect" and "tasks.Start/reply", with the id of the
// container as the object. Processes end by Exit, by themselves if the command
// line is one of internal/initproc, or by a signal: SIGKILL always ends them,
// with 137, SIGTERM with 143 unless the process is started and ignores it; other
// signals have no effect. The end of a process is one step: state, waiters and
// the exit event change together, and per container the events create, start,
// exit and delete are sent in this order. What a subscriber sees is not ordered
// against replies, and the stream is best effort: its buffer is bounded, and with
// Options.EventLoss any task event may be lost.
//
// # What can be changed
//
// Faults make calls fail on either side of their effect: within a budget by
// choice, or by script, or by a plan in the grammar of package failpoint, which
// also delays, drops and reorders what happens elsewhere. Options.Profile is the
// release of containerd to be like, Options.Hooks are called at the phases of
// calls. Crash, Restart, KillShim, CloseConnection, OOM and Jump do by hand what
// a plan does by chance. docs/fake.md lists sites, actions and releases. Without
// them nothing changes, no scheduling point included.
//
// Options.Record receives the ground truth. A task has a Life, the incarnation,
// from its Create on: a process that was killed before its Start has an Exited
// without a Started. Of exec processes only their start is in it.
//
// The fake never polls, reads no clock but time.Now, uses no random numbers and
// lets no order of a map show. All its choices are sim.Choose, or Faults.Choose;
// outside of a controlled execution they are the tame ones. It starts goroutines
// for what happens later, such as the death of a process; none of them outlives
// that.
//
// # Limits
//
// There are no transfers, mounts or sandbox controllers, no checkpoint of tasks,
// no files in snapshots. A call to these panics with its name; so does a
// snapshotter or sandbox controller of unusual name, and the version service, but
// less legibly, since the client asks a connection for them that it does not
// have; package socket has one. A subscription is registered when Subscribe
// returns, exits are told apart by task and not by pid, metrics have OOM
// kills only, resources limit nothing, and streams carry only what Print writes to them.
package fakes
