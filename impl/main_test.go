package impl

import (
	"testing"

	"github.com/containerd/log"

	"github.com/startrace/startrace/internal/leaktest"
	"github.com/startrace/startrace/sim"
)

func TestMain(m *testing.M) {
	// Failures are what many tests are about; what is logged of them would drown
	// the rest.
	if err := log.SetLevel("fatal"); err != nil {
		panic(err)
	}
	sim.Main(m, leaktest.Check)
}
