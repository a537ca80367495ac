// Package sim runs unmodified Go code under a scheduler that it controls:
// exactly one goroutine runs at a time, and at every channel, lock, atomic,
// timer and go operation a strategy, a recorded schedule, or a search decides
// who is next. A race that shows up once in ten thousand runs shows up every
// time, in the shortest form, with a command that replays it.
//
// A package that simulates hands its tests to [Main]:
//
//	func TestMain(m *testing.M) { sim.Main(m) }
//
// and explores with [Explore]:
//
//	func TestCounter(t *testing.T) {
//		sim.Explore(t, sim.Options{}, func(t *sim.T) {
//			var c Counter
//			var wg sync.WaitGroup
//			for range 3 {
//				wg.Go(c.Increment)
//			}
//			wg.Wait()
//			if c.Value() != 3 {
//				t.Errorf("counter is %d", c.Value())
//			}
//		})
//	}
//
// Plain go test then works as ever, with -race, -run, -v, -count, -cover.
//
// # Contract
//
// An execution is a function of the body and the schedule. The same schedule
// gives the same execution, point by point, in every process and on every
// machine with the same Go release, with and without -race. Every so often an
// execution runs twice to check that. Its clock is virtual and starts at
// midnight UTC 2000-01-01; it moves when all goroutines are blocked, a little
// while they run, and, if EarlyTimers allows, before they are done.
//
// An execution fails if the body says so through its [T], if any goroutine
// panics, if all are blocked, if goroutines are left after the body returned,
// if it does not end, or, with -race, if the race detector reports.
//
// A replay is strict. After an edit of the program -sim.lenient, with the turns
// that the failure printed, still hands over at the same point of the same
// goroutine, and says where the execution first leaves the recorded one.
//
// # What it is not
//
// It does not simulate the network, the disk or other processes: operations on
// them run, but their order is real; reports count the goroutines that they
// wake and say where the first of them waited. Not controlled are plain memory accesses
// (use -race beside it), functions of sync/atomic that the standard library or
// assembly calls, cgo, the order of maps with more than eight keys
// that have pointers, which reports name as well,
// finalizers, and goroutines outside of the body. A goroutine that spins on one
// of these, or waits for what never comes from outside of the body, makes the
// execution hang. After 10 s (Config.Hang, -sim.hang) without a scheduling point
// the process ends and names the goroutine and the call. Unlocking is a point only in bodies that also try
// locks: for all others it makes no difference. sync.Pool never reuses.
//
// A run that found nothing proves nothing about schedules that it did not try.
//
// The controlled runtime is made for linux, amd64 and arm64, and the Go releases that
// package overlay lists; others get an error, never an uncontrolled run.
package sim
