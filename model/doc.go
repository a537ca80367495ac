// Package model says what a container runtime service must do: the states of
// a container, the history of an execution, and the invariants that every
// history of a correct service keeps.
//
// It is values only: no time, sync or context, nothing of containerd, and no
// goroutines but those of a search in [Linearizable]. It neither runs nor records
// anything. Whoever recorded a history ([Simulated] or [Real]) has the same checks
// judge it.
//
// # Contract
//
// [Check] and [Linearizable] are pure functions of the history. What they report
// happened: no execution of a correct service has a history with a violation,
// whatever the interleaving and whichever calls and writes failed, as long as the
// faults end before the [Settled] event. Where overlapping calls may take effect in
// either order both orders are accepted.
//
// An empty result proves that this one execution broke none of the
// [Invariants]. It says nothing about other schedules; nothing about what the
// history does not hold, such as a container without a Settled event; and of
// a Real history nothing about what [Undecidable] names.
package model
