// Package cri2019 is what the two sides of the change of April 2019 have in
// common (containerd/cri#1133, "Use wait instead of TaskExit"): containerd's
// CRI service without StartContainer and without a source of exits. Package
// preseed and package seed2019 add these two, each in its way.
//
// It follows containerd/cri pkg/server and pkg/store/container as they were
// that month, in our own words and reduced to the life of a container: no
// images, networks, logs, hooks or recovery. Where the original only logged an
// error it is dropped here.
//
// Three things differ from the original, none of which is part of a race. Ids
// are counted instead of random, so that executions repeat. Back-off is timed
// exactly instead of looked at once a second. StopContainer of a container
// that is gone succeeds, as it has since containerd/containerd#10520.
package cri2019
