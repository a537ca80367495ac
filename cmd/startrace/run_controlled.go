//go:build startrace_overlay

package main

import (
	"os"

	"github.com/startrace/startrace/internal/cli"
)

func run() { os.Exit(cli.Run(os.Args, os.Stdout, os.Stderr)) }
