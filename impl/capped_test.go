package impl

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What is too much is dropped, and its writer does not notice.
func TestCapped(t *testing.T) {
	var w capped
	for range 3 {
		n, err := w.Write(bytes.Repeat([]byte("x"), maxExecOutput/2+1))
		require.NoError(t, err)
		assert.Equal(t, maxExecOutput/2+1, n)
	}
	assert.Len(t, w.bytes(), maxExecOutput)
}
