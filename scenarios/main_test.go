package scenarios_test

import (
	"testing"

	"github.com/startrace/startrace/internal/leaktest"
	"github.com/startrace/startrace/sim"
)

func TestMain(m *testing.M) { sim.Main(m, leaktest.Check) }
