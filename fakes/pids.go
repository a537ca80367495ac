package fakes

// firstPid is before the first pid that is given out.
const firstPid = 1000

// pidSpace gives out process ids as the kernel does: the next free one, and
// from the start again after the last. It is guarded by the lock of the
// Containerd.
type pidSpace struct {
	size uint32 // 0: no end
	last uint32 // given out last, less firstPid
	used map[uint32]bool
}

// next returns a pid that no live process has. It panics if there is none.
func (s *pidSpace) next() uint32 {
	if s.size == 0 {
		s.last++
		return firstPid + s.last
	}
	for range s.size {
		s.last = s.last%s.size + 1
		if pid := firstPid + s.last; !s.used[pid] {
			s.used[pid] = true
			return pid
		}
	}
	panic("fakes: no pid is free; make Options.Pids larger")
}

// free takes back the pid of a process that has ended.
func (s *pidSpace) free(pid uint32) { delete(s.used, pid) }
