// Package cri is the life of a container in containerd's CRI service from
// December 2019 until today, one algorithm with the [Changes] that were made to
// it. [Releases] lists which of them a release has: those that are in v2_4_2 are
// in containerd 2.4.2, and so on.
//
// It follows internal/cri/server and internal/cri/store/container of containerd
// (earlier pkg/cri, and before that containerd/cri pkg/server), in our own words:
// create, start, stop, remove and update of a container, its exit and its
// recovery, and the part of sandboxes that containers depend on. What the algorithm
// of April 2019 had already is in package cri2019. There are no images, networks,
// logs or streams; plugins are called, and not synchronised; a sandbox has no process, and after a restart each one
// that a container refers to is ready.
//
// # Races
//
// These are in all releases; the files are those of 2.4.2.
//
//   - container_stop.go: a Stop while Starting sees CREATED, does nothing and
//     succeeds (I9, I17 for sandboxes; containerd#6477 is about CREATED alone).
//   - container_start.go: when RUNNING cannot be written, nor the failure of the
//     start, the container is CREATED again and a second start runs it again (I1).
//     What ran and failed to be recorded has the code 128 (I4).
//   - events.go: a Wait that fails counts as exit 255, and its handling kills the
//     process (I4). The runtime's record of an exit is deleted before ours is on
//     disk: a crash in between makes 255 of it (I4), and a Stop in between
//     succeeds although the status still says RUNNING.
//   - events/events.go: what is put back for a retry overwrites what was queued
//     meanwhile: an exit is lost (I3).
//   - container_stop.go: the stop signal counts as sent before it is sent (I15).
//   - client/container.go: Remove takes any error of the question for a task for
//     "no task" and deletes the record of one that lives (I2, I8).
//   - container_create.go, container_start.go: a Create that fails after its effect
//     leaves a record or a task that nobody knows (I8).
//   - container_update_resources.go: an update while Starting is accepted and
//     never applied (I19); the runtime is called under the lock that readers wait
//     for (I18).
//   - events.go, eventq: STOPPED may be sent before STARTED (I6); a subscriber
//     that does not read holds up everybody (I10, I18).
//   - internal/nri: one lock for all plugins of all containers, so that one that
//     hangs holds up everybody (I18); a container that is created and stopped, which
//     does nothing, and then started is told as stopped and started (I6).
//   - restart.go: an exit code that is on disk is replaced by that of the task
//     (I4, I5); a container whose status cannot be written is left out (I12); no
//     answer means UNKNOWN until somebody stops it.
//
// # Differences
//
// Back-off is timed exactly instead of looked at once a second. A stream of events
// that breaks is subscribed again a second later: to containerd, which is the same
// process, it means the end. Events are made from the first subscription on, and
// not kept for one to come; a subscription ends with its caller. What is only logged
// there is dropped here.
package cri
