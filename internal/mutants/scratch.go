package mutants

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"text/template"
	"time"
)

const (
	module = "github.com/startrace/startrace"
	// scratchModule lies below module, so that it may import what is internal.
	scratchModule = module + "/mutated"
)

// Root returns the checkout that the working directory is in.
func Root(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-json").Output()
	var m struct{ Path, Dir string }
	if err == nil {
		err = json.Unmarshal(out, &m)
	}
	if err == nil && m.Path != module {
		err = fmt.Errorf("this is %s", m.Path)
	}
	if err != nil {
		return "", fmt.Errorf("mutants are made of the sources, run it in a checkout of %s: %w", module, err)
	}
	return m.Dir, nil
}

// Scratch is a module in a temporary directory, with a package per mutant and the
// program that searches them. It has to be removed.
type Scratch struct {
	Dir     string
	Program string // the controlled binary, once it is built
}

// NewScratch makes the packages of mutants from the sources of the checkout root.
func NewScratch(root string, mutants []Mutant) (_ *Scratch, retErr error) {
	files, err := Sources(root)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "startrace-mutants-")
	if err != nil {
		return nil, err
	}
	s := &Scratch{Dir: dir, Program: filepath.Join(dir, "mutants.test")}
	defer func() {
		if retErr != nil {
			retErr = errors.Join(retErr, s.Remove())
		}
	}()
	for _, m := range mutants {
		changed, err := m.Apply(files)
		if err != nil {
			return nil, err
		}
		if err := s.write(m.Name, own(m, changed)); err != nil {
			return nil, err
		}
	}
	goMod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return nil, err
	}
	goSum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		return nil, err
	}
	goMod = bytes.Replace(goMod, []byte("module "+module), []byte("module "+scratchModule), 1)
	goMod = fmt.Appendf(goMod, "\nrequire %s v0.0.0\n\nreplace %[1]s => %q\n", module, root)
	var program bytes.Buffer
	if err := programText.Execute(&program, mutants); err != nil {
		return nil, err
	}
	return s, s.write(".", map[string][]byte{"go.mod": goMod, "go.sum": goSum, "mutants_test.go": program.Bytes()})
}

// Remove deletes the directory.
func (s *Scratch) Remove() error { return os.RemoveAll(s.Dir) }

func (s *Scratch) write(dir string, files map[string][]byte) error {
	dir = filepath.Join(s.Dir, dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Sources returns the files of package impl in the checkout root, without tests.
func Sources(root string) (map[string][]byte, error) {
	names, err := filepath.Glob(filepath.Join(root, "impl", "*.go"))
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		if files[filepath.Base(name)], err = os.ReadFile(name); err != nil {
			return nil, err
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no Go files of package impl below %s: run it in a checkout", root)
	}
	return files, nil
}

// metadataURL is what the copies of impl in one program must not all register.
const metadataURL = `"io.startrace/cri/Metadata"`

// own makes a package that stands beside others: its metadata has a type of its
// own, and it has the adapter.
func own(m Mutant, files map[string][]byte) map[string][]byte {
	url := strings.TrimSuffix(metadataURL, `"`) + "/" + m.Name + `"`
	for name, text := range files {
		files[name] = bytes.ReplaceAll(text, []byte(metadataURL), []byte(url))
	}
	files[adapterName] = []byte(adapter)
	return files
}

// adapterName is the file in each package that makes a variant of it: its types
// are others than those of package impl.
const adapterName = "startrace_variant.go"

const adapter = `package impl

import (
	"context"

	reference "` + module + `/impl"
	"` + module + `/scenarios"
	"` + module + `/scenarios/variants"
)

// NewVariant returns a service in env.
func NewVariant(ctx context.Context, env variants.Env) (scenarios.Service, error) {
	config := Config{
		Client:         env.Client,
		Checkpoints:    env.Checkpoints,
		Namespace:      env.Namespace,
		Runtime:        env.Runtime,
		RuntimeOptions: env.RuntimeOptions,
		CgroupParent:   env.CgroupParent,
		NewID:          env.NewID,
		Pause:          (*Pause)(env.Pause),
	}
	if env.Hooks != nil {
		config.Hooks = variantHooks{env.Hooks}
	}
	s, err := New(ctx, config)
	if err != nil {
		return nil, err
	}
	return s, nil
}

type variantHooks struct{ reference.Hooks }

func (h variantHooks) StartContainer(ctx context.Context, c HookContainer) error {
	return h.Hooks.StartContainer(ctx, reference.HookContainer(c))
}

func (h variantHooks) StopContainer(ctx context.Context, c HookContainer) error {
	return h.Hooks.StopContainer(ctx, reference.HookContainer(c))
}
`

// programText is the test that the controlled binary consists of.
var programText = template.Must(template.New("").Parse(`package mutated_test

import (
	"testing"

	"` + module + `/internal/mutants/search"
	"` + module + `/sim"
{{range $i, $m := .}}
	m{{$i}} "` + scratchModule + `/{{$m.Name}}"{{end}}
)

func TestMain(m *testing.M) { sim.Main(m) }

func TestMutant(t *testing.T) {
	search.Run(t, map[string]search.New{
{{range $i, $m := .}}
		"{{$m.Name}}": m{{$i}}.NewVariant,{{end}}
	})
}
`))

// Build builds the program with the controlled runtime.
func (s *Scratch) Build(ctx context.Context, root string) error {
	cmd := Command(ctx, "go", "run", module+"/cmd/startrace", "test", "-C", s.Dir, "-c", "-vet=off", "-o", s.Program, ".")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("can't build the mutants: %w\n%s", err, bytes.TrimSpace(out))
	}
	return nil
}

// Search has the program search one mutant.
func (s *Scratch) Search(ctx context.Context, r Request) (result Result, _ error) {
	r.Result = filepath.Join(s.Dir, r.Mutant+".json")
	request, err := json.Marshal(r)
	if err != nil {
		return result, err
	}
	cmd := Command(ctx, s.Program, "-test.run=^TestMutant$", "-test.timeout=0")
	cmd.Dir = s.Dir
	cmd.Env = append(os.Environ(), Variable+"="+string(request))
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return result, ctx.Err()
	}
	if err != nil {
		result.Mutant, result.Err = r.Mutant, fmt.Sprintf("%v\n%s", err, bytes.TrimSpace(out))
		return result, nil
	}
	data, err := os.ReadFile(r.Result)
	if err == nil {
		err = json.Unmarshal(data, &result)
	}
	if err != nil {
		return result, fmt.Errorf("can't search the mutant %s: %w", r.Mutant, err)
	}
	return result, nil
}

// Command is a command that ends with all that it started when ctx does.
func Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}
