package overlay

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// An AnchorError says that a file of the standard library isn't what the
// overlay was written for.
type AnchorError struct {
	GoVersion string
	File      string // relative to GOROOT/src
	Func      string // "" if the whole file is meant
	Reason    string
}

// Error implements error.
func (e *AnchorError) Error() string {
	where := e.File
	if e.Func != "" {
		where += ": func " + e.Func
	}
	return fmt.Sprintf("%s: %s: %s", e.GoVersion, where, e.Reason)
}

// file is a file of the standard library and the edits to make in it.
type file struct {
	gen   *generator
	rel   string
	src   []byte
	fset  *token.FileSet
	ast   *ast.File
	edits []edit
}

type edit struct {
	pos, end int
	text     string
}

func (g *generator) open(rel string) *file {
	path := filepath.Join(g.goroot, "src", filepath.FromSlash(rel))
	f := &file{gen: g, rel: rel, fset: token.NewFileSet(), ast: &ast.File{}}
	src, err := os.ReadFile(path)
	if err != nil {
		g.fail(rel, "", err.Error())
		return f
	}
	parsed, err := parser.ParseFile(f.fset, path, src, parser.ParseComments)
	if err != nil {
		g.fail(rel, "", err.Error())
		return f
	}
	f.src, f.ast = src, parsed
	return f
}

func (f *file) off(p token.Pos) int { return f.fset.Position(p).Offset }

// fn finds a function or a method, written "name" or "(Type) name".
func (f *file) fn(name string) *ast.FuncDecl {
	recv, plain := "", name
	if rest, ok := strings.CutPrefix(name, "("); ok {
		recv, plain, _ = strings.Cut(rest, ") ")
	}
	for _, d := range f.ast.Decls {
		fd, ok := d.(*ast.FuncDecl)
		if ok && fd.Body != nil && fd.Name.Name == plain && receiver(fd) == recv {
			return fd
		}
	}
	f.gen.fail(f.rel, name, "not found")
	return nil
}

// receiver returns the name of the receiver's type, "" for a function.
func receiver(fd *ast.FuncDecl) string {
	if fd.Recv == nil {
		return ""
	}
	t := fd.Recv.List[0].Type
	if s, ok := t.(*ast.StarExpr); ok {
		t = s.X
	}
	if x, ok := t.(*ast.IndexExpr); ok {
		t = x.X
	}
	if id, ok := t.(*ast.Ident); ok {
		return id.Name
	}
	return "?"
}

func (f *file) add(pos, end int, text string) {
	f.edits = append(f.edits, edit{pos, end, text})
}

// entry inserts code at the entry of a function.
func (f *file) entry(name, code string) {
	if fd := f.fn(name); fd != nil {
		p := f.off(fd.Body.Lbrace) + 1
		f.add(p, p, "\n"+code+"\n")
	}
}

// exit inserts code before the closing brace of a function.
func (f *file) exit(name, code string) {
	if fd := f.fn(name); fd != nil {
		p := f.off(fd.Body.Rbrace)
		f.add(p, p, code+"\n")
	}
}

// rename renames a function; the added source declares a wrapper in its place.
func (f *file) rename(name, to string) {
	if fd := f.fn(name); fd != nil {
		f.add(f.off(fd.Name.Pos()), f.off(fd.Name.End()), to)
	}
}

// in replaces old, which must occur exactly once in the function.
func (f *file) in(name, old, replacement string) {
	if fd := f.fn(name); fd != nil {
		f.replace(f.off(fd.Pos()), f.off(fd.End()), name, old, replacement)
	}
}

// global replaces old, which must occur exactly once in the file.
func (f *file) global(old, replacement string) {
	f.replace(0, len(f.src), "", old, replacement)
}

// all replaces old, which must occur so many times in the file.
func (f *file) all(n int, old, replacement string) {
	if found := bytes.Count(f.src, []byte(old)); found != n {
		f.gen.fail(f.rel, "", fmt.Sprintf("want %q %d times, found it %d times", old, n, found))
		return
	}
	for p := 0; n > 0; n-- {
		p += bytes.Index(f.src[p:], []byte(old))
		f.add(p, p+len(old), replacement)
		p += len(old)
	}
}

func (f *file) replace(lo, hi int, where, old, replacement string) {
	body := f.src[lo:hi]
	if n := bytes.Count(body, []byte(old)); n != 1 {
		f.gen.fail(f.rel, where, fmt.Sprintf("want %q once, found it %d times", old, n))
		return
	}
	p := lo + bytes.Index(body, []byte(old))
	f.add(p, p+len(old), replacement)
}

// write applies the edits and hands the result to the generator.
func (f *file) write() {
	sort.SliceStable(f.edits, func(i, j int) bool { return f.edits[i].pos < f.edits[j].pos })
	var b bytes.Buffer
	p := 0
	for _, e := range f.edits {
		b.Write(f.src[p:e.pos])
		b.WriteString(e.text)
		p = e.end
	}
	b.Write(f.src[p:])
	f.gen.emit(f.rel, b.Bytes())
}

// emit adds a file to the overlay.
func (g *generator) emit(rel string, src []byte) {
	out, err := format.Source(src)
	if err != nil {
		g.fail(rel, "", "the patched file does not parse: "+err.Error())
		return
	}
	g.files[rel] = out
}

func (g *generator) fail(rel, fn, reason string) {
	g.errs = append(g.errs, &AnchorError{GoVersion: g.version, File: rel, Func: fn, Reason: reason})
}
