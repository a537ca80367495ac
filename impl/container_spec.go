package impl

import (
	"fmt"
	"path"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/containerd/errdefs"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// containerOpts describes a container to containerd; image is nil if its root file
// system is a directory.
func (s *Service) containerOpts(meta metadata, image *image) ([]containerd.NewContainerOpts, error) {
	config := meta.Config
	args := image.args(config)
	if len(args) == 0 {
		return nil, fmt.Errorf("no command: %w", errdefs.ErrInvalidArgument)
	}
	if _, err := meta.stopSignal(); err != nil {
		return nil, err
	}
	if meta.logPath() != "" && s.config.StreamDir == "" {
		return nil, errNoStreams
	}
	opts := []containerd.NewContainerOpts{
		containerd.WithContainerLabels(map[string]string{kindLabel: kindContainer}),
		containerd.WithContainerExtension(metadataExtension, &meta),
	}
	spec := []oci.SpecOpts{
		oci.WithRootFSPath(config.GetImage().GetImage()),
		oci.WithRootFSReadonly(),
	}
	if image != nil {
		opts = append(opts, s.snapshotOpts(meta.ID, image)...)
		spec = imageSpec(config, image)
	}
	spec = append(spec,
		oci.WithProcessArgs(args...),
		oci.WithProcessCwd(image.workingDir(config)),
		oci.WithEnv(environment(config)),
	)
	if mounts := config.GetMounts(); len(mounts) > 0 {
		spec = append(spec, withMounts(mounts))
	}
	if r := config.GetLinux().GetResources(); r != nil {
		spec = append(spec, withResources(r))
	}
	if s.config.Pause != nil {
		spec = append(spec, hostNetwork())
	}
	if s.config.CgroupParent != "" {
		spec = append(spec, oci.WithCgroup(path.Join(s.config.CgroupParent, meta.ID)))
	}
	opts = append(opts, containerd.WithNewSpec(spec...))
	if s.config.Runtime != "" {
		opts = append(opts, containerd.WithRuntime(s.config.Runtime, s.config.RuntimeOptions))
	}
	return opts, nil
}

// unsupported returns an error of class NotImplemented if a config asks for what
// would be a fault or a hole to leave out without a word.
func unsupported(config *runtime.ContainerConfig) error {
	security := config.GetLinux().GetSecurityContext()
	for _, asked := range []struct {
		what string
		yes  bool
	}{
		{"tty", config.GetTty()},
		{"stdin", config.GetStdin()},
		{"devices", len(config.GetDevices())+len(config.GetCDIDevices()) > 0},
		{"privileged", security.GetPrivileged()},
		{"run_as_user", security.GetRunAsUser() != nil || security.GetRunAsUsername() != "" || security.GetRunAsGroup() != nil},
		{"supplemental_groups", len(security.GetSupplementalGroups()) > 0},
		{"capabilities", security.GetCapabilities() != nil},
		{"seccomp", confined(security.GetSeccomp())},
		{"apparmor", confined(security.GetApparmor())},
		{"selinux_options", security.GetSelinuxOptions() != nil},
	} {
		if asked.yes {
			return fmt.Errorf("%s of a container: %w", asked.what, errdefs.ErrNotImplemented)
		}
	}
	for _, m := range config.GetMounts() {
		if err := unsupportedMount(m); err != nil {
			return err
		}
	}
	return nil
}

// confined reports whether a profile is asked for.
func confined(p *runtime.SecurityProfile) bool {
	return p != nil && p.GetProfileType() != runtime.SecurityProfile_Unconfined
}

func environment(config *runtime.ContainerConfig) []string {
	var env []string
	for _, kv := range config.GetEnvs() {
		env = append(env, kv.GetKey()+"="+string(kv.GetValue()))
	}
	return env
}
