package sim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// optionFocus is how a schedule says what was in focus; patterns follow.
const optionFocus = "focus="

// ErrFocus says that nothing an execution did was in focus, or that a pattern is
// none. Wrapped by Report.Err and by errors of ParseFocus.
var ErrFocus = errors.New("nothing is in focus")

// ParseFocus reads the patterns of Config.Focus, with commas or spaces between
// them.
func ParseFocus(text string) ([]string, error) {
	patterns := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
	return patterns, checkFocus(patterns)
}

func checkFocus(patterns []string) error {
	for _, p := range patterns {
		path := strings.TrimPrefix(p, "-")
		before, below := strings.CutSuffix(path, "...")
		switch {
		case path == "..." || path != "" && !below && !strings.HasSuffix(path, "/"):
		case below && strings.HasSuffix(before, "/") && before != "/":
		default:
			return fmt.Errorf("%w: %q is no pattern: it is an import path, one that ends in /..., or a function or type in one", ErrFocus, p)
		}
		if strings.ContainsAny(path, ", \t\n") || strings.Contains(before, "...") {
			return fmt.Errorf("%w: %q is no pattern", ErrFocus, p)
		}
	}
	if len(patterns) > 0 && !slices.ContainsFunc(patterns, func(p string) bool { return p[0] != '-' }) {
		return fmt.Errorf("%w: %s only leaves out", ErrFocus, strings.Join(patterns, ","))
	}
	return nil
}

// focused says what was in focus, as a bound of an exhausted search.
func focused(patterns []string, commute bool) []string {
	if len(patterns) == 0 {
		return nil
	}
	bound := "decisions only in " + strings.Join(patterns, ",")
	if commute {
		bound += "; operations elsewhere are taken to commute"
	}
	return []string{bound}
}
