// Command init is the process inside the containers of a real run.
package main

import (
	"fmt"
	"os"

	"github.com/startrace/startrace/internal/initproc"
)

func main() {
	c, err := initproc.Parse(os.Args)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(125)
	}
	os.Exit(c.Run())
}
