package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/startrace/startrace/internal/daemon"
	"github.com/startrace/startrace/internal/nightly"
	"github.com/startrace/startrace/internal/results"
	"github.com/startrace/startrace/scenarios"
)

// The defaults of soak.
const (
	defaultSoak       = 10 * time.Minute
	defaultConcurrent = 16
	defaultTarget     = privatePrefix + privatePinned
	privatePrefix     = "containerd@"

	// repetitions is how often a command that reproduces a finding runs its round.
	repetitions = 20
)

// soakEvery is the time between two lines of progress.
var soakEvery = 10 * time.Second

func soakCommand() *cli.Command {
	return &cli.Command{
		Name:  "soak",
		Usage: "run the reference on a real containerd, round after round, while daemon and shims are killed",
		Description: `Each round makes containers, calls StartContainer, StopContainer and the like about
them at random times, with faults in most rounds, has the model judge what came of each
container, and looks for what is left. Rounds are drawn from the seed. It needs root,
and leaves nothing on the machine but the artifacts.

The first interrupt or SIGTERM ends it after the current round, with everything
written; the second one ends it at once, and the next soak removes what that left.

A clean verdict proves nothing about schedules that did not happen; see docs/soak.md.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "private", Value: defaultTarget, Usage: "start a `CONTAINERD` that leaves nothing behind: containerd@2.4.2, or containerd@1.6.20 on Debian 12"},
			&cli.StringFlag{Name: "address", Usage: "use the containerd that serves on `SOCKET`, in a namespace of our own, instead"},
			&cli.DurationFlag{Name: "duration", Value: defaultSoak, Usage: "begin no round after `TIME`; without limit if only --rounds is set"},
			&cli.IntFlag{Name: "rounds", Usage: "end after round `N`"},
			&cli.IntFlag{Name: "round", Usage: "run only round `K`, again and again"},
			&cli.IntFlag{Name: "concurrent", Value: defaultConcurrent, Usage: "`CONTAINERS` of a round, all at once"},
			&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "`SEED` of the rounds"},
			&cli.StringFlag{Name: "faults", Usage: "`KINDS` of faults that a round may have, with commas between them, of daemon and shim (they are killed), or none (default: daemon,shim; none with --address)"},
			&cli.StringFlag{Name: "variant", Value: scenarios.Reference.Name, Usage: "run this `VARIANT` (" + strings.Join(variantNames(), ", ") + ")"},
			&cli.StringFlag{Name: "shard", Usage: "run only part `I/N` of the rounds, as on one of N machines (default: what the array job of Slurm or Kubernetes says)"},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object for each round, and no table"},
			&cli.StringFlag{Name: "artifacts", Usage: "write what was found to `DIRECTORY` (default: $ARTIFACTS, else _artifacts; of a shard, a directory in it)"},
			&cli.StringFlag{Name: "metrics", Usage: "serve metrics for Prometheus on `ADDRESS`, under /metrics"},
			&cli.StringFlag{Name: "textfile", Usage: "write the metrics to `FILE` at the end"},
		},
		OnUsageError: usageError,
		Action:       soak,
	}
}

func soak(ctx context.Context, c *cli.Command) error {
	if err := noArguments(c); err != nil {
		return err
	}
	opts, err := soakOptions(c)
	if err != nil {
		return err
	}
	stop, code, done := endings()
	defer done()
	opts.Interrupt = stop
	if err := soakDaemon(ctx, c, &opts); err != nil {
		return err
	}
	metrics := nightly.NewMetrics()
	if address := c.String("metrics"); address != "" {
		bound, closeMetrics, err := serveMetrics(address, metrics)
		if err != nil {
			return err
		}
		defer closeMetrics()
		fmt.Fprintf(c.Root().ErrWriter, "soak: metrics on http://%s/metrics\n", bound)
	}
	showProgress(c, &opts, metrics)
	result, err := nightly.Run(ctx, opts)
	metrics.Set(result.Counts)
	if !c.Bool("json") {
		err = errors.Join(err, nightly.Table(c.Root().Writer, result))
	}
	if file := c.String("textfile"); file != "" {
		err = errors.Join(err, metrics.WriteTextfile(file))
	}
	return soakVerdict(c, opts, result, err, code())
}

// soakOptions reads the flags that need no look at the machine.
func soakOptions(c *cli.Command) (opts nightly.Options, err error) {
	opts = nightly.Options{
		Duration: c.Duration("duration"), Rounds: c.Int("rounds"), Only: c.Int("round"),
		Concurrent: c.Int("concurrent"), Seed: c.Uint64("seed"), Command: strings.Join(slices.Concat([]string{program()}, os.Args[1:]), " "),
	}
	if c.IsSet("address") {
		if c.IsSet("private") {
			return opts, fail(exitUsage, "either --private or --address says which containerd")
		}
	}
	containerd := cmp.Or(c.String("address"), c.String("private"))
	if c.IsSet("rounds") && !c.IsSet("duration") {
		opts.Duration = 0
	}
	for _, f := range []struct {
		name  string
		value int
		least int
	}{{"rounds", opts.Rounds, 1}, {"round", opts.Only, 1}, {"concurrent", opts.Concurrent, 1}} {
		if c.IsSet(f.name) && f.value < f.least {
			return opts, fail(exitUsage, "--%s: %d is less than %d", f.name, f.value, f.least)
		}
	}
	if opts.Duration < 0 {
		return opts, fail(exitUsage, "--duration: %v is no time", opts.Duration)
	}
	if opts.Variant, err = scenarios.Lookup(c.String("variant")); err != nil {
		return opts, fail(exitUsage, "--variant: %w", err)
	}
	if opts.Breaks, err = parseFaults(c.String("faults"), c.IsSet("address")); err != nil {
		return opts, err
	}
	opts.Target = opts.Variant.Name + " on " + containerd
	opts.Artifacts = cmp.Or(c.String("artifacts"), os.Getenv("ARTIFACTS"), "_artifacts")
	if opts.Only > 0 {
		if c.IsSet("shard") {
			return opts, fail(exitUsage, "--round is a round, and --shard some of them: use one of the flags")
		}
	} else if opts.Shard, err = results.ShardOf(c.String("shard")); err != nil {
		return opts, fail(exitUsage, "--shard: %w", err)
	}
	if opts.Shard.Of > 0 {
		opts.Artifacts = filepath.Join(opts.Artifacts, fmt.Sprintf("shard-%d-of-%d", opts.Shard.Index+1, opts.Shard.Of))
	}
	opts.Reproduce = func(round int) string { return reproduce(c, opts, round) }
	return opts, nil
}

// parseFaults reads --faults. A daemon that is not ours is not killed.
func parseFaults(text string, foreign bool) (b scenarios.Breaks, err error) {
	switch {
	case text == "none", text == "" && foreign:
		return b, nil
	case text == "":
		return scenarios.Breaks{Daemon: true, Shims: true}, nil
	}
	for kind := range strings.SplitSeq(text, ",") {
		switch strings.TrimSpace(kind) {
		case "daemon":
			if foreign {
				return b, fail(exitUsage, "--faults: the daemon at --address is not ours to kill")
			}
			b.Daemon = true
		case "shim":
			b.Shims = true
		default:
			return b, fail(exitUsage, "--faults is none, or some of daemon and shim, got %q", text)
		}
	}
	return b, nil
}

// reproduce is the command that runs a round again, or all rounds for round 0.
func reproduce(c *cli.Command, opts nightly.Options, round int) string {
	args := []string{program(), "soak"}
	for _, flag := range []string{"private", "address"} {
		if flag == "address" == c.IsSet("address") {
			args = append(args, "--"+flag, c.String(flag))
		}
	}
	faults := strings.Join(opts.Breaks.Names(), ",")
	args = append(args, "--variant", opts.Variant.Name, "--seed", fmt.Sprint(opts.Seed),
		"--concurrent", fmt.Sprint(opts.Concurrent), "--faults", cmp.Or(faults, "none"))
	if round > 0 {
		args = append(args, "--round", fmt.Sprint(round), "--rounds", fmt.Sprint(repetitions))
	}
	return strings.Join(args, " ")
}

// soakDaemon says which containerd is run on.
func soakDaemon(ctx context.Context, c *cli.Command, opts *nightly.Options) (err error) {
	logf := func(format string, args ...any) { fmt.Fprintf(c.Root().ErrWriter, "soak: "+format+"\n", args...) }
	if c.IsSet("address") {
		opts.Daemon = daemon.Options{Address: strings.TrimPrefix(c.String("address"), "unix://"), Logf: logf}
		return nil
	}
	opts.Daemon, err = privateDaemon(ctx, "--private", privatePrefix, c.String("private"), logf)
	return err
}

// showProgress has rounds and progress printed and measured.
func showProgress(c *cli.Command, opts *nightly.Options, metrics *nightly.Metrics) {
	out, errs := c.Root().Writer, c.Root().ErrWriter
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)
	var last time.Time
	opts.Began = func(version string) {
		last = time.Now()
		fmt.Fprintf(errs, "soak: %s on containerd %s, seed %d, %d containers at once\n",
			opts.Variant.Name, version, opts.Seed, opts.Concurrent)
	}
	opts.Progress = func(r *nightly.Round, total nightly.Counts, elapsed time.Duration) {
		metrics.Set(total)
		if c.Bool("json") {
			_ = lines.Encode(r) // results.jsonl has it too
		}
		if time.Since(last) >= soakEvery {
			last = time.Now()
			fmt.Fprintf(errs, "soak: %s\n", nightly.Line(total, elapsed))
		}
	}
}

// serveMetrics serves metrics on an address until closeServer is called. It returns
// that address, with the port that it got if that is 0.
func serveMetrics(address string, metrics *nightly.Metrics) (bound string, closeServer func(), err error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return "", nil, fail(exitEnvironment, "--metrics: %w: name another address", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics.Handler())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(l) // until it is closed
	}()
	return l.Addr().String(), func() {
		_ = server.Close()
		<-served
	}, nil
}

// endings returns what the first interrupt or SIGTERM closes, and the exit code that
// it leads to, 0 before it; the second one ends the process, as ever.
func endings() (stop <-chan struct{}, code func() int, done func()) {
	c, signals, over := make(chan struct{}), make(chan os.Signal, 1), make(chan struct{})
	var got atomic.Int64
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case s := <-signals:
			signal.Stop(signals)
			got.Store(exitInterrupted)
			if s == syscall.SIGTERM {
				got.Store(exitTerminated)
			}
			close(c)
		case <-over:
			signal.Stop(signals)
		}
	}()
	return c, func() int { return int(got.Load()) }, func() { close(over) }
}

// soakVerdict is the error for a result. What was found matters more than that
// something is missing, and this more than an interrupt.
func soakVerdict(c *cli.Command, opts nightly.Options, r *results.Result, err error, interrupted int) error {
	if err != nil && r.Verdict == results.Violated {
		fmt.Fprintf(c.Root().ErrWriter, "startrace: %v\n", err)
	}
	switch {
	case r.Verdict == results.Violated:
		return fail(exitViolated, "%d kinds of failures, in %s", len(r.Failures), filepath.Join(opts.Artifacts, "failures"))
	case errors.Is(err, nightly.ErrArtifacts):
		return fail(exitEnvironment, "%w: make room, or name another directory with --artifacts", err)
	case err != nil && opts.Daemon.Address != "" && r.Counts["rounds"] == 0:
		return fail(exitEnvironment, "no containerd can be used at %s: %w: start it, run as root, or leave --address out", opts.Daemon.Address, err)
	case err != nil:
		return fail(exitEnvironment, "%w", err)
	case interrupted != 0:
		return fail(interrupted, "interrupted")
	case r.Verdict == results.Inconclusive:
		return fail(exitInconclusive, "nothing was checked: give it more time or more rounds")
	}
	return nil
}

// privateDaemon returns the options of a private daemon of a release, for which the
// value of a flag has a prefix.
func privateDaemon(ctx context.Context, flag, prefix, value string, logf func(string, ...any)) (daemon.Options, error) {
	opts := daemon.Options{Logf: logf}
	switch value {
	case prefix + privatePinned:
		return opts, nil
	case prefix + privateDebian:
		binary, version, err := daemon.Debian(ctx, logf)
		if err == nil && version != privateDebian {
			err = fmt.Errorf("the distribution has %s", version)
		}
		if err != nil {
			return opts, fail(exitEnvironment, "%s %s: %w", flag, value, err)
		}
		opts.Binary = binary
		return opts, nil
	}
	return opts, fail(exitUsage, "%s is %s%s or %s%s, got %q", flag, prefix, privatePinned, prefix, privateDebian, value)
}
