package nightly

import (
	"os"
	"runtime"
)

// usage returns what this process takes: bytes on the heap after a collection,
// goroutines and open files.
func usage() (heap uint64, goroutines, files int) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	entries, err := os.ReadDir("/proc/self/fd")
	if err == nil {
		files = len(entries) - 1 // the directory is one of them
	}
	return m.HeapAlloc, runtime.NumGoroutine(), files
}

// slope returns by how much y grows with x, by least squares; 0 for less than two
// points.
func slope(x, y []float64) float64 {
	n := float64(len(x))
	var sx, sy, sxx, sxy float64
	for i := range x {
		sx, sy, sxx, sxy = sx+x[i], sy+y[i], sxx+x[i]*x[i], sxy+x[i]*y[i]
	}
	if d := n*sxx - sx*sx; n > 1 && d != 0 {
		return (n*sxy - sx*sy) / d
	}
	return 0
}
