// Package conformance compares the fake containerd with real ones.
//
// One suite is written against the genuine client and a [World], what can be
// done to a containerd beside calling it. The fake is one World; the daemons of
// [Releases], which package real starts, are the others. What the real ones did
// is recorded in testdata, so that the fake is compared with them on machines on
// which none can run. Outcomes are texts without ids, process ids and paths.
package conformance
