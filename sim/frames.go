package sim

import (
	"reflect"
	"runtime"
	"strings"
)

// simPackage is the import path of this package.
var simPackage = reflect.TypeFor[Config]().PkgPath()

// userFrames resolves a call stack and leaves out what is ours and the
// runtime's; the top frames that belong to the standard library go as well, if
// there is anything below them.
func userFrames(pcs []uintptr) []runtime.Frame {
	if len(pcs) == 0 {
		return nil
	}
	var all []runtime.Frame
	frames := runtime.CallersFrames(pcs)
	for {
		f, more := frames.Next()
		if f.Function != "" && !ours(f.Function) {
			all = append(all, f)
		}
		if !more {
			break
		}
	}
	for i, f := range all {
		if !standard(f) {
			return all[i:]
		}
	}
	return all
}

func ours(fn string) bool {
	for _, p := range []string{"runtime.", "internal/sync.", "sync.", "sync/atomic.", "internal/synctest."} {
		if strings.HasPrefix(fn, p) {
			return true
		}
	}
	rest, ok := strings.CutPrefix(fn, simPackage)
	if !ok {
		return false
	}
	if strings.HasPrefix(rest, "/internal/ctl.") {
		return true
	}
	for _, p := range []string{".Point", ".Choose", ".Go", ".Logf", ".note", ".(*T)", ".(*runner)"} {
		if strings.HasPrefix(rest, p) {
			return true
		}
	}
	return false
}

// standard tells whether a frame is in the standard library.
func standard(f runtime.Frame) bool {
	if standardRoot != "" {
		return strings.HasPrefix(f.File, standardRoot)
	}
	path, _, _ := strings.Cut(f.Function, "/") // -trimpath
	return !strings.Contains(path, ".")
}

// standardRoot is the directory of the standard library in the files of
// frames, "" if the binary was built with -trimpath.
var standardRoot = func() string {
	const name = "strings/strings.go"
	pc := reflect.ValueOf(strings.Fields).Pointer()
	file, _ := runtime.FuncForPC(pc).FileLine(pc)
	return strings.TrimSuffix(file, name)
}()

// shortFunc is the name of a function without the directories of its package.
func shortFunc(fn string) string { return fn[strings.LastIndexByte(fn, '/')+1:] }
