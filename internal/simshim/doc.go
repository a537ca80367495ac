// Package simshim is a containerd shim that simulates its containers: it serves
// the task API, version 2, of containerd's runtime v2 and runs no processes.
// containerd takes it for the runtime [Runtime].
//
// When a process ends and with which code, how long each call takes and whether
// it fails, which signals are ignored, whether Wait answers before or after the
// exit event and what becomes of that event is said by annotations of the
// container's spec; [Parse] makes a [Behavior] of them. What they leave open
// comes from the arguments of the process: if they are those of
// [initproc.Command], the process that runs in the containers of a real run, it
// ends as that one would. Any other process runs until it is killed.
//
// [Service] is the task service. It needs no containerd, so that it can be
// tested in process. [Main] is the rest of the program: the commands start and
// delete that containerd calls, and the server.
//
// It is not a sandbox, and makes no cgroups, mounts or namespaces. Nothing is
// read from or written to the streams of a container. Metrics and checkpoints
// are not implemented.
package simshim
