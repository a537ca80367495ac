// Command startrace explores the implementations of StartContainer, replays
// what was found, and says what of the environment works.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/startrace/startrace/sim"
)

// exitEnvironment is the exit code for an environment in which nothing runs.
const exitEnvironment = 3

func main() {
	if len(os.Args) > 1 && os.Args[1] == "test" { // needs no controlled runtime itself
		fmt.Fprintf(os.Stderr, "startrace: %v\n", sim.GoTest(os.Args[2:]))
		os.Exit(exitEnvironment)
	}
	if err := sim.MainProgram(source(), "."); err != nil {
		fmt.Fprintf(os.Stderr, "startrace: %v\n", err)
		os.Exit(exitEnvironment)
	}
	run()
}

// source is the directory of this file: the controlled binary is built from it.
func source() string {
	_, file, _, _ := runtime.Caller(0)
	dir := filepath.Dir(file)
	if _, err := os.Stat(file); err != nil {
		fmt.Fprintf(os.Stderr, "startrace: the sources of this command are not in %s any more, and it builds itself again with the controlled runtime: run it with 'go run ./cmd/startrace' in a checkout\n", dir)
		os.Exit(exitEnvironment)
	}
	return dir
}
