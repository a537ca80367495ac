// Package mutants has faults to plant in the reference implementation, package
// impl, each of which breaks one of its rules. A search that cannot tell a
// mutant from the reference would not see the fault in the reference either: it
// shows a hole in package model or in the harness.
//
// A [Mutant] is an edit of a source file. Nothing in impl knows of it: a
// [Scratch] is a module in a temporary directory, with a copy of impl for each
// mutant, and a program that searches them. It needs the checkout that it belongs
// to, and the go command.
//
// # What counts as killed
//
// Each mutant gets the same workloads (package search), the same number of
// executions and the same seed, and nothing tells the search what is wrong or
// which interleaving shows it. It is killed by an execution that the model, or a
// detector of package sim, does not accept. The unchanged copy, [Control], has to
// survive the same search; else a kill would mean nothing.
//
// # What is no mutant
//
// An edit that nobody outside of the service can see, such as another text in a
// log; one that breaks the contract in the simplest sequential use, which any
// test would find; and one whose fault needs what the workloads do not have.
package mutants
