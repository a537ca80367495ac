package runtime

import _ "unsafe" // for go:linkname

// ctl_sysrand fills b from the stream of the execution, if there is one, where
// crypto/rand would ask the operating system.
//
//go:linkname ctl_sysrand crypto/internal/sysrand.runtime_ctlFill
func ctl_sysrand(b []byte) bool {
	bubble := getg().bubble
	if bubble == nil || bubble.ctl == nil {
		return false
	}
	c := bubble.ctl
	for len(b) > 0 {
		x := ctlMix(&c.cryptorng)
		for i := 0; i < 8 && len(b) > 0; i++ {
			b[0] = byte(x)
			x >>= 8
			b = b[1:]
		}
	}
	return true
}
