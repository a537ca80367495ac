// Package impl is a reference implementation of the container half of the
// Kubernetes CRI on containerd: create, start, stop, remove, status and list,
// with as much of a pod sandbox as they need. [Service] talks to containerd
// through its ordinary Go client and keeps one status record per container in
// a [Checkpoints] directory.
//
// It follows the algorithm of containerd's own CRI plugin (internal/cri/server,
// v2.4.2) and closes the windows known there; docs/departures.md lists each
// difference. What holds in every interleaving and whatever single calls to
// containerd or writes to the directory fail:
//
//   - A container is started at most once. RUNNING is durable before task.Start
//     is called, and a start that failed ends in EXITED.
//   - Nobody else removes or starts a container between the first and the last
//     step of a StartContainer. A StopContainer in between is honoured.
//   - The exit code and time of a process are those of task.Wait. They are
//     durable before the runtime is told to forget the task, and never change.
//     An error of task.Wait is not an exit.
//   - StopContainer that returns nil left no process behind.
//   - The records of a container are deleted only after the runtime said that it
//     has no task for it.
//
// # Ownership
//
// A container has one owner at a time, which alone makes transitions and writes
// the record: CreateContainer, then whoever set Starting (StartContainer), then
// the goroutine that follows the process to its end, then whoever set Removing
// (RemoveContainer). Readers get the last committed status under a mutex which
// is never held across a call or a write. A status is committed after it became
// durable, with one exception: EXITED is shown even while its write fails and
// is retried, because the process has ended in any case.
//
// # Limits
//
// It is not a complete CRI: there is no image service, network, exec, attach,
// log file, event stream or resource update. The image of a container is the
// path of a root file system directory, which containers share read-only, and a
// sandbox is a record without a process. Sandbox records are not persisted:
// after a restart the sandboxes that containers refer to are back, READY.
package impl
