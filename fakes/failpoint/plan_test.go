package failpoint

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	for _, test := range [][2]string{
		{"", ""},
		{" ", ""},
		{"tasks.Start=1*off->1*error(unavailable)->2*delay(10ms)->panic", "tasks.Start=1*off->1*error(unavailable)->2*delay(10ms)->panic"},
		{"tasks.Start/reply=2.5%3*error(oops);\n event/tasks/*=50%drop ;", "tasks.Start/reply=2.5%3*error(oops);event/tasks/*=50%drop"},
		{"process/exit=order(event,wait,status,delete)", "process/exit=order(event,wait,status,delete)"},
		{"disk.write=full(10s);disk.*=0.010%error(ENOSPC)", "disk.write=full(10s);disk.*=0.01%error(ENOSPC)"},
		{"tasks.Get=delay(250)", "tasks.Get=delay(250)"},
		{"*=1*jump(-1h)", "*=1*jump(-1h)"},
	} {
		text, want := test[0], test[1]
		plan, err := Parse(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, plan.String())
		again, err := Parse(plan.String())
		require.NoError(t, err, text)
		assert.Equal(t, plan, again)
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"=off":                             "column 1: a site is missing",
		"tasks.Start":                      "column 12: after a site comes =",
		"tasks.Start=":                     "column 13: an action is missing: there are after, alone, block",
		"tasks.Start=explode":              `column 13: unknown action "explode"`,
		"tasks.Start=0*off":                `"0" is no count`,
		"tasks.Start=2off":                 `"2" is no count`,
		"tasks.Start=0%off":                `"0" is no percentage`,
		"tasks.Start=101%off":              `"101" is no percentage`,
		"tasks.Start=1..2%off":             `"1..2" is no percentage`,
		"tasks.Start=error":                "error needs an argument: a text",
		"tasks.Start=error()":              "an argument or its ) is missing",
		"tasks.Start=error(x":              "an argument or its ) is missing",
		"tasks.Start=off(x)":               "off takes no argument",
		"tasks.Start=delay(soon)":          `"soon" is no duration`,
		"tasks.Start=delay(-1s)":           `"-1s" is no duration`,
		"tasks.Start=exit(256)":            `"256" is no number from 0 to 255`,
		"tasks.Start=off off":              "after a term comes -> or ;",
		"tasks.Start=off;tasks.Start=off":  "site tasks.Start stands there twice",
		"task.Start=off":                   "unknown site task.Start",
		"disk.read=off":                    "unknown site disk.read",
		"checkpoint.Write=crash":           "crash is not for a disk",
		"tasks.Start=drop":                 "drop is not for site tasks.Start",
		"event/tasks/exit=error(x)":        "error is not for site event/tasks/exit",
		"tasks.Start/reply=later(unknown)": "later is for before-effect only",
		"process/exit=order(wait)":         "is no order of status, wait, event and delete",
		"process/exit=order(a,b,c,d)":      "is no order of status, wait, event and delete",
	} {
		_, err := Parse(text)
		require.Error(t, err, text)
		assert.Contains(t, err.Error(), want)
	}
	assert.Panics(t, func() { MustParse("x") })
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"", "tasks.Start/after-effect=1*off->1*error(unavailable)->2*delay(10ms)->panic",
		"event/*=5%drop;process/exit=order->order(wait,event,delete,status)", "disk.write=1*full(10s)",
	} {
		f.Add(text)
	}
	f.Add("a=1%2*error(x)->off; *=off")
	f.Fuzz(func(t *testing.T, text string) {
		plan, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(plan.String())
		if err != nil {
			t.Fatalf("%q is printed as %q: %v", text, plan, err)
		}
		if again.String() != plan.String() {
			t.Fatalf("%q is printed as %q and then as %q", text, plan, again)
		}
	})
}

func TestMatches(t *testing.T) {
	for _, test := range []struct {
		pattern, site string
		want          bool
	}{
		{"tasks.Start", "tasks.Start/before-effect", true},
		{"tasks.Start", "tasks.Start/reply", false},
		{"tasks.*", "tasks.Start/reply", true},
		{"tasks.*/reply", "tasks.Start/reply", true},
		{"tasks.*/reply", "tasks.Start/after-effect", false},
		{"*", "disk.write", true},
		{"*a*c", "abcabc", true},
		{"*a*d", "abcabc", false},
		{"event/tasks/exit", "event/tasks/exit", true},
	} {
		assert.Equal(t, test.want, Matches(test.pattern, test.site), "%s %s", test.pattern, test.site)
	}
}
