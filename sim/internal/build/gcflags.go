package build

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/startrace/startrace/sim/internal/overlay"
)

// compilerFlags make the functions of sync/atomic points in the packages of the
// program, and not in the standard library in root. They go before those of the
// user.
//
// The standard library is given by its directories: the go command does not yet
// know what belongs to the pattern std when it matches what only tests import.
func compilerFlags(root string) (flags, std []string, err error) {
	entries, err := os.ReadDir(filepath.Join(root, "src"))
	if err != nil {
		return nil, nil, fmt.Errorf("can't read the standard library: %w", err)
	}
	flags = []string{"-gcflags=all=" + overlay.CompilerFlag}
	for _, e := range entries {
		if e.IsDir() {
			std = append(std, e.Name()+"/...")
			flags = append(flags, "-gcflags="+e.Name()+"/...=")
		}
	}
	return flags, std, nil
}

// addGcflags adds our compiler flag to the user's among the arguments of go
// test: the go command takes the last -gcflags that matches a package.
func addGcflags(args, std []string) []string {
	var out []string
	for i := 0; i < len(args); i++ {
		name, value, hasValue := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(args[i], "-"), "-"), "=")
		switch {
		case args[i] == "-args" || args[i] == "--args":
			return append(out, args[i:]...)
		case !strings.HasPrefix(args[i], "-") || name != "gcflags" || !hasValue && i+1 == len(args):
			out = append(out, args[i])
			continue
		case !hasValue:
			i++
			value = args[i]
		}
		out = append(out, gcflags(value, std)...)
	}
	return out
}

func gcflags(value string, std []string) []string {
	pattern, flags, ok := strings.Cut(value, "=")
	if !ok || strings.HasPrefix(value, "-") {
		pattern, flags = "", value
	}
	ours := strings.TrimSpace(flags + " " + overlay.CompilerFlag)
	switch pattern {
	case "":
		return []string{"-gcflags=" + ours}
	case "all":
		out := []string{"-gcflags=all=" + ours}
		for _, p := range std {
			out = append(out, "-gcflags="+p+"="+flags)
		}
		return out
	case "std", "cmd":
		return []string{"-gcflags=" + value}
	}
	return []string{"-gcflags=" + pattern + "=" + ours}
}
