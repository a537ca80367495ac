package sim_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/sim"
)

// allAtomics calls each function of sync/atomic once.
func allAtomics() (sum int) {
	var (
		i32 int32   //nolint:modernize // the functions are what is tested
		i64 int64   //nolint:modernize // as above
		u32 uint32  //nolint:modernize // as above
		u64 uint64  //nolint:modernize // as above
		up  uintptr //nolint:modernize // as above
		one = 1
		p   unsafe.Pointer
	)
	atomic.StoreInt32(&i32, 1)
	atomic.StoreInt64(&i64, -1)
	atomic.StoreUint32(&u32, 1)
	atomic.StoreUint64(&u64, 1<<40)
	atomic.StoreUintptr(&up, 1)
	atomic.StorePointer(&p, unsafe.Pointer(&one))
	sum += int(atomic.AddInt32(&i32, -3)) + int(atomic.AddInt64(&i64, 1<<40))
	sum += int(atomic.AddUint32(&u32, 1)) + int(atomic.AddUint64(&u64, ^uint64(0))) + int(atomic.AddUintptr(&up, 7))
	sum += int(atomic.AndInt32(&i32, -1)) + int(atomic.AndInt64(&i64, 0xffff)) + int(atomic.AndUint32(&u32, 3))
	sum += int(atomic.AndUint64(&u64, 15)) + int(atomic.AndUintptr(&up, 12))
	sum += int(atomic.OrInt32(&i32, 1)) + int(atomic.OrInt64(&i64, 2)) + int(atomic.OrUint32(&u32, 4))
	sum += int(atomic.OrUint64(&u64, 16)) + int(atomic.OrUintptr(&up, 32))
	sum += int(atomic.SwapInt32(&i32, 9)) + int(atomic.SwapInt64(&i64, 9)) + int(atomic.SwapUint32(&u32, 9))
	sum += int(atomic.SwapUint64(&u64, 9)) + int(atomic.SwapUintptr(&up, 9))
	sum += *(*int)(atomic.SwapPointer(&p, nil))
	for _, ok := range []bool{
		atomic.CompareAndSwapInt32(&i32, 9, 10), atomic.CompareAndSwapInt64(&i64, 9, 10),
		atomic.CompareAndSwapUint32(&u32, 9, 10), atomic.CompareAndSwapUint64(&u64, 9, 10),
		atomic.CompareAndSwapUintptr(&up, 9, 10), atomic.CompareAndSwapPointer(&p, nil, unsafe.Pointer(&one)),
	} {
		if ok {
			sum++
		}
	}
	sum += int(atomic.LoadInt32(&i32)) + int(atomic.LoadInt64(&i64)) + int(atomic.LoadUint32(&u32))
	sum += int(atomic.LoadUint64(&u64)) + int(atomic.LoadUintptr(&up)) + *(*int)(atomic.LoadPointer(&p))
	return sum
}

const atomicFunctions = 39

// Each function of sync/atomic is one point, also with the race detector, and
// does what it does.
func TestAtomicFunctionsArePoints(t *testing.T) {
	outside := allAtomics()
	got := 0
	points := func(n int) int {
		res := sim.Run(sim.Config{}, func(*sim.T) {
			for range n {
				got = allAtomics()
			}
		})
		require.Nil(t, res.Failure)
		assert.Equal(t, outside, got)
		return res.Points
	}
	assert.Equal(t, atomicFunctions, points(2)-points(1))
}

// Typed atomics are one point, wherever they are inlined, and mutexes are what
// they were.
func TestTypedAtomicsAreOnePoint(t *testing.T) {
	var n atomic.Int64
	var p atomic.Pointer[int]
	var v atomic.Value
	var mu sync.Mutex
	points := func(rounds int) int {
		return sim.Run(sim.Config{}, func(*sim.T) {
			for range rounds {
				n.Add(1)
				p.Store(nil)
				p.Load()
				v.Store(1)
				mu.Lock()
				mu.Unlock()
			}
		}).Points
	}
	assert.Equal(t, 5, points(2)-points(1))
}

func TestAtomicFunctionsRace(t *testing.T) {
	f := find(t, sim.Options{}, func(t *sim.T) {
		var n int32
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() { atomic.StoreInt32(&n, atomic.LoadInt32(&n)+1) })
		}
		wg.Wait()
		if n != 2 {
			t.Errorf("n is %d", n)
		}
	})
	assert.Equal(t, sim.Failed, f.Failure.Kind)

	r := sim.Search(sim.Options{Name: t.Name(), Executions: 300}, func(t *sim.T) {
		var n int32
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() { atomic.AddInt32(&n, 1) })
		}
		wg.Wait()
		if n != 2 {
			t.Errorf("n is %d", n)
		}
	})
	require.NoError(t, r.Err)
	assert.Nil(t, r.Found)
}

func TestSpinOnAtomicFunction(t *testing.T) {
	r := sim.Search(sim.Options{Name: t.Name(), Executions: 300}, func(*sim.T) {
		var flag int32 //nolint:modernize // the functions are what is tested
		go atomic.StoreInt32(&flag, 1)
		for atomic.LoadInt32(&flag) == 0 {
		}
	})
	require.NoError(t, r.Err)
	assert.Nil(t, r.Found)
}
