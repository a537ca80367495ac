package schedule

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestDeviations(t *testing.T) {
	assert.Nil(t, Schedule{Choices: []uint32{0, 0}}.Deviations())
	assert.Equal(t, []Deviation{{1, 2}, {3, 1}}, Schedule{Choices: []uint32{0, 2, 0, 1, 0}}.Deviations())
}

// In ascending order; trailing zeros and everything but the choices are ignored.
func TestCompare(t *testing.T) {
	ordered := []Schedule{
		{Hash: 9},
		{Choices: []uint32{1}},
		{Choices: []uint32{0, 0, 1}},
		{Choices: []uint32{2}},
		{Choices: []uint32{1, 1}},
		{Choices: []uint32{1, 0, 1}},
		{Choices: []uint32{1, 2}},
		{Choices: []uint32{1, 1, 1}},
	}
	for i, a := range ordered {
		for j, b := range ordered {
			b.Choices = append(b.clone().Choices, 0, 0)
			b.Label = "other"
			switch got := a.Compare(b); {
			case i < j:
				assert.Negative(t, got, "%v %v", a, b)
			case i > j:
				assert.Positive(t, got, "%v %v", a, b)
			default:
				assert.Zero(t, got, "%v %v", a, b)
			}
		}
	}
	assert.Zero(t, Schedule{Choices: []uint32{1, 2}}.Compare(Schedule{Choices: []uint32{2, 1}}))
}
