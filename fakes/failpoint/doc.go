// Package failpoint is the grammar of fault plans: what goes wrong in a fake
// containerd, where, how often. It parses and prints plans and knows which action
// fits which site; package fakes executes them.
//
// The grammar is that of FreeBSD's fail(9) and of containerd's
// internal/failpoint, with actions of its own. Plans are values; all functions
// are safe for concurrent use.
package failpoint
