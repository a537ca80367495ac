// Package daemon runs a private containerd for tests and takes it down leaving
// nothing behind.
//
// [Start] builds the containerd, runc shim and runc pinned in tools/go.mod,
// once per version, into the user's cache directory, and starts the daemon
// with a root, a state directory, sockets, a runc root, a namespace and a
// cgroup parent of its own, so that it meets neither a containerd already on
// the machine nor another one started here. [Daemon.Stop] kills what runs in
// it, stops it and removes its processes, mounts, cgroups and directories;
// [Daemon.Census] reports what is left, which a test asserts to be empty.
//
// With [Options.Binary] another release is started in the same way, such as the
// one that [Debian] unpacks.
//
// With [Options.Address] no daemon is started: a namespace of its own in the
// daemon that serves there is used and emptied instead.
//
// When the process that called Start dies without Stop, its daemon dies with
// it at once. Shims and containers outlive a containerd by design; the next
// Start on the machine finds and removes them.
//
// It needs root and writable cgroups. [Available] says in one line why it
// cannot run here. It is not a sandbox: containers run as root, and only what
// is started through the daemon's namespace is cleaned up.
package daemon
