package main

import (
	"io"
	"slices"
	"strings"
)

// shell executes a script and returns the exit code of its last command. The words of
// a script are separated by spaces; it has
//
//	script  = command { ";" command }
//	command = simple { "||" simple } | "while true; do" script "; done"
//
// and no quotes.
func shell(out io.Writer, script string) int {
	words := strings.Fields(strings.ReplaceAll(script, ";", " ; "))
	code := 0
	for len(words) > 0 {
		if begin := []string{"while", "true", ";", "do"}; len(words) > len(begin) && slices.Equal(words[:len(begin)], begin) {
			body := words[len(begin):]
			if end := slices.Index(body, "done"); end >= 0 {
				body = body[:end]
			}
			for {
				shell(out, strings.Join(body, " "))
			}
		}
		end := slices.Index(words, ";")
		if end < 0 {
			end = len(words)
		}
		if end > 0 {
			code = alternatives(out, words[:end])
		}
		words = words[min(end+1, len(words)):]
	}
	return code
}

// alternatives executes commands until one of them succeeds.
func alternatives(out io.Writer, words []string) int {
	for {
		end := slices.Index(words, "||")
		if end < 0 {
			return run(out, words)
		}
		if code := run(out, words[:end]); code == 0 {
			return 0
		}
		words = words[end+1:]
	}
}
