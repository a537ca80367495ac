package daemon

import (
	"os"
	"path/filepath"
	"strings"
	"text/template"

	runcoptions "github.com/containerd/containerd/api/types/runc/options"
)

// configTemplate is containerd's configuration: everything below one
// directory, and no plugin that listens, mounts or writes elsewhere or that
// nothing here uses.
const configTemplate = `version = 4
root = '{{.Run}}/root'
state = '{{.Run}}/state'
temp = '{{.Run}}/temp'
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
  path = '{{.Run}}/opt'

[plugins.'io.containerd.server.v1.grpc']
  address = '{{.Run}}/containerd.sock'

[plugins.'io.containerd.server.v1.ttrpc']
  address = '{{.Run}}/containerd.sock.ttrpc'

[plugins.'io.containerd.shim.v1.manager']
  socket_dir = '{{.Run}}/s'
{{with .SandboxImage}}
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = '{{.}}'

[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
  disable_apparmor = true

[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ['{{$.Run}}/cni']
  conf_dir = '{{$.Run}}/cni'

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = 'io.containerd.runc.v2'

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  Root = '{{$.Runc.Root}}'
  BinaryName = '{{$.Runc.BinaryName}}'

[plugins.'io.containerd.grpc.v1.cri']
  stream_server_port = '0'
{{end}}`

// oldTemplate is the same for containerd 1.6 and 1.7. Their sockets of shims
// are always in /run/containerd/s, see privateRun.
const oldTemplate = `version = 2
root = '{{.Run}}/root'
state = '{{.Run}}/state'
temp = '{{.Run}}/temp'
imports = []
disabled_plugins = [{{if not .SandboxImage}}
  'io.containerd.grpc.v1.cri',{{end}}
  'io.containerd.internal.v1.restart',
  'io.containerd.snapshotter.v1.aufs',
  'io.containerd.snapshotter.v1.blockfile',
  'io.containerd.snapshotter.v1.btrfs',
  'io.containerd.snapshotter.v1.devmapper',
  'io.containerd.snapshotter.v1.zfs',
  'io.containerd.tracing.processor.v1.otlp',
]

[grpc]
  address = '{{.Run}}/containerd.sock'

[ttrpc]
  address = '{{.Run}}/containerd.sock.ttrpc'

[plugins.'io.containerd.internal.v1.opt']
  path = '{{.Run}}/opt'
{{with .SandboxImage}}
[plugins.'io.containerd.grpc.v1.cri']
  sandbox_image = '{{.}}'
  restrict_oom_score_adj = true
  disable_apparmor = true
  stream_server_port = '0'

[plugins.'io.containerd.grpc.v1.cri'.cni]
  bin_dir = '{{$.Run}}/cni'
  conf_dir = '{{$.Run}}/cni'

[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.runc]
  runtime_type = 'io.containerd.runc.v2'

[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.runc.options]
  Root = '{{$.Runc.Root}}'
  BinaryName = '{{$.Runc.BinaryName}}'
{{end}}`

// settings are what a configuration depends on. No value contains a quote.
type settings struct {
	Run          string // directory
	SandboxImage string // empty: without the CRI plugin
	Runc         *runcoptions.Options
}

// writeConfig writes the configuration of a daemon and returns the file's path.
func writeConfig(s settings, old bool) (string, error) {
	text := configTemplate
	if old {
		text = oldTemplate
	}
	var b strings.Builder
	if err := template.Must(template.New("config").Parse(text)).Execute(&b, s); err != nil {
		return "", err
	}
	path := filepath.Join(s.Run, "config.toml")
	return path, os.WriteFile(path, []byte(b.String()), 0o600)
}
