package cli

import (
	"io"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v3"

	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/report"
	"github.com/startrace/startrace/sim/schedule"
)

// picture is a format that a replayed execution can be written in.
type picture struct {
	flag, usage string
	write       func(io.Writer, report.Page) error
}

var pictures = []picture{
	{"html", "write a page to look around in to `FILE`", report.HTML},
	{"mermaid", "write a Mermaid sequence diagram to `FILE`", func(w io.Writer, p report.Page) error { return p.Trace.Mermaid(w) }},
	{"perfetto", "write JSON for Perfetto to `FILE`", func(w io.Writer, p report.Page) error { return p.Trace.Perfetto(w) }},
	{"shiviz", "write a log for ShiViz to `FILE`", func(w io.Writer, p report.Page) error { return p.Trace.ShiViz(w) }},
	{"jsonl", "write the trace to `FILE`, a line of JSON for each step", func(w io.Writer, p report.Page) error { return p.Trace.JSONL(w) }},
}

func pictureFlags() []cli.Flag {
	var flags []cli.Flag
	for _, p := range pictures {
		flags = append(flags, &cli.StringFlag{Name: p.flag, Usage: p.usage})
	}
	return flags
}

// writePictures writes those that were asked for. It reports whether one of
// them went to standard output.
func writePictures(c *cli.Command, r sim.Result, s schedule.Schedule, body func(*sim.T)) (alone bool, err error) {
	page := report.Page{Failure: report.Failure{Title: s.Label + ": nothing is violated", Trace: *r.Trace}}
	if r.Failure != nil && c.String("html") != "" {
		near, err := sim.NearestPassing(config(), s, body)
		if err != nil {
			return false, fail(exitNondeterminism, "%w", err)
		}
		page = r.Page(near)
	}
	page.Commands = []string{program() + " replay " + s.Token()}
	for _, p := range pictures {
		name := c.String(p.flag)
		switch name {
		case "":
			continue
		case "-":
			if alone {
				return alone, fail(exitUsage, "--%s: only one picture fits into standard output", p.flag)
			}
			alone = true
			err = p.write(c.Root().Writer, page)
		default:
			err = writeFile(name, func(w io.Writer) error { return p.write(w, page) })
		}
		if err != nil {
			return alone, fail(exitEnvironment, "--%s: %w", p.flag, err)
		}
	}
	return alone, nil
}

// writePages writes a page for each variant that violates something.
func writePages(dir string, outcomes []outcome) error {
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, o := range outcomes {
		if o.report.Found == nil {
			continue
		}
		page := o.report.Found.Page(o.report)
		err := writeFile(filepath.Join(dir, o.Name+".html"), func(w io.Writer) error { return report.HTML(w, page) })
		if err != nil {
			return err
		}
	}
	return nil
}

func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := write(f); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
