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
// container as the object. Processes end by Exit or by a signal: SIGKILL always
// ends them, with 137, SIGTERM with 143 unless the process is started and has
// IgnoreTerm in its environment; other signals have no effect. The end of a
// process is one step: state, waiters and the exit event change together, and
// per container the events create, start, exit and delete are sent in this
// order. What a subscriber sees is not ordered against replies, and the stream
// is best effort: its buffer is bounded, and with Options.EventLoss any task
// event may be lost.
//
// Faults make calls fail on either side of their effect. Options.Record receives
// the ground truth. A task has a Life, the incarnation, from its Create on: a
// process that was killed before its Start has an Exited without a Started.
//
// The fake never polls, reads no clock but time.Now, uses no random numbers and
// lets no order of a map show. All its choices are sim.Choose; outside of a
// controlled execution they are the tame ones.
//
// # Limits
//
// There are no snapshots, images, content, sandboxes, transfers or mounts, no
// exec processes, no pause and no checkpoint of tasks. A call to these panics
// with its name; so does a snapshotter or sandbox controller of unusual name,
// but less legibly, since the client has no such hook. A crash of the daemon or
// of a shim cannot be simulated, a subscription is registered when Subscribe
// returns, and resources, metrics and streams of processes are empty.
package fakes
