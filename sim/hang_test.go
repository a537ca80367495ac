package sim_test

import (
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/sim"
)

// spun is what the compiler can't know.
var spun, outside = 0, make(chan int)

var outsideLock sync.Mutex

// explorePlanted explores a body that hangs in a goroutine of its own.
func explorePlanted(t *testing.T, hang func()) {
	planted(t)
	sim.Explore(t, sim.Options{}, func(*sim.T) {
		var wg sync.WaitGroup
		wg.Go(func() {})
		wg.Go(hang)
		wg.Wait()
	})
}

func TestPlantedSpin(t *testing.T) {
	explorePlanted(t, func() {
		for { // spins
			spun++
		}
	})
}

func TestPlantedSyscall(t *testing.T) {
	explorePlanted(t, func() {
		var p [2]int
		_ = syscall.Pipe(p[:])
		_, _ = syscall.Read(p[0], make([]byte, 1)) // never returns
	})
}

func TestPlantedIO(t *testing.T) {
	explorePlanted(t, func() {
		r, w, _ := os.Pipe()
		_, _ = r.Read(make([]byte, 1)) // never comes
		runtime.KeepAlive(w)
	})
}

func TestPlantedOutsideChannel(t *testing.T) {
	explorePlanted(t, func() { <-outside })
}

func TestPlantedOutsideLock(t *testing.T) {
	outsideLock.Lock()
	explorePlanted(t, func() { outsideLock.Lock() })
}

func hangsAreReported(t *testing.T) {
	token := regexp.MustCompile(`st1\.\S+`)
	for _, c := range []struct{ test, who string }{
		{"TestPlantedSpin", "g3 runs without a scheduling point, in sim_test.TestPlantedSpin.func1, at hang_test.go:"},
		{"TestPlantedSyscall", "g3 is in a system call, in syscall.Read, at hang_test.go:"},
		{"TestPlantedIO", "g3 waits for IO, in os.(*File).Read, at hang_test.go:"},
		{"TestPlantedOutsideChannel", "g3 waits for something outside of the execution (chan receive), in sim_test.TestPlantedOutsideChannel.func1, at hang_test.go:"},
		{"TestPlantedOutsideLock", "g3 waits for something outside of the execution (sync.Mutex.Lock), in sync.(*Mutex).Lock, at hang_test.go:"},
	} {
		t.Run(c.test, func(t *testing.T) {
			out, code := child(t, c.test, "-sim.hang=500ms")
			assert.Equal(t, 2, code, out)
			assert.Contains(t, out, "startrace: "+c.test+" hangs: no scheduling point for 500ms of real time")
			assert.Contains(t, out, c.who)
			schedule := token.FindString(out)
			require.NotEmpty(t, schedule, out)
			out, code = child(t, c.test, "-sim.hang=500ms", "-sim.replay="+schedule)
			assert.Equal(t, 2, code, out)
			assert.Contains(t, out, c.who)
		})
	}
	out, code := child(t, "TestPlantedSpin", "-sim.hang=soon")
	assert.Equal(t, 1, code)
	assert.Contains(t, out, "-sim.hang")
}

func TestPlantedLong(t *testing.T) {
	planted(t)
	res := sim.Run(sim.Config{MaxPoints: 1 << 40}, func(*sim.T) {
		var n atomic.Int64
		for begin := time.Duration(0); begin < 2*time.Second; begin = realTime() {
			n.Add(1)
		}
	})
	assert.Nil(t, res.Failure)
}

// realTime is how long the process has been there.
func realTime() time.Duration {
	var now syscall.Timeval
	_ = syscall.Gettimeofday(&now)
	return time.Duration(now.Nano()) - processStart
}

var processStart = func() time.Duration {
	var now syscall.Timeval
	_ = syscall.Gettimeofday(&now)
	return time.Duration(now.Nano())
}()

// longIsNoHang is about an execution that is long but takes points, and one in a
// process that is stopped for longer than a hang takes.
func longIsNoHang(t *testing.T) {
	out, code := child(t, "TestPlantedLong", "-sim.hang=500ms")
	assert.Equal(t, 0, code, out)

	cmd := exec.Command("/proc/self/exe", "-test.run=^TestPlantedLong$", "-sim.hang=300ms")
	cmd.Env = append(os.Environ(), plantedVariable+"=1")
	require.NoError(t, cmd.Start())
	for range 2 {
		time.Sleep(500 * time.Millisecond)
		require.NoError(t, cmd.Process.Signal(syscall.SIGSTOP))
		time.Sleep(800 * time.Millisecond)
		require.NoError(t, cmd.Process.Signal(syscall.SIGCONT))
	}
	assert.NoError(t, cmd.Wait())
}
