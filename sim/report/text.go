package report

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// cleanText makes text safe to print: no control characters but newlines and
// tabs (a log line must not colour or clear a terminal), no invalid UTF-8.
func cleanText(text string) string {
	text = strings.ToValidUTF8(strings.ReplaceAll(text, "\r\n", "\n"), "\uFFFD")
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
			return '\uFFFD'
		}
		return r
	}, text)
}

// cleanLine is cleanText on one line: runs of white space become one space.
func cleanLine(text string) string {
	return cleanText(strings.Join(strings.Fields(text), " "))
}

// textWidth is the number of columns of a text, one for each rune.
func textWidth(text string) int { return utf8.RuneCountInString(text) }

// truncate cuts text to a width, with an ellipsis.
func truncate(text string, width int) string {
	if textWidth(text) <= width {
		return text
	}
	return string([]rune(text)[:max(width-1, 0)]) + "…"
}

// truncateLeft cuts the beginning instead: of a position, the end matters.
func truncateLeft(text string, width int) string {
	runes := []rune(text)
	if len(runes) <= width {
		return text
	}
	return "…" + string(runes[len(runes)-max(width-1, 0):])
}

// wrap breaks text into lines of a width, at a space if there is one, otherwise
// after punctuation. What does not fit into maxLines ends with an ellipsis.
func wrap(text string, width int) []string {
	const maxLines = 4
	var lines []string
	rest := []rune(text)
	for len(rest) > width {
		if len(lines) == maxLines-1 {
			return append(lines, truncate(string(rest), width))
		}
		cut := breakAt(rest, width)
		lines = append(lines, strings.TrimRight(string(rest[:cut]), " "))
		rest = []rune(strings.TrimLeft(string(rest[cut:]), " "))
	}
	return append(lines, string(rest))
}

// breakAt returns where to cut: at most width, at least a third of it.
func breakAt(text []rune, width int) int {
	for _, want := range [...]func(i int) bool{
		func(i int) bool { return text[i] == ' ' },
		func(i int) bool { return strings.ContainsRune("/.,;:|-_", text[i-1]) },
	} {
		for i := width; i > width/3 && i > 0; i-- {
			if want(i) {
				return i
			}
		}
	}
	return width
}
