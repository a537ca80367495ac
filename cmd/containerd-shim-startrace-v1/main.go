// Command containerd-shim-startrace-v1 is a containerd shim that simulates its
// containers; see package simshim.
package main

import (
	"fmt"
	"os"

	"github.com/startrace/startrace/internal/simshim"
)

func main() {
	if err := simshim.Main(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", simshim.Program, err)
		os.Exit(1)
	}
}
