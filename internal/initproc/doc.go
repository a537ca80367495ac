// Package initproc is the process that runs inside the containers of a real
// run, and what its command line says.
//
// The process does as it is told: it ends with a given code after a given time
// or never, honours or ignores signals, sleeps or burns a processor, writes lines,
// leaves a process behind that keeps its streams open. A [Command] describes
// that; [Command.Args] is the argument vector for the container's spec and
// [Parse] its inverse, so that a test, the process and a reader of a process
// list agree on the meaning.
//
// With [Command.Facts] it also tells what really happened: when it was made and
// started, which signals reached it and what it ended with. [ReadFacts] and [Alive]
// read that from outside of the container. SIGKILL leaves no fact behind, only the
// end of the lock.
//
// [BuildRootfs] makes a root filesystem directory with the process as /init
// and the mount points a runtime needs. Any number of containers can share it
// when it is mounted read-only.
//
// It is not an init system: it reaps nothing.
//
// Two things follow from being process 1 of a pid namespace and written in Go.
// A signal that arrives before the Go runtime has installed its handlers is
// dropped by the kernel; one that arrives in the fraction of a millisecond
// between that and the reading of the arguments ends the process with code 2,
// also when it was to be ignored. SIGKILL always ends it.
package initproc
