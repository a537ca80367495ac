package overlay

import (
	"fmt"
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// rawPrefix marks the functions of sync/atomic that are no points: what the
// standard library uses, in the controlled runtime. The compiler replaces calls
// of the functions that everybody else uses by instructions, unless it is told
// not to, by [CompilerFlag].
const rawPrefix = "StartraceRaw"

// CompilerFlag has the compiler call the functions of sync/atomic. Packages
// outside of the standard library are compiled with it.
const CompilerFlag = "-d=ssa/intrinsics/off"

var atomicFunc = regexp.MustCompile(`^(Load|Store|Swap|CompareAndSwap|Add|And|Or)(Int32|Int64|Uint32|Uint64|Uintptr|Pointer)$`)

// userAtomics are the files of the standard library outside of package runtime
// that call functions of sync/atomic. They are no points with or without the
// race detector, and wherever they are inlined. Not each release has each file.
var userAtomics = []string{
	"crypto/internal/entropy/v1.0.0/entropy.go",
	"go/types/check.go",
	"go/types/named.go",
	"internal/bisect/bisect.go",
	"internal/poll/fd_mutex.go",
	"internal/poll/fd_unix.go",
	"net/dnsconfig.go",
	"net/http/h2_bundle.go",
	"os/exec/exec.go",
	"sync/poolqueue.go",
}

// patchAtomicFuncs makes the functions of sync/atomic points.
func (g *generator) patchAtomicFuncs() {
	var plain, race, both strings.Builder
	n := 0
	for _, rel := range []string{"sync/atomic/doc.go", "sync/atomic/doc_64.go"} {
		f := g.open(rel)
		if rel == "sync/atomic/doc_64.go" {
			p := f.off(f.ast.Name.End())
			f.add(p, p, "\n\nimport \"unsafe\"\n")
		}
		for _, d := range f.ast.Decls {
			fd, ok := d.(*ast.FuncDecl)
			if !ok || fd.Recv != nil || fd.Body != nil || !atomicFunc.MatchString(fd.Name.Name) {
				continue
			}
			n++
			sig := string(f.src[f.off(fd.Type.Params.Pos()):f.off(fd.Type.End())])
			var args []string
			for _, p := range fd.Type.Params.List {
				for _, name := range p.Names {
					args = append(args, name.Name)
				}
			}
			ret := "return "
			if fd.Type.Results == nil {
				ret = ""
			}
			p := f.off(fd.Type.End())
			f.add(p, p, fmt.Sprintf(" {\n\truntime_ctlBeforeFunc(unsafe.Pointer(addr))\n\t%s%s%s(%s)\n}\n", ret, rawPrefix, fd.Name.Name, strings.Join(args, ", ")))
			f.dropNoescape(fd)
			rawAtomic(fd.Name.Name, sig, ret, args, &plain, &race, &both)
		}
		f.write()
	}
	if n != 39 {
		g.fail("sync/atomic/doc.go", "", fmt.Sprintf("want 39 functions, found %d", n))
	}
	header := "package atomic\n\nimport \"unsafe\"\n\n"
	g.emit("sync/atomic/zz_startrace_raw.go", []byte(header+both.String()))
	g.emit("sync/atomic/zz_startrace_race.go", []byte("//go:build race\n\n"+header+"var _ unsafe.Pointer\n\n"+race.String()))
	g.emit("sync/atomic/zz_startrace_norace.go", []byte("//go:build !race\n\npackage atomic\n\nimport (\n\t\"internal/runtime/atomic\"\n\t\"unsafe\"\n)\n\n"+plain.String()))
	g.files["sync/atomic/asm.s"] = []byte("//go:build !race\n\n// The functions are in Go, see zz_startrace_norace.go.\n")

	g.renameAtomics("runtime/atomic_pointer.go", 6, "sync/atomic.")
	g.renameAtomics("runtime/race.go", 30, "sync/atomic.")
	g.renameAtomics("runtime/race_amd64.s", 50, "sync∕atomic·")
	g.renameAtomics("runtime/race_arm64.s", 50, "sync∕atomic·")
	for _, rel := range userAtomics {
		if _, err := os.Stat(filepath.Join(g.goroot, "src", filepath.FromSlash(rel))); err != nil {
			continue
		}
		f := g.open(rel)
		f.rawAtomics("atomic")
		f.write()
	}
}

// rawAtomic writes the raw twin of a function: in Go, which the compiler
// inlines and replaces by instructions as ever, or, with the race detector and
// for writes of pointers, the function that it was.
func rawAtomic(name, sig, ret string, args []string, plain, race, both *strings.Builder) {
	m := atomicFunc.FindStringSubmatch(name)
	op, typ := m[1], m[2]
	switch {
	case typ == "Pointer" && op != "Load":
		fmt.Fprintf(both, "//go:linkname %s%s\nfunc %s%s%s\n\n", rawPrefix, name, rawPrefix, name, sig)
		return
	case typ == "Pointer":
		fmt.Fprintf(plain, "func %s%s%s { return atomic.Loadp(unsafe.Pointer(addr)) }\n\n", rawPrefix, name, sig)
		fmt.Fprintf(race, "//go:linkname %s%s\n//go:noescape\nfunc %s%s%s\n\n", rawPrefix, name, rawPrefix, name, sig)
		return
	}
	fmt.Fprintf(race, "//go:linkname %s%s\n//go:noescape\nfunc %s%s%s\n\n", rawPrefix, name, rawPrefix, name, sig)
	unsigned, delta := strings.ToLower(typ), ""
	if strings.HasPrefix(unsigned, "int") {
		unsigned = "u" + unsigned
	}
	target := map[string]string{"Load": "Load", "Store": "Store", "Swap": "Xchg", "CompareAndSwap": "Cas", "Add": "Xadd", "And": "And", "Or": "Or"}[op]
	delta = unsigned
	switch {
	case typ == "Uintptr":
		target += "uintptr"
	case strings.HasSuffix(typ, "64"):
		target += "64"
	case op == "And" || op == "Or":
		target += "32"
	}
	if op == "Add" && typ != "Uintptr" {
		delta = strings.TrimPrefix(unsigned, "u")
	}
	call := fmt.Sprintf("atomic.%s((*%s)(unsafe.Pointer(addr))", target, unsigned)
	for _, a := range args[1:] {
		call += fmt.Sprintf(", %s(%s)", delta, a)
	}
	call += ")"
	if ret != "" && op != "CompareAndSwap" {
		call = fmt.Sprintf("%s(%s)", strings.ToLower(typ), call)
	}
	fmt.Fprintf(plain, "//go:linkname %s%s\nfunc %s%s%s { %s%s }\n\n", rawPrefix, name, rawPrefix, name, sig, ret, call)
}

// dropNoescape takes the directive off a function that has got a body.
func (f *file) dropNoescape(fd *ast.FuncDecl) {
	if fd.Doc == nil {
		return
	}
	for _, c := range fd.Doc.List {
		if c.Text == "//go:noescape" {
			f.add(f.off(c.Pos()), f.off(c.End()), "//")
		}
	}
}

// rawAtomics has a file call the raw functions: those of package pkg, "" for
// its own.
func (f *file) rawAtomics(pkg string) {
	ast.Inspect(f.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == pkg && atomicFunc.MatchString(n.Sel.Name) {
				p := f.off(n.Sel.Pos())
				f.add(p, p, rawPrefix)
			}
		case *ast.CallExpr:
			if id, ok := n.Fun.(*ast.Ident); ok && pkg == "" && atomicFunc.MatchString(id.Name) {
				p := f.off(id.Pos())
				f.add(p, p, rawPrefix)
			}
		}
		return true
	})
}

// renameAtomics gives the raw functions' names to what the runtime provides of
// package sync/atomic.
func (g *generator) renameAtomics(rel string, atLeast int, prefix string) {
	src, ok := g.files[rel]
	if !ok {
		var err error
		if src, err = os.ReadFile(filepath.Join(g.goroot, "src", filepath.FromSlash(rel))); err != nil {
			g.fail(rel, "", err.Error())
			return
		}
	}
	name := regexp.MustCompile(regexp.QuoteMeta(prefix) + `((?:Load|Store|Swap|CompareAndSwap|Add|And|Or)(?:Int32|Int64|Uint32|Uint64|Uintptr|Pointer))\b`)
	if n := len(name.FindAll(src, -1)); n < atLeast {
		g.fail(rel, "", fmt.Sprintf("want %d functions of sync/atomic at least, found %d", atLeast, n))
	}
	g.files[rel] = name.ReplaceAll(src, []byte(prefix+rawPrefix+"${1}"))
}
