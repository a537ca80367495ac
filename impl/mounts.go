package impl

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/containerd/errdefs"
	runtimespec "github.com/opencontainers/runtime-spec/specs-go"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// withMounts binds paths of the host into a container. One that does not exist
// becomes a directory, as kubelets expect. It follows WithMounts of containerd's
// internal/cri/opts/spec_linux_opts.go.
func withMounts(mounts []*runtime.Mount) oci.SpecOpts {
	return func(_ context.Context, _ oci.Client, _ *containers.Container, spec *oci.Spec) error {
		for _, m := range mounts {
			source, err := filepath.EvalSymlinks(m.GetHostPath())
			if errors.Is(err, fs.ErrNotExist) {
				source = m.GetHostPath()
				err = os.MkdirAll(source, 0o755)
			}
			if err != nil {
				return fmt.Errorf("mount of %q: %w", m.GetHostPath(), err)
			}
			mode := "rw"
			if m.GetReadonly() {
				mode = "ro"
			}
			spec.Mounts = append(spec.Mounts, runtimespec.Mount{
				Type: "bind", Source: source, Destination: m.GetContainerPath(),
				Options: []string{"rbind", "rprivate", mode},
			})
		}
		return nil
	}
}

// unsupportedMount is what unsupported is for a config. There are no SELinux labels:
// without selinux_relabel a container can do less, and not more.
func unsupportedMount(m *runtime.Mount) error {
	for _, asked := range []struct {
		what string
		yes  bool
	}{
		{"an image", m.GetImage() != nil},
		{"propagation", m.GetPropagation() != runtime.MountPropagation_PROPAGATION_PRIVATE},
		{"recursive_read_only", m.GetRecursiveReadOnly()},
		{"uidMappings", len(m.GetUidMappings())+len(m.GetGidMappings()) > 0},
	} {
		if asked.yes {
			return fmt.Errorf("%s of a mount: %w", asked.what, errdefs.ErrNotImplemented)
		}
	}
	if !filepath.IsAbs(m.GetHostPath()) || !filepath.IsAbs(m.GetContainerPath()) {
		return fmt.Errorf("mount of %q at %q: paths have to be absolute: %w", m.GetHostPath(), m.GetContainerPath(), errdefs.ErrInvalidArgument)
	}
	return nil
}
