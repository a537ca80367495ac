// Command box is what critest executes in its containers, each command under the name
// by which it is called: sh, top, echo, sleep, ls, cat, pgrep, dd and true. Of each it
// knows as much as the specs use.
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	// Process 1 of a container ends by signals that it handles, and by no others.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		if sig, ok := (<-signals).(syscall.Signal); ok {
			os.Exit(128 + int(sig))
		}
	}()
	args := append([]string{filepath.Base(os.Args[0])}, os.Args[1:]...)
	os.Exit(run(os.Stdout, args))
}

// run executes a command and returns its exit code.
func run(out io.Writer, args []string) int {
	err := fmt.Errorf("%s: not found", args[0])
	switch args[0] {
	case "true":
		return 0
	case "top": // nobody looks at it
		select {}
	case "echo":
		err = echo(out, args[1:])
	case "sleep":
		err = sleep(args[1:])
	case "ls":
		err = list(out, args[1:])
	case "cat":
		err = concatenate(out, args[1:])
	case "dd":
		err = hold(args[1:])
	case "pgrep":
		return find(out, args[1:])
	case "sh":
		if len(args) == 3 && args[1] == "-c" {
			return shell(out, args[2])
		}
		err = fmt.Errorf("sh: only sh -c SCRIPT")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 127
	}
	return 0
}

func echo(out io.Writer, args []string) error {
	end := "\n"
	if len(args) > 0 && args[0] == "-n" {
		args, end = args[1:], ""
	}
	_, err := fmt.Fprint(out, strings.Join(args, " "), end)
	return err
}

func sleep(args []string) error {
	seconds, err := strconv.ParseFloat(strings.Join(args, " "), 64)
	if err != nil {
		return fmt.Errorf("sleep: %w", err)
	}
	time.Sleep(time.Duration(seconds * float64(time.Second)))
	return nil
}

func list(out io.Writer, args []string) error {
	for _, path := range args {
		if path == "-A" {
			continue
		}
		entries, err := os.ReadDir(path)
		if err != nil {
			return fmt.Errorf("ls: %w", err)
		}
		for _, e := range entries {
			fmt.Fprintln(out, e.Name())
		}
	}
	return nil
}

func concatenate(out io.Writer, args []string) error {
	for _, path := range args {
		data, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("cat: %w", err)
		}
		if _, err := out.Write(data); err != nil {
			return err
		}
	}
	return nil
}

// hold takes as many megabytes as bs=20M says, for the sake of which dd is called.
func hold(args []string) error {
	for _, arg := range args {
		size, ok := strings.CutPrefix(arg, "bs=")
		if !ok {
			continue
		}
		n, err := strconv.Atoi(strings.TrimSuffix(size, "M"))
		if err != nil {
			return fmt.Errorf("dd: %w", err)
		}
		block := make([]byte, n<<20)
		for i := range block {
			block[i] = byte(i)
		}
	}
	return nil
}

// find writes the ids of the processes of a name, and returns 1 if there is none.
func find(out io.Writer, args []string) int {
	names, _ := filepath.Glob("/proc/[0-9]*/comm")
	found := 1
	for _, path := range names {
		name, err := os.ReadFile(path)
		if err == nil && strings.TrimSpace(string(name)) == strings.Join(args, " ") {
			fmt.Fprintln(out, filepath.Base(filepath.Dir(path)))
			found = 0
		}
	}
	return found
}
