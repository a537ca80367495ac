// Package schedule holds the choice list of one execution: how it is written
// down, read back, and made small.
//
// A [Schedule] is everything that is needed to run an execution again. It has
// two written forms, both versioned, both of which refuse what they do not
// know instead of guessing:
//
//   - [Schedule.Token], read by [Parse]: one short printable word with a
//     checksum, for a command line or a commit message;
//   - [Schedule.WriteFile], read by [ReadFile]: a text file for testdata, which
//     a person can read and edit.
//
// [Shrink] makes a failing schedule small, [Necessary] says which of the
// deviations that are left the failure depends on.
//
// The package is not the thing that runs executions: that is package sim, which
// hands an [Attempt] to the shrinker. Everything here is a pure function of its
// arguments apart from the two functions that touch files; there are no
// goroutines, and all of it may be called concurrently.
package schedule
