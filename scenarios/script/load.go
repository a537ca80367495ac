package script

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Load reads all scenarios of a folder, in the order of their names.
func Load(fsys fs.FS, folder string) ([]*Scenario, error) {
	files, err := fs.Glob(fsys, path.Join(folder, "*.txt"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var all []*Scenario
	for _, file := range files {
		text, err := fs.ReadFile(fsys, file)
		if err != nil {
			return nil, err
		}
		s, err := Parse(file, string(text))
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// Find returns the scenario with that id, with or without zeros in front, or name. The error names similar ones.
func Find(all []*Scenario, name string) (*Scenario, error) {
	var similar []string
	for _, s := range all {
		if s.ID == name || s.Name == name || strings.TrimLeft(s.ID, "0") == name {
			return s, nil
		}
		if strings.Contains(s.Name, name) {
			similar = append(similar, s.Name)
		}
	}
	if len(similar) > 0 {
		return nil, fmt.Errorf("no scenario %q; there are %s", name, strings.Join(similar, ", "))
	}
	return nil, fmt.Errorf("no scenario %q among %d", name, len(all))
}

// projects are where the issues of those are that reports name.
var projects = map[string]string{
	"containerd": "containerd/containerd", "cri": "containerd/cri", "moby": "moby/moby", "cri-o": "cri-o/cri-o",
	"k8s": "kubernetes/kubernetes", "runc": "opencontainers/runc", "podman": "containers/podman", "nerdctl": "containerd/nerdctl",
	"conmon": "containers/conmon", "k3s": "k3s-io/k3s", "kubespray/kubean": "kubean-io/kubean",
	"kata-containers": "kata-containers/kata-containers", "kata-runtime": "kata-containers/runtime", "nri": "containerd/nri",
}

var issue = regexp.MustCompile(`^([a-z0-9/-]+)#([0-9]+)$`)

// Report is one of the reports of a race.
type Report struct {
	Text    string // containerd#3177
	Project string // containerd; "" if it is no issue
	URL     string // "" if it is not known
}

// Links returns the reports of s with their addresses.
func (s *Scenario) Links() []Report {
	var all []Report
	for _, text := range s.Reports {
		r := Report{Text: text}
		if m := issue.FindStringSubmatch(text); m != nil {
			r.Project = m[1]
			if repo, ok := projects[m[1]]; ok {
				r.URL = "https://github.com/" + repo + "/issues/" + m[2]
			}
		}
		all = append(all, r)
	}
	return all
}

// Words returns the commands of the story that happen, without those that say who goes
// on or look, each once, sorted.
func (s *Scenario) Words() []string {
	var words []string
	for _, l := range s.Lines {
		if l.step == nil {
			continue
		}
		word, _, _ := strings.Cut(l.Text, " ")
		_, call := callCommands[word]
		_, runtime := runtimeCommands[word]
		if call || runtime {
			words = append(words, word)
		}
	}
	slices.Sort(words)
	return slices.Compact(words)
}
