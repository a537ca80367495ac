package build

import (
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"github.com/startrace/startrace/sim/internal/overlay"
)

// TestBinary is the request that builds the running test binary again, with the
// flags that matter. The working directory must be that of its package.
func TestBinary(coverMode string) Request {
	req := Request{Package: ".", Test: true, Flags: Flags()}
	if coverMode == "" {
		return req
	}
	req.Flags = append(req.Flags, "-cover", "-covermode="+coverMode)
	if pkgs := parentFlag("coverpkg"); pkgs != "" {
		// Its patterns are relative to the directory of the go command.
		req.Flags = append(req.Flags, "-coverpkg="+pkgs)
		dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", os.Getppid()))
		info, ok := debug.ReadBuildInfo()
		if err == nil && ok {
			req.Dir, req.Package = dir, strings.TrimSuffix(info.Path, ".test")
		}
	}
	return req
}

// Flags are the build flags that matter of the running binary, and the tag.
func Flags() []string {
	var flags []string
	tags := []string{overlay.Tag}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "-tags":
				tags = append(tags, s.Value)
			case "-race", "-msan", "-asan", "-trimpath", "-gcflags", "-ldflags", "-asmflags":
				flags = append(flags, s.Key+"="+s.Value)
			}
		}
	}
	return append(flags, "-tags="+strings.Join(tags, ","))
}

// parentFlag is the value of a flag of the go command that runs this test, for
// what build information does not record.
func parentFlag(name string) string {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", os.Getppid()))
	if err != nil {
		return ""
	}
	args := strings.Split(string(line), "\x00")
	for i, a := range args {
		a = strings.TrimPrefix(strings.TrimPrefix(a, "-"), "-")
		if v, ok := strings.CutPrefix(a, name+"="); ok {
			return v
		}
		if a == name && i+1 < len(args) {
			return args[i+1]
		}
	}
	return ""
}
