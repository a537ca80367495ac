// Package blackbox runs workloads on any CRI endpoint, from outside, and judges what
// it sees.
//
// A [Target] is an endpoint on this machine. [Target.Run] makes a container, whose
// process is that of package initproc, has calls meet its start and returns the
// history: calls and returns as the client saw them, statuses as they were read,
// notices from GetContainerEvents, and the truth from the process itself, which
// writes what happens to it into a file of the host. [Judge] has package model judge
// that, and [Undecided] says what it cannot.
//
// [StartPrivate] starts an endpoint that leaves nothing behind: a containerd with
// its CRI plugin, or the reference of this repository in front of a containerd.
package blackbox
