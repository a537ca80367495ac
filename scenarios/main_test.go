package scenarios_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/startrace/startrace/sim"
)

func TestMain(m *testing.M) { sim.Main(m, leaks) }

// leaks fails the tests if goroutines are left.
func leaks(code int) int {
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}
