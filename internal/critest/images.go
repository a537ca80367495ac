package critest

import (
	"fmt"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/startrace/startrace/internal/registry"
)

// commands are the names under which the image has the command box.
var commands = []string{"sh", "top", "echo", "sleep", "ls", "cat", "pgrep", "dd", "true"}

// users are those of the images that specs about users pull, by the end of their
// names (pkg/validate/consts.go of cri-tools).
var users = map[string]string{
	"-user-uid":            "1002",
	"-user-username":       "www-data",
	"-user-uid-group":      "1003:users",
	"-user-username-group": "www-data:100",
}

// image makes the image of a repository: all have the same files, and each has its
// own id. The tags of a repository are one image, and so is pause of all registries.
func image(box []byte, repository string) (*registry.Image, error) {
	files := []registry.File{
		{Name: "bin/", Mode: 0o755},
		{Name: "bin/box", Mode: 0o755, Data: box},
		{Name: "etc/", Mode: 0o755},
		{Name: "etc/passwd", Mode: 0o644, Data: []byte("root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/:/bin/sh\n")},
		{Name: "etc/group", Mode: 0o644, Data: []byte("root:x:0:\nwww-data:x:33:\nusers:x:100:\n")},
		{Name: "tmp/", Mode: 0o777},
	}
	for _, name := range commands {
		files = append(files, registry.File{Name: "bin/" + name, Mode: 0o777, Link: "box"})
	}
	config := ocispec.ImageConfig{
		Cmd: []string{"/bin/top"}, Env: []string{"PATH=/bin"}, WorkingDir: "/",
		Labels: map[string]string{"repository": repository},
		// SIGTERM is lost on a process 1 that has just begun to run: until it handles
		// the signal, the kernel drops it.
		StopSignal: "SIGKILL",
	}
	if strings.HasSuffix(repository, "/httpd") {
		config.Cmd = []string{"/bin/sh", "-c", "echo httpd; top"}
	}
	for end, user := range users {
		if strings.HasSuffix(repository, end) {
			config.User = user
		}
	}
	i, err := registry.New(config, files)
	if err != nil {
		return nil, fmt.Errorf("critest: %w", err)
	}
	return i, nil
}
