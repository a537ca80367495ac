// Package impl is a reference implementation of the runtime half of the
// Kubernetes CRI on containerd: pod sandboxes and containers. [Service] talks to
// containerd through its ordinary Go client and keeps one status record per
// container, and two per sandbox, in a [Checkpoints] directory.
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
//   - An update of resources that returns nil is durable and in force; one that
//     fails is undone.
//   - Nothing waits for the streams of a process that it left to another, but
//     for 2 s.
//   - The records of a container are deleted only after the runtime said that it
//     has no task for it.
//   - In a sandbox for which StopPodSandbox was called nothing is created or
//     started, before or after a restart.
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
// Resources have an owner of their own, the UpdateContainerResources at work,
// for which StartContainer waits, as it waits for StartContainer. They are durable
// in the spec of containerd's record and nowhere else.
//
// # Streams and logs
//
// A process whose container has a log, or that ExecSync runs, has a named pipe
// for each of stdout and stderr below Config.StreamDir. A goroutine per stream
// copies until the pipe ends, its container is removed or the service closed; a
// new service opens the pipes of running containers again, in which the kernel
// keeps 64 KiB meanwhile. Lines of a log are written under a lock that rotation
// takes too, so that each is whole and in one file.
//
// The pause process of a sandbox is such a container. Beside it a sandbox has a
// record that says whether it was stopped, with an owner of its own: who holds
// sandbox.owner. A sandbox is READY while the pause process is RUNNING and it was
// not stopped; what readers see of that is on disk, with the same exception.
//
// # Limits
//
// It is not a complete CRI: there is no attach, terminal or interactive exec, no
// users, capabilities, devices or security profiles. Calls for the former answer
// Unimplemented, and so does CreateContainer for the latter. Package impl/images is
// the image service. What a container writes and nobody has read when it ends while
// no service runs is lost, and an exec process that runs when the service is killed
// lives as long as its container. The image of a container is the path of a root
// file system directory, which containers share read-only, or with
// Config.Snapshotter one of containerd's images, of which each has a snapshot of its
// own. A pod has the network and the host name of the machine, whatever it asks for,
// and containers share no other namespace with their pause process. With
// Config.Pause nil, sandboxes have no process and no record: after a restart those
// that containers refer to are back, READY.
package impl
