package report

import "strings"

// Beside returns two texts in two columns, each as wide as its widest line, with a
// line between them. It ends with a newline.
func Beside(left, right string) string {
	a, b := textLines(left), textLines(right)
	width := 0
	for _, line := range a {
		width = max(width, textWidth(line))
	}
	var out strings.Builder
	for i := range max(len(a), len(b)) {
		var l, r string
		if i < len(a) {
			l = a[i]
		}
		if i < len(b) {
			r = b[i]
		}
		line := l + strings.Repeat(" ", width-textWidth(l)) + "  ┃  " + r
		out.WriteString(strings.TrimRight(line, " "))
		out.WriteByte('\n')
	}
	return out.String()
}

func textLines(text string) []string {
	return strings.Split(strings.TrimRight(cleanText(text), "\n"), "\n")
}
