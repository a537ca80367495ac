package schedule

import (
	"cmp"
	"slices"
)

// Schedule is the choice list of one execution. Each choice is an index among
// the alternatives of a decision: 0 keeps the current goroutine running (or,
// when it cannot go on, takes the default successor), or takes the tame value.
// The zero value is the execution without any deviation.
type Schedule struct {
	Label   string   // what it belongs to: a test name, or "variant/workload"; may be empty
	Rand    uint64   // seed of the data streams (map order, math/rand); 0 by default
	Options string   // how points were made, e.g. "early=1"; may be empty
	Choices []uint32 // one per decision; trailing zeros are implied
	Hash    uint64   // op-trace hash of the execution, 0 if unknown; strict replay compares it
}

// Limits of what is read back. They bound the memory a damaged or hostile token
// or file can ask for: 64 MiB of choices, and a label and options of 4 KiB.
const (
	MaxChoices = 1 << 24 // choices, trailing zeros not counted
	MaxText    = 1 << 12 // bytes, of Label and of Options
)

// Deviation is a choice other than 0.
type Deviation struct {
	Index  int    // number of the decision, from 0
	Choice uint32 // never 0
}

// Deviations returns the choices other than 0, in order. It is nil if there is
// none.
func (s Schedule) Deviations() []Deviation {
	var deviations []Deviation
	for i, choice := range s.Choices {
		if choice != 0 {
			deviations = append(deviations, Deviation{Index: i, Choice: choice})
		}
	}
	return deviations
}

// Compare orders schedules by what is left to understand: first the number of
// deviations, then the sum of the choices, then the length up to the last
// deviation. It is negative if s is the smaller one. Only Choices count.
func (s Schedule) Compare(other Schedule) int {
	a, b := s.size(), other.size()
	return cmp.Or(
		cmp.Compare(a.deviations, b.deviations),
		cmp.Compare(a.sum, b.sum),
		cmp.Compare(a.length, b.length),
	)
}

// size is what Compare compares.
type size struct {
	deviations int
	sum        uint64
	length     int
}

func (s Schedule) size() size {
	var z size
	for i, choice := range s.Choices {
		if choice != 0 {
			z.deviations++
			z.sum += uint64(choice)
			z.length = i + 1
		}
	}
	return z
}

// trim cuts the trailing zeros, which mean nothing. It returns nil rather than
// an empty slice, so that equal schedules are equal to reflect.DeepEqual too.
func trim(choices []uint32) []uint32 {
	n := len(choices)
	for n > 0 && choices[n-1] == 0 {
		n--
	}
	if n == 0 {
		return nil
	}
	return choices[:n]
}

// withDeviations returns s with these deviations and zeros elsewhere. The hash
// of an execution that has not run yet is unknown, thus 0.
func (s Schedule) withDeviations(deviations []Deviation) Schedule {
	s.Hash = 0
	s.Choices = nil
	if len(deviations) > 0 {
		s.Choices = make([]uint32, deviations[len(deviations)-1].Index+1)
		for _, d := range deviations {
			s.Choices[d.Index] = d.Choice
		}
	}
	return s
}

// clone copies the choices, which a caller may go on writing to.
func (s Schedule) clone() Schedule {
	s.Choices = slices.Clone(trim(s.Choices))
	return s
}
