package build

import (
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/startrace/startrace/sim/internal/overlay"
)

// GoTest executes go test with the controlled runtime in the place of this
// process. It returns only if that fails.
func GoTest(args []string) error {
	tool, err := Find()
	if err != nil {
		return err
	}
	overlayFile, err := tool.overlay()
	if err != nil {
		return err
	}
	tags, args, err := cutTags(args)
	if err != nil {
		return err
	}
	flags, std, err := compilerFlags(tool.Root)
	if err != nil {
		return err
	}
	directory, args := cutDirectory(args)
	line := append([]string{"go", "test"}, directory...)
	line = append(line, "-overlay="+overlayFile, "-tags="+tags)
	line = append(line, flags...)
	line = append(line, addGcflags(args, std)...)
	return fmt.Errorf("can't execute %s: %w", tool.Path, syscall.Exec(tool.Path, line, append(os.Environ(), tool.env...)))
}

// cutDirectory takes the flag -C, which has to stay the first one.
func cutDirectory(args []string) (directory, rest []string) {
	if len(args) == 0 {
		return nil, args
	}
	name, _, hasValue := strings.Cut(strings.TrimPrefix(args[0], "-"), "=")
	switch {
	case name != "-C" && name != "C":
		return nil, args
	case hasValue || len(args) == 1:
		return args[:1], args[1:]
	}
	return args[:2], args[2:]
}

// cutTags takes the build tags out of the arguments of go test, and adds ours.
func cutTags(args []string) (tags string, rest []string, err error) {
	tags = overlay.Tag
	for i := 0; i < len(args); i++ {
		name, value, hasValue := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(args[i], "-"), "-"), "=")
		switch {
		case args[i] == "-args" || args[i] == "--args":
			return tags, append(rest, args[i:]...), nil
		case !strings.HasPrefix(args[i], "-") || name != "tags" && name != "overlay":
			rest = append(rest, args[i])
			continue
		case name == "overlay":
			return "", nil, fmt.Errorf("the flag %s can't be combined with the overlay of the controlled runtime", args[i])
		case !hasValue && i+1 == len(args):
			return "", nil, fmt.Errorf("the flag %s needs a value", args[i])
		case !hasValue:
			i++
			value = args[i]
		}
		tags += "," + value
	}
	return tags, rest, nil
}
