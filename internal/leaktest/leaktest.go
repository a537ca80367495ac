// Package leaktest ends the tests of a package that simulates with a leak check.
package leaktest

import (
	"fmt"
	"os"

	"go.uber.org/goleak"
)

// Check is for sim.Main: it returns code, or 1 if the tests passed and left
// goroutines.
func Check(code int) int {
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}
