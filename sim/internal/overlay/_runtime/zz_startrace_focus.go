package runtime

import (
	"internal/bytealg"
	"internal/goarch"
	"internal/stringslite"
	"unsafe"
)

// Focus: where cfg.focus is not empty only the operations of some code are
// decisions. An operation belongs to the innermost function on the stack that is
// not the operation itself, that is, part of package runtime, sync, sync/atomic
// or sim. What is known of a return address is kept for all executions with the
// same focus. Executions with one run one at a time.

// ctlFocusDepth bounds how many frames an operation may have.
const ctlFocusDepth = 24

// ctlFocusSites is how many return addresses are kept, ctlFocusTries how many of
// them are looked at for one.
const (
	ctlFocusSites = 1 << 12
	ctlFocusTries = 8
)

const (
	ctlSiteOperation = 1 + iota // the caller decides
	ctlSiteIn
	ctlSiteOut
)

type ctlSite struct {
	pc   uintptr
	kind uint8
}

// ctlFocus is what is known of return addresses, for one focus.
var ctlFocus struct {
	patterns []string
	sites    *[ctlFocusSites]ctlSite
}

// focusInit makes ready for the focus of the execution that begins.
func (c *ctlState) focusInit() {
	p := c.cfg.focus
	if len(p) == 0 || ctlFocus.sites != nil && ctlSamePatterns(p, ctlFocus.patterns) {
		return
	}
	ctlFocus.patterns = append([]string(nil), p...)
	ctlFocus.sites = new([ctlFocusSites]ctlSite)
}

func ctlSamePatterns(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// away tells whether the operation of the caller is out of focus. A yield never
// is, and neither is the last of many operations in a row: those who wait for
// others by asking again and again must give way to them.
func (c *ctlState) away(kind uint8) bool {
	cfg := c.cfg
	if kind == ctlKGosched || cfg.fairEvery != 0 && c.streak > cfg.fairEvery {
		return false
	}
	var pcs [ctlFocusDepth]uintptr
	n := 0
	// Nothing is called in between: the stack must not move.
	stack := getg().stack
	for fp := getfp(); n < len(pcs) && fp >= stack.lo && fp < stack.hi-goarch.PtrSize; n++ {
		pcs[n] = *(*uintptr)(unsafe.Pointer(fp + goarch.PtrSize))
		fp = *(*uintptr)(unsafe.Pointer(fp))
	}
	for _, pc := range pcs[:n] {
		switch ctlSiteKind(pc) {
		case ctlSiteIn:
			cfg.focused++
			return false
		case ctlSiteOut:
			return true
		}
	}
	return true
}

// ctlSiteKind says what the code at a return address is.
func ctlSiteKind(pc uintptr) uint8 {
	h := pc * 0x9e3779b1 >> 8
	for i := uintptr(0); i < ctlFocusTries; i++ {
		s := &ctlFocus.sites[(h+i)%ctlFocusSites]
		if s.pc == pc {
			return s.kind
		}
		if s.pc == 0 {
			s.pc, s.kind = pc, ctlFindSite(pc)
			return s.kind
		}
	}
	return ctlFindSite(pc)
}

// ctlFindSite looks at the functions that are inlined at pc, the innermost one
// first.
func ctlFindSite(pc uintptr) uint8 {
	f := findfunc(pc - 1)
	if !f.valid() {
		return ctlSiteOperation
	}
	u, uf := newInlineUnwinder(f, pc-1)
	for ; uf.valid(); uf = u.next(uf) {
		if kind := ctlSiteOf(u.srcFunc(uf).name()); kind != ctlSiteOperation {
			return kind
		}
	}
	return ctlSiteOperation
}

// ctlSiteOf says what a function is. The last pattern that matches decides.
func ctlSiteOf(name string) uint8 {
	plain := name
	if i := bytealg.IndexByteString(name, '['); i >= 0 {
		plain = name[:i] // type arguments may be of other packages
	}
	pkg := plain[:bytealg.LastIndexByteString(plain, '/')+1]
	if i := bytealg.IndexByteString(plain[len(pkg):], '.'); i >= 0 {
		pkg = plain[:len(pkg)+i]
	}
	switch pkg {
	case "runtime", "sync", "internal/sync", "sync/atomic", "internal/synctest", "testing/synctest",
		"github.com/startrace/startrace/sim", "github.com/startrace/startrace/sim/internal/ctl":
		return ctlSiteOperation
	}
	if stringslite.HasPrefix(pkg, "internal/runtime/") {
		return ctlSiteOperation
	}
	kind := uint8(ctlSiteOut)
	for _, p := range ctlFocus.patterns {
		in := uint8(ctlSiteIn)
		if p[0] == '-' {
			p, in = p[1:], ctlSiteOut
		}
		if ctlMatches(p, pkg, name) {
			kind = in
		}
	}
	return kind
}

// ctlMatches tells whether a pattern matches a function: a package, a package and
// those below it ("p/..."), or a function or method, or all methods of a type
// ("p.F", "p.T", "p.(*T)"), with the functions inside of it.
func ctlMatches(p, pkg, name string) bool {
	const below = "/..."
	if p == "..." {
		return true
	}
	if stringslite.HasSuffix(p, below) {
		rest, ok := ctlAfter(pkg, p[:len(p)-len(below)])
		return ok && (rest == "" || rest[0] == '/')
	}
	if rest, ok := ctlAfter(pkg, p); ok && rest == "" {
		return true
	}
	rest, ok := ctlAfter(name, p)
	if !ok || len(name)-len(rest) <= len(pkg) {
		return false
	}
	return rest == "" || rest[0] == '.' || rest[0] == '-' || rest[0] == '['
}

// ctlAfter returns what follows prefix in name, where dots may be written as in
// symbols, and type arguments count for nothing.
func ctlAfter(name, prefix string) (rest string, ok bool) {
	const dot = "%2e"
	for prefix != "" {
		switch {
		case name == "":
			return "", false
		case name[0] == prefix[0]:
			name = name[1:]
		case name[0] == '[':
			name = name[bytealg.LastIndexByteString(name, ']')+1:]
			continue
		case prefix[0] == '.' && stringslite.HasPrefix(name, dot):
			name = name[len(dot):]
		default:
			return "", false
		}
		prefix = prefix[1:]
	}
	return name, true
}

// pass is a point that is out of focus: nobody else may run, and the log says
// what gp does. The lock is held.
func (c *ctlState) pass(gp *g, kind uint8, obj unsafe.Pointer, label uint32) {
	cfg := c.cfg
	cfg.points++
	c.sinceTime++
	c.streak++
	if uintptr(obj) >= gp.stack.lo && uintptr(obj) < gp.stack.hi {
		obj = nil
	}
	n := cfg.nlog
	c.record(gp.ctlid, gp.ctlid, c.count(gp.ctlid), kind, obj, label, 1, 0)
	if n < cfg.nlog {
		cfg.log[n].flags |= ctlEventAway
	}
}
