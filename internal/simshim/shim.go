package simshim

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

const (
	// Runtime is the name that containerd knows the shim by.
	Runtime = "io.containerd.startrace.v1"
	// Program is the name of the binary that belongs to it, which containerd
	// looks for in its PATH.
	Program = "containerd-shim-startrace-v1"
)

// options of the command line, as containerd gives them.
type options struct {
	namespace, id, address, bundle string
	info                           bool
	action                         string // start, delete, or empty: be the server

	// Of the server, from the action start.
	socket  string
	grouped bool
}

func parseOptions(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet(Program, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&o.namespace, "namespace", "", "")
	f.StringVar(&o.id, "id", "", "")
	f.StringVar(&o.address, "address", "", "")
	f.StringVar(&o.bundle, "bundle", "", "")
	f.StringVar(&o.socket, "socket", "", "")
	f.BoolVar(&o.grouped, "grouped", false, "")
	f.BoolVar(&o.info, "info", false, "")
	f.String("publish-binary", "", "")
	f.Bool("debug", false, "")
	if err := f.Parse(args); err != nil {
		return options{}, err
	}
	o.action = f.Arg(0)
	return o, nil
}

// Main is the program: it does what containerd asks for with args, which are
// those of the command line without its name, and writes the answer to out.
// containerd calls it to start a shim and to clean up after one that died, in the
// bundle; the server is the same program, started by the first of these, and
// returns when its work is done.
func Main(args []string, out io.Writer) error {
	o, err := parseOptions(args)
	if err != nil {
		return err
	}
	if o.info { // containerd 2 asks what runtime it is and takes no answer for an answer
		return nil
	}
	switch o.action {
	case "start":
		return o.start(out)
	case "delete":
		return o.delete(out)
	case "":
		return o.serve()
	}
	return fmt.Errorf("unknown action %q", o.action)
}

// GroupOf returns the group of a container whose spec has the annotations: what
// the one of this package says, or as runc's shim does the group it is told or the
// sandbox; empty for a container that has its own shim.
func GroupOf(annotations map[string]string) string {
	for _, name := range []string{Prefix + "group", "io.containerd.runc.v2.group", "io.kubernetes.cri.sandbox-id"} {
		if group := annotations[name]; group != "" {
			return group
		}
	}
	return ""
}

// socketPath returns where the shim of a container or group listens: in the
// directory s beside containerd's socket, as the shims of containerd do.
func (o options) socketPath(group string) string {
	name := o.id
	if group != "" {
		name = "group " + group
	}
	sum := sha256.Sum256([]byte(o.namespace + "/" + name))
	return filepath.Join(filepath.Dir(o.address), "s", hex.EncodeToString(sum[:12]))
}

// start returns the address of a shim, and starts it unless its group has one.
func (o options) start(out io.Writer) error {
	spec, err := readSpec(".")
	if err != nil {
		return err
	}
	group := GroupOf(spec.Annotations)
	socket := o.socketPath(group)
	if err := os.MkdirAll(filepath.Dir(socket), 0o711); err != nil {
		return err
	}
	shared := false
	if group != "" {
		reserved, err := reserve(socket)
		if err != nil {
			return err
		}
		defer reserved.Close()
		if conn, err := net.Dial("unix", socket); err == nil {
			conn.Close()
			shared = true
		}
	}
	if !shared {
		if err := o.launch(socket, group != ""); err != nil {
			return err
		}
	}
	address := "unix://" + socket
	// containerd 1.6 finds the shim there when it was restarted.
	if err := os.WriteFile("address", []byte(address), 0o600); err != nil {
		return err
	}
	_, err = io.WriteString(out, address)
	return err
}

// launch starts the server.
func (o options) launch(socket string, grouped bool) error {
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		return err
	}
	l.SetUnlinkOnClose(false) // the server does it
	defer l.Close()
	f, err := l.File()
	if err != nil {
		return err
	}
	defer f.Close()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	args := []string{"-namespace", o.namespace, "-id", o.id, "-address", o.address, "-socket", socket}
	if grouped {
		args = append(args, "-grouped")
	}
	cmd := exec.Command(self, args...)
	cmd.Dir = "/"                  // the bundle will be removed
	cmd.ExtraFiles = []*os.File{f} // file descriptor 3
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	return cmd.Process.Release()
}

// delete cleans up after a shim that died, and says how its container ended.
func (o options) delete(out io.Writer) error {
	if err := os.Remove(o.socketPath("")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	data, err := proto.Marshal(&taskapi.DeleteResponse{
		ExitStatus: 128 + uint32(syscall.SIGKILL), ExitedAt: timestamppb.Now(),
	})
	if err != nil {
		return err
	}
	_, err = out.Write(data)
	return err
}
