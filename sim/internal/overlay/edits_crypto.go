package overlay

// patchCrypto has the random bytes of package crypto/rand come from a seeded
// stream inside of controlled executions. Everything that cryptography does
// with them stays as it is.
func (g *generator) patchCrypto() {
	f := g.open("crypto/internal/sysrand/rand.go")
	// After the points that Read passes in any case.
	f.in("Read", "\tif err := read(b); err", "\tif runtime_ctlFill(b) {\n\t\treturn\n\t}\n\tif err := read(b); err")
	f.write()
	g.emit("crypto/internal/sysrand/zz_startrace.go", []byte(sysrandSource))
}

var sysrandSource = source(`package sysrand

import _ "unsafe"

//@linkname runtime_ctlFill
//@noescape
func runtime_ctlFill(b []byte) bool
`)
