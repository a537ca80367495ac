package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// jsonlVersion is the version of the trace format. A change that an older
// reader would misunderstand needs a new one. Version 1, which is still read,
// had no Step.After.
const jsonlVersion = 2

// maxJSONLine is the longest line that ReadJSONL accepts, in bytes.
const maxJSONLine = 1 << 24

// Errors of ReadJSONL, to be tested with errors.Is.
var (
	ErrTraceFormat  = errors.New("not a startrace trace")
	ErrTraceVersion = errors.New("unknown trace version")
)

// The lines around the steps. The count at the end tells a whole trace from one
// whose writer died.
type (
	jsonHeader struct {
		Version *int     `json:"startrace-trace"`
		Lanes   []string `json:"lanes"`
	}
	jsonFooter struct {
		Steps *int `json:"steps"`
	}
)

// JSONL writes the trace as lines of JSON: a header
//
//	{"startrace-trace":2,"lanes":["main","stop"]}
//
// one line for each step with the fields of [Step] that are not zero
//
//	{"lane":1,"op":"lock","site":"stop.go:12","object":"m1","blocked":true}
//
// and a footer {"steps":1}. Invalid UTF-8 is replaced.
func (t Trace) JSONL(w io.Writer) error {
	buffered := bufio.NewWriter(w)
	encoder := json.NewEncoder(buffered)
	encoder.SetEscapeHTML(false)
	lanes := t.Lanes
	if lanes == nil {
		lanes = []string{}
	}
	version, count := jsonlVersion, len(t.Steps)
	if err := encoder.Encode(jsonHeader{&version, lanes}); err != nil {
		return fmt.Errorf("write trace: %w", err)
	}
	for _, step := range t.Steps {
		if err := encoder.Encode(step); err != nil {
			return fmt.Errorf("write trace: %w", err)
		}
	}
	if err := encoder.Encode(jsonFooter{&count}); err != nil {
		return fmt.Errorf("write trace: %w", err)
	}
	if err := buffered.Flush(); err != nil {
		return fmt.Errorf("write trace: %w", err)
	}
	return nil
}

// ReadJSONL reads what [Trace.JSONL] wrote. It refuses other versions, unknown
// fields, lanes that do not exist, steps that depend on ones that do not exist
// or on each other, and traces without an end; errors name the line.
func ReadJSONL(r io.Reader) (Trace, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxJSONLine)
	var p jsonParser
	for number := 1; lines.Scan(); number++ {
		if err := p.line(lines.Bytes()); err != nil {
			return Trace{}, fmt.Errorf("line %d: %w", number, err)
		}
	}
	if err := lines.Err(); err != nil {
		return Trace{}, fmt.Errorf("read trace: %w", err)
	}
	if !p.ended {
		return Trace{}, fmt.Errorf("%w: it ends after %d steps without a footer", ErrTraceFormat, len(p.trace.Steps))
	}
	return p.trace, nil
}

type jsonParser struct {
	trace Trace
	begun bool
	ended bool
}

func (p *jsonParser) line(data []byte) error {
	switch {
	case !p.begun:
		p.begun = true
		return p.header(data)
	case p.ended:
		return fmt.Errorf("%w: more after the footer", ErrTraceFormat)
	}
	var footer jsonFooter
	if err := strict(data, &footer); err == nil && footer.Steps != nil {
		p.ended = true
		if *footer.Steps != len(p.trace.Steps) {
			return fmt.Errorf("%w: %d steps, the footer says %d", ErrTraceFormat, len(p.trace.Steps), *footer.Steps)
		}
		return p.dependencies()
	}
	var step Step
	if err := strict(data, &step); err != nil {
		return fmt.Errorf("%w: %w", ErrTraceFormat, err)
	}
	if step.Lane < 0 || step.Lane >= len(p.trace.Lanes) {
		return fmt.Errorf("%w: lane %d of %d", ErrTraceFormat, step.Lane, len(p.trace.Lanes))
	}
	if len(step.After) == 0 {
		step.After = nil
	}
	p.trace.Steps = append(p.trace.Steps, step)
	return nil
}

// dependencies checks Step.After.
func (p *jsonParser) dependencies() error {
	for i, step := range p.trace.Steps {
		for _, j := range step.After {
			if j < 0 || j >= len(p.trace.Steps) {
				return fmt.Errorf("%w: step %d comes after step %d of %d", ErrTraceFormat, i, j, len(p.trace.Steps))
			}
		}
	}
	if newCausality(p.trace).circle {
		return fmt.Errorf("%w: steps come after each other in a circle", ErrTraceFormat)
	}
	return nil
}

func (p *jsonParser) header(data []byte) error {
	// The version first: the rest of another version's header may differ.
	var header jsonHeader
	if err := json.Unmarshal(data, &struct {
		Version **int `json:"startrace-trace"`
	}{&header.Version}); err != nil || header.Version == nil {
		return fmt.Errorf("%w: no header", ErrTraceFormat)
	}
	if *header.Version < 1 || *header.Version > jsonlVersion {
		return fmt.Errorf("%w: %d; this build reads 1 to %d", ErrTraceVersion, *header.Version, jsonlVersion)
	}
	if err := strict(data, &header); err != nil {
		return fmt.Errorf("%w: %w", ErrTraceFormat, err)
	}
	if len(header.Lanes) > 0 {
		p.trace.Lanes = header.Lanes
	}
	return nil
}

// strict decodes one value with known fields and nothing after it.
func strict(data []byte, value any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(value); err != nil {
		return err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return errors.New("more than one value")
	}
	return nil
}
