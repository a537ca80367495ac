package sim

import (
	"fmt"
)

// Shard is one of Of parts of an exploration, counted from 0: the executions
// whose number leaves Index when it is divided by Of. Which these are, and what
// happens in them, depends on nothing but seed and number, so that the parts can
// run on different machines; together they are the whole. The zero value is the
// whole exploration.
type Shard struct{ Index, Of int }

// ParseShard reads a part as it is written in flags: "1/4" is the first of four.
func ParseShard(text string) (Shard, error) {
	var i, n int
	if _, err := fmt.Sscanf(text, "%d/%d", &i, &n); err != nil || i < 1 || n < i || text != fmt.Sprintf("%d/%d", i, n) {
		return Shard{}, fmt.Errorf("shard %q: it must be I/N, with I from 1 to N", text)
	}
	return Shard{i - 1, n}, nil
}

// String is what ParseShard reads.
func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Index+1, max(s.Of, 1)) }

func (s Shard) whole() bool { return s.Of <= 1 }

// has tells whether execution i belongs to the part.
func (s Shard) has(i int) bool { return s.whole() || i%s.Of == s.Index }
