package overlay

import (
	"fmt"
	"go/ast"
	"strings"
)

// The numbers of the points, as in the added runtime source.
const (
	kindLock    = 1
	kindUnlock  = 2
	kindRLock   = 3
	kindRUnlock = 4
	kindTryLock = 5
	kindWait    = 6
	kindSignal  = 7
	kindMap     = 15
	kindJoin    = 23
)

// patchSync makes the operations of internal/sync, sync and sync/atomic points.
func (g *generator) patchSync() {
	f := g.open("internal/sync/mutex.go")
	f.rename("(Mutex) Lock", "ctlLock0")
	f.rename("(Mutex) Unlock", "ctlUnlock0")
	f.rename("(Mutex) TryLock", "ctlTryLock0")
	f.rawAtomics("atomic")
	f.write()
	g.emit("internal/sync/zz_startrace.go", fmt.Appendf(nil, internalSyncSource, kindLock, kindTryLock))

	f = g.open("sync/rwmutex.go")
	for _, m := range []string{"RLock", "TryRLock", "RUnlock", "Lock", "TryLock", "Unlock"} {
		f.rename("(RWMutex) "+m, "ctl"+m+"0")
	}
	f.write()
	f = g.open("sync/waitgroup.go")
	f.rename("(WaitGroup) Add", "ctlAdd0")
	f.rename("(WaitGroup) Wait", "ctlWait0")
	f.write()
	f = g.open("sync/cond.go")
	f.entry("(Cond) Wait", fmt.Sprintf("\truntime_ctlBefore(%d, unsafe.Pointer(c))", kindWait))
	f.entry("(Cond) Signal", fmt.Sprintf("\truntime_ctlBefore(%d, unsafe.Pointer(c))", kindSignal))
	f.entry("(Cond) Broadcast", fmt.Sprintf("\truntime_ctlBefore(%d, unsafe.Pointer(c))", kindSignal))
	f.rawAtomics("atomic")
	f.write()
	f = g.open("sync/pool.go")
	f.entry("(Pool) Get", "\tif runtime_ctlOn() {\n\t\tif p.New != nil {\n\t\t\treturn p.New()\n\t\t}\n\t\treturn nil\n\t}")
	f.entry("(Pool) Put", "\tif runtime_ctlOn() {\n\t\treturn\n\t}")
	f.rawAtomics("atomic")
	f.write()
	g.patchMap()
	g.emit("sync/zz_startrace.go", fmt.Appendf(nil, syncSource,
		kindRLock, kindTryLock, kindRUnlock, kindLock, kindTryLock, kindUnlock, kindJoin))

	g.patchAtomic()
}

// patchMap makes each operation of sync.Map, which is linearizable, one point.
func (g *generator) patchMap() {
	f := g.open("sync/map.go")
	if len(f.ast.Imports) != 1 {
		g.fail(f.rel, "", "imports changed")
		return
	}
	p := f.off(f.ast.Imports[0].End())
	f.add(p, p, "\n\t\"unsafe\"\n")
	for _, m := range []string{"Load", "Store", "Clear", "LoadOrStore", "LoadAndDelete", "Delete", "Swap", "CompareAndSwap", "CompareAndDelete"} {
		f.entry("(Map) "+m, fmt.Sprintf("\tif runtime_ctlEnter(%d, unsafe.Pointer(m)) {\n\t\tdefer runtime_ctlLeave()\n\t}", kindMap))
	}
	f.write()
}

// patchAtomic makes the methods of the typed atomics points, and the functions
// of the package where they are called from outside of the standard library.
func (g *generator) patchAtomic() {
	f := g.open("sync/atomic/type.go")
	n := 0
	for _, d := range f.ast.Decls {
		fd, ok := d.(*ast.FuncDecl)
		if !ok || fd.Recv == nil || !fd.Name.IsExported() || fd.Body == nil || len(fd.Recv.List[0].Names) == 0 {
			continue
		}
		p := f.off(fd.Body.Lbrace) + 1
		f.add(p, p, " "+atomicHook(fd.Name.Name)+"(unsafe.Pointer("+fd.Recv.List[0].Names[0].Name+")); ")
		n++
	}
	if n < 30 {
		g.fail(f.rel, "", fmt.Sprintf("want at least 30 methods, found %d", n))
	}
	f.rawAtomics("")
	f.write()
	f = g.open("sync/atomic/value.go")
	for _, m := range []string{"Load", "Store", "Swap", "CompareAndSwap"} {
		f.entry("(Value) "+m, "\t"+atomicHook(m)+"(unsafe.Pointer(v))")
	}
	f.rawAtomics("")
	f.write()
	g.patchAtomicFuncs()
	g.emit("sync/atomic/zz_startrace.go", []byte(atomicSource))
}

// atomicHook is what the methods of that name call before they do anything.
func atomicHook(method string) string {
	if method == "Load" {
		return "runtime_ctlBeforeLoad"
	}
	return "runtime_ctlBefore"
}

// source strips the mark that keeps tools from reading the constants below as
// directives of this file.
func source(s string) string { return strings.ReplaceAll(s, "//@", "//go:") }

var internalSyncSource = source(`package sync

import "unsafe"

//@linkname runtime_ctlBefore
//@noescape
func runtime_ctlBefore(kind uint8, p unsafe.Pointer)

//@linkname runtime_ctlAcquired
//@noescape
func runtime_ctlAcquired(p unsafe.Pointer)

//@linkname runtime_ctlReleased
//@noescape
func runtime_ctlReleased(p unsafe.Pointer)

// Lock locks m.
func (m *Mutex) Lock() {
	runtime_ctlBefore(%d, unsafe.Pointer(m))
	m.ctlLock0()
	runtime_ctlAcquired(unsafe.Pointer(m))
}

// TryLock tries to lock m.
func (m *Mutex) TryLock() bool {
	runtime_ctlBefore(%d, unsafe.Pointer(m))
	ok := m.ctlTryLock0()
	if ok {
		runtime_ctlAcquired(unsafe.Pointer(m))
	}
	return ok
}

// Unlock unlocks m.
func (m *Mutex) Unlock() {
	runtime_ctlReleased(unsafe.Pointer(m))
	m.ctlUnlock0()
}
`)

var syncSource = source(`package sync

import "unsafe"

//@noescape
func runtime_ctlBefore(kind uint8, p unsafe.Pointer)

//@noescape
func runtime_ctlEnter(kind uint8, p unsafe.Pointer) bool

//@noescape
func runtime_ctlEnterAdd(delta int, p unsafe.Pointer) bool

func runtime_ctlLeave()

//@noescape
func runtime_ctlAcquired(p unsafe.Pointer, read bool)

//@noescape
func runtime_ctlReleased(kind uint8, p unsafe.Pointer, read bool)

func runtime_ctlOn() bool

// RLock locks rw for reading.
func (rw *RWMutex) RLock() {
	if !runtime_ctlEnter(%d, unsafe.Pointer(rw)) {
		rw.ctlRLock0()
		return
	}
	rw.ctlRLock0()
	runtime_ctlLeave()
	runtime_ctlAcquired(unsafe.Pointer(rw), true)
}

// TryRLock tries to lock rw for reading.
func (rw *RWMutex) TryRLock() bool {
	if !runtime_ctlEnter(%d, unsafe.Pointer(rw)) {
		return rw.ctlTryRLock0()
	}
	ok := rw.ctlTryRLock0()
	runtime_ctlLeave()
	if ok {
		runtime_ctlAcquired(unsafe.Pointer(rw), true)
	}
	return ok
}

// RUnlock undoes one RLock.
func (rw *RWMutex) RUnlock() {
	runtime_ctlReleased(%d, unsafe.Pointer(rw), true)
	if !runtime_ctlEnter(0, nil) {
		rw.ctlRUnlock0()
		return
	}
	rw.ctlRUnlock0()
	runtime_ctlLeave()
}

// Lock locks rw for writing.
func (rw *RWMutex) Lock() {
	if !runtime_ctlEnter(%d, unsafe.Pointer(rw)) {
		rw.ctlLock0()
		return
	}
	rw.ctlLock0()
	runtime_ctlLeave()
	runtime_ctlAcquired(unsafe.Pointer(rw), false)
}

// TryLock tries to lock rw for writing.
func (rw *RWMutex) TryLock() bool {
	if !runtime_ctlEnter(%d, unsafe.Pointer(rw)) {
		return rw.ctlTryLock0()
	}
	ok := rw.ctlTryLock0()
	runtime_ctlLeave()
	if ok {
		runtime_ctlAcquired(unsafe.Pointer(rw), false)
	}
	return ok
}

// Unlock unlocks rw for writing.
func (rw *RWMutex) Unlock() {
	runtime_ctlReleased(%d, unsafe.Pointer(rw), false)
	if !runtime_ctlEnter(0, nil) {
		rw.ctlUnlock0()
		return
	}
	rw.ctlUnlock0()
	runtime_ctlLeave()
}

// Add adds delta, which may be negative, to the counter of wg.
func (wg *WaitGroup) Add(delta int) {
	if !runtime_ctlEnterAdd(delta, unsafe.Pointer(wg)) {
		wg.ctlAdd0(delta)
		return
	}
	wg.ctlAdd0(delta)
	runtime_ctlLeave()
}

// Wait blocks until the counter of wg is zero.
func (wg *WaitGroup) Wait() {
	if !runtime_ctlEnter(%d, unsafe.Pointer(wg)) {
		wg.ctlWait0()
		return
	}
	wg.ctlWait0()
	runtime_ctlLeave()
}
`)

var atomicSource = source(`package atomic

import "unsafe"

//@noescape
func runtime_ctlBefore(p unsafe.Pointer)

//@noescape
func runtime_ctlBeforeFunc(p unsafe.Pointer)

//@noescape
func runtime_ctlBeforeLoad(p unsafe.Pointer)
`)
