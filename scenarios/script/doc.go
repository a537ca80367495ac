// Package script reads and runs scenarios: races that somebody reported, told step by
// step, in a text that reads like prose and runs on every variant of the service.
//
//	# scenario v1
//	title: StopContainer during a start does nothing, and succeeds
//	reports: containerd#0
//	users saw: a container that runs although it was stopped
//	invariant: I9
//	breaks: seed2019
//	passes: preseed
//
//	container c1
//
//	# Step 1: the start has made the task, and has not started its process yet.
//	start c1 as S
//	until S at tasks.Create/after-effect
//
//	# Step 2: the container is stopped.
//	stop c1 as P
//	go P
//	finish S
//	finish P
//
//	--- seed2019
//	P: ok
//	S: ok
//	=> I9 (stopped means stopped): ...
//
// Above the story stands what is known of the race; below it, what the run of each
// variant printed. A line that begins with "!" is something that is not as the story
// has it, which the reference has none of. docs/scenarios.md teaches the format.
//
// # Contract
//
// A run is deterministic: everybody is held where the story says so, and goes on only
// in the step that lets him, until all wait. Steps that nothing orders are taken in the
// default order of package sim. [Run] needs the controlled runtime.
//
// # Limits
//
// Points are phases of calls of the runtime and of the disk. What a service does
// between two calls cannot be pinned; an exploration finds it, see package scenarios.
package script
