package impl

import (
	"testing"

	"github.com/containerd/log"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// Failures are what many tests are about; what is logged of them would drown
	// the rest.
	if err := log.SetLevel("fatal"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}
