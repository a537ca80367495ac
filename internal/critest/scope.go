package critest

import "strings"

// scope is a set of specs and why the reference is not made for them.
type scope struct {
	begins []string // of group and name, see full
	why    string
}

// OutOfScope says why a spec is out of scope; "" if it is to pass.
func OutOfScope(s Spec) string {
	for _, o := range outOfScope {
		for _, begin := range o.begins {
			if strings.HasPrefix(s.full(), begin) {
				return o.why
			}
		}
	}
	return ""
}

func (s Spec) full() string { return s.Group + ": " + s.Name }

// notRun are the specs, as ginkgo skips them, that are known to wait for a minute or
// more for what can't come, or that measure.
var notRun = []string{
	"benchmark", "Networking", "should support network", "HostNetwork is true", "portforward",
	"NRI", "AppArmor", "SELinux",
}

// basic are the specs that have to pass wherever the tests run.
var basic = []string{
	"runtime should support basic operations on container", "runtime should support basic operations on PodSandbox",
	"Idempotence", "Runtime info", "runtime should support log", "runtime should support adding volume and device",
}

var outOfScope = []scope{
	{
		[]string{
			"Container: benchmark", "Image: benchmark", "PodSandbox: benchmark",
		},
		"It measures. Not run.",
	},
	{
		[]string{"Networking: ", "PodSandbox: runtime should support sysctls: ", "Security Context: NamespaceOption: "},
		"A pod has the network, the host name and the sysctls of the machine, and containers share no other namespace (impl/doc.go): the subject is the order of a container's life. Those of Networking, and the one about HostNetwork, are not run, since they wait for a web server in vain.",
	},
	{
		[]string{"Multiple Containers [Conformance]: when running multiple containers in a pod: should support network"},
		"It needs a web server in the image. Not run, since it waits for one in vain.",
	},
	{
		[]string{"Streaming: "},
		"There is no streaming server: Exec, Attach and PortForward answer Unimplemented, and so does CreateContainer of a container with stdin. ExecSync is there. Those about port forwarding are not run, since they wait for a web server in vain.",
	},
	{
		[]string{
			"Security Context: bucket: ", "Security Context: NoNewPrivs: ", "Security Context: SeccompProfilePath: ",
			"Security Context: SupplementalGroupsPolicy: ", "Security Context: UserNamespaces: ", "Security Context: Seccomp",
		},
		"Users, groups, capabilities, privileges, seccomp profiles and user namespaces are not implemented, and CreateContainer says so. A few need commands that our image has not (touch, grep), or mask or protect paths, which stay as runc's default has them.",
	},
	{
		[]string{"AppArmor: ", "SELinux: "},
		"There are no security profiles. Not run.",
	},
	{
		[]string{"NRI: "},
		"It needs NRI's socket. impl.Hooks is the place of NRI in the reference, inside of the process. Not run.",
	},
	{
		[]string{"Container Mount Propagation: ", "Container Mount Readonly: ", "Image Volume [Feature:ImageVolume]"},
		"Of mounts there are bind mounts with private propagation; others are refused.",
	},
	{
		[]string{"Image Manager: public image with digest should be pulled and removed"},
		"It asks for a digest that only the original image has.",
	},
	{
		[]string{"PodSandbox: runtime should support metrics operations: "},
		"Metrics of pods are not implemented; statistics of containers are.",
	},
}
