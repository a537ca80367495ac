package report

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestBeside(t *testing.T) {
	assert.Equal(t, "one    ┃  a\n│ two  ┃  b\n       ┃  c\n", Beside("one\n│ two\n", "a\nb\nc"))
	assert.Equal(t, "one  ┃\ntwo  ┃\n", Beside("one\ntwo", ""))
}
