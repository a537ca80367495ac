package schedule

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	fileHeader  = "# startrace schedule v"
	fileColumns = 80
	// A file is read as a whole. Choices that need more than this are not
	// something to keep in a text file.
	maxFileSize = 1 << 25 // bytes
)

// WriteFile writes s to path as text, for testdata and bug reports. The file is
// replaced if it exists.
//
//	# startrace schedule v1
//	label: preseed/start|remove
//	rand: 7
//	options: early=1
//	hash: 0x5f3c0c3f8f0d2a11
//	choices:
//	  0*117 2 0*9 1
//
// Lines of empty values are left out, except for the choices. A text that is
// not plain is written as a Go string literal. Choices are wrapped at 80
// columns. Lines that start with '#' and empty lines may be added by hand.
func (s Schedule) WriteFile(path string) error {
	if err := os.WriteFile(path, []byte(s.Text()), 0o644); err != nil {
		return fmt.Errorf("write schedule: %w", err)
	}
	return nil
}

// ReadFile reads a file of [Schedule.WriteFile], or one that contains just a
// token. Errors name file and line and are, unless the file could not be read,
// one of those of [Parse].
func ReadFile(path string) (Schedule, error) {
	f, err := os.Open(path)
	if err != nil {
		return Schedule{}, fmt.Errorf("read schedule: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		return Schedule{}, fmt.Errorf("read schedule: %w", err)
	}
	if len(data) > maxFileSize {
		return Schedule{}, fmt.Errorf("%s: %w: at most %d bytes", path, ErrTooLarge, maxFileSize)
	}
	s, err := ParseText(string(data))
	var at *lineError
	switch {
	case errors.As(err, &at):
		return Schedule{}, fmt.Errorf("%s:%d: %w", path, at.line, at.err)
	case err != nil:
		return Schedule{}, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// Text returns what [Schedule.WriteFile] writes.
func (s Schedule) Text() string {
	var b strings.Builder
	b.WriteString(fileHeader + version + "\n")
	if s.Label != "" {
		b.WriteString("label: " + quote(s.Label) + "\n")
	}
	if s.Rand != 0 {
		b.WriteString("rand: " + strconv.FormatUint(s.Rand, 10) + "\n")
	}
	if s.Options != "" {
		b.WriteString("options: " + quote(s.Options) + "\n")
	}
	if s.Hash != 0 {
		fmt.Fprintf(&b, "hash: 0x%016x\n", s.Hash)
	}
	b.WriteString("choices:\n")
	writeChoices(&b, trim(s.Choices))
	return b.String()
}

// writeChoices writes runs, "0*117 2 0*9 1", as indented lines.
func writeChoices(b *strings.Builder, choices []uint32) {
	column := 0
	for i := 0; i < len(choices); {
		run := 1
		for i+run < len(choices) && choices[i+run] == choices[i] {
			run++
		}
		word := strconv.FormatUint(uint64(choices[i]), 10)
		if run > 1 {
			word += "*" + strconv.Itoa(run)
		}
		switch {
		case column == 0:
			word = "  " + word
		case column+1+len(word) > fileColumns:
			word, column = "\n  "+word, -1
		default:
			word = " " + word
		}
		b.WriteString(word)
		column += len(word)
		i += run
	}
	if column > 0 {
		b.WriteByte('\n')
	}
}

// quote returns text as it is if it is read back unchanged that way.
func quote(text string) string {
	if !utf8.ValidString(text) || text != strings.TrimSpace(text) || text[0] == '"' {
		return strconv.Quote(text)
	}
	for _, r := range text {
		if !strconv.IsPrint(r) {
			return strconv.Quote(text)
		}
	}
	return text
}

// lineError is an error at a line of a text, counted from 1.
type lineError struct {
	line int
	err  error
}

func (e *lineError) Error() string { return fmt.Sprintf("line %d: %v", e.line, e.err) }
func (e *lineError) Unwrap() error { return e.err }

// ParseText reads what [Schedule.Text] returned, or a token. Errors name the
// line and are one of those of [Parse].
func ParseText(text string) (Schedule, error) {
	header, _, _ := strings.Cut(text, "\n")
	number, ok := strings.CutPrefix(strings.TrimRight(header, " \t\r"), fileHeader)
	if !ok {
		return parseTokenText(text)
	}
	if number != version {
		return Schedule{}, &lineError{1, fmt.Errorf("%w: %q; this build reads %q", ErrVersion,
			excerpt(number), version)}
	}
	p := textParser{seen: map[string]int{}}
	line := 0
	for text := range strings.Lines(text) {
		if line++; line == 1 {
			continue
		}
		if err := p.line(line, strings.TrimRight(text, " \t\r\n")); err != nil {
			return Schedule{}, &lineError{line, err}
		}
	}
	if p.seen["choices"] == 0 {
		return Schedule{}, &lineError{line, fmt.Errorf("%w: no choices", ErrDamaged)}
	}
	p.s.Choices = trim(p.s.Choices)
	return p.s, nil
}

// parseTokenText reads a text that is just a token, on whichever line.
func parseTokenText(text string) (Schedule, error) {
	before := len(text) - len(strings.TrimLeft(text, " \t\r\n"))
	s, err := Parse(text)
	if err != nil {
		return Schedule{}, &lineError{1 + strings.Count(text[:before], "\n"), err}
	}
	return s, nil
}

// textParser reads the lines after the header.
type textParser struct {
	s         Schedule
	seen      map[string]int // key -> line
	inChoices bool
}

func (p *textParser) line(number int, line string) (err error) {
	if line == "" || line[0] == '#' {
		return nil
	}
	if line[0] == ' ' || line[0] == '\t' {
		if !p.inChoices {
			return fmt.Errorf("%w: an indented line that belongs to no choices", ErrDamaged)
		}
		return p.choices(line)
	}
	key, value, ok := strings.Cut(line, ":")
	if !ok {
		return fmt.Errorf("%w: %q is no \"key: value\"", ErrDamaged, excerpt(line))
	}
	if first := p.seen[key]; first > 0 {
		return fmt.Errorf("%w: %q again, first on line %d", ErrDamaged, key, first)
	}
	p.inChoices = key == "choices"
	value = strings.TrimSpace(value)
	switch key {
	case "label":
		p.s.Label, err = unquote(value)
	case "options":
		p.s.Options, err = unquote(value)
	case "rand":
		p.s.Rand, err = parseNumber(value, 64)
	case "hash":
		p.s.Hash, err = parseNumber(value, 64)
	case "choices":
		err = p.choices(value)
	default:
		return fmt.Errorf("%w: unknown key %q", ErrDamaged, excerpt(key))
	}
	p.seen[key] = number
	return err
}

func (p *textParser) choices(line string) (err error) {
	for word := range strings.FieldsSeq(line) {
		if p.s.Choices, err = appendWord(p.s.Choices, word); err != nil {
			return err
		}
	}
	return nil
}

// appendWord appends the choices of one word, "2" or "0*117".
func appendWord(choices []uint32, word string) ([]uint32, error) {
	first, times, isRun := strings.Cut(word, "*")
	choice, err := parseNumber(first, 32)
	if err != nil {
		return nil, err
	}
	count := uint64(1)
	if isRun {
		if count, err = parseNumber(times, 64); err != nil {
			return nil, err
		}
		if count == 0 {
			return nil, fmt.Errorf("%w: %q is an empty run", ErrDamaged, excerpt(word))
		}
	}
	if count > uint64(MaxChoices-len(choices)) {
		return nil, fmt.Errorf("%w: at most %d choices", ErrTooLarge, MaxChoices)
	}
	return appendRun(choices, uint32(choice), int(count)), nil
}

// parseNumber reads a decimal or 0x number of at most so many bits.
func parseNumber(text string, bits int) (uint64, error) {
	digits, base := text, 10
	if hex, ok := strings.CutPrefix(text, "0x"); ok {
		digits, base = hex, 16
	}
	v, err := strconv.ParseUint(digits, base, bits)
	if err != nil {
		return 0, fmt.Errorf("%w: %q is no number below 1<<%d", ErrDamaged, excerpt(text), bits)
	}
	return v, nil
}

// unquote undoes quote.
func unquote(text string) (string, error) {
	value := text
	if strings.HasPrefix(text, `"`) {
		var err error
		if value, err = strconv.Unquote(text); err != nil {
			return "", fmt.Errorf("%w: %s is no string literal", ErrDamaged, excerpt(text))
		}
	}
	if len(value) > MaxText {
		return "", fmt.Errorf("%w: %d bytes of text, at most %d", ErrTooLarge, len(value), MaxText)
	}
	return value, nil
}
