// Package soak scales the budgets of tests: make soak looks longer than make
// test, at the same things.
package soak

import (
	"fmt"
	"os"
	"strconv"
)

// Variable is the environment variable with the factor.
const Variable = "STARTRACE_SOAK"

// Times returns n times the factor in the environment, n if there is none. It
// panics if the factor is no positive number.
func Times(n int) int {
	text := os.Getenv(Variable)
	if text == "" {
		return n
	}
	factor, err := strconv.Atoi(text)
	if err != nil || factor < 1 {
		panic(fmt.Sprintf("%s=%q: the factor must be a positive number", Variable, text))
	}
	return n * factor
}
