package daemon

import (
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

// configTemplate is containerd's configuration: everything below one
// directory, and no plugin that listens, mounts or writes elsewhere or that
// nothing here uses.
const configTemplate = `version = 4
root = '{{.}}/root'
state = '{{.}}/state'
temp = '{{.}}/temp'
imports = []
disabled_plugins = [
  'io.containerd.differ.v1.erofs',
  'io.containerd.image-verifier.v1.bindir',
  'io.containerd.monitor.container.v1.restart',
  'io.containerd.mount-handler.v1.erofs',
  'io.containerd.nri.v1.nri',
  'io.containerd.snapshotter.v1.blockfile',
  'io.containerd.snapshotter.v1.btrfs',
  'io.containerd.snapshotter.v1.devmapper',
  'io.containerd.snapshotter.v1.erofs',
  'io.containerd.snapshotter.v1.zfs',
]

[plugins.'io.containerd.internal.v1.opt']
  path = '{{.}}/opt'

[plugins.'io.containerd.server.v1.grpc']
  address = '{{.}}/containerd.sock'

[plugins.'io.containerd.server.v1.ttrpc']
  address = '{{.}}/containerd.sock.ttrpc'

[plugins.'io.containerd.shim.v1.manager']
  socket_dir = '{{.}}/s'
`

// oldTemplate is the same for containerd 1.6 and 1.7. Their sockets of shims
// are always in /run/containerd/s, see privateRun.
const oldTemplate = `version = 2
root = '{{.}}/root'
state = '{{.}}/state'
temp = '{{.}}/temp'
imports = []
disabled_plugins = [
  'io.containerd.grpc.v1.cri',
  'io.containerd.internal.v1.restart',
  'io.containerd.snapshotter.v1.aufs',
  'io.containerd.snapshotter.v1.blockfile',
  'io.containerd.snapshotter.v1.btrfs',
  'io.containerd.snapshotter.v1.devmapper',
  'io.containerd.snapshotter.v1.zfs',
  'io.containerd.tracing.processor.v1.otlp',
]

[grpc]
  address = '{{.}}/containerd.sock'

[ttrpc]
  address = '{{.}}/containerd.sock.ttrpc'

[plugins.'io.containerd.internal.v1.opt']
  path = '{{.}}/opt'
`

// writeConfig writes the configuration of a daemon in the directory run,
// whose path contains no quote, and returns the file's path.
func writeConfig(run string, old bool) (string, error) {
	text := configTemplate
	if old {
		text = oldTemplate
	}
	var b strings.Builder
	if err := template.Must(template.New("config").Parse(text)).Execute(&b, run); err != nil {
		return "", err
	}
	path := filepath.Join(run, "config.toml")
	return path, os.WriteFile(path, []byte(b.String()), 0o600)
}
