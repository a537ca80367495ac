// Package rapidtest makes properties draw the same cases in each run of a test, so
// that what a suite finds today it found yesterday too.
package rapidtest

import (
	"flag"
	"strconv"
	"testing"

	_ "pgregory.net/rapid" // which has the flags
)

// Fix sets how many cases [rapid.Check] draws and from which seed until the test
// ends, unless the flags -rapid.checks and -rapid.seed of the command line say
// otherwise. Tests that call it must not be parallel.
func Fix(t *testing.T, checks int) {
	t.Helper()
	given := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
	for name, value := range map[string]string{"rapid.checks": strconv.Itoa(checks), "rapid.seed": "1000"} {
		if given[name] {
			continue
		}
		f := flag.Lookup(name)
		before := f.Value.String()
		if err := f.Value.Set(value); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Value.Set(before) })
	}
}

// Again makes the next [rapid.Check] of a test that called Fix draw other cases, the
// same in each run. It reports false, and does not, if a flag has a seed.
func Again(t *testing.T, round int) bool {
	t.Helper()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "rapid.seed" })
	if !given {
		if err := flag.Lookup("rapid.seed").Value.Set(strconv.Itoa(1000 + round)); err != nil {
			t.Fatal(err)
		}
	}
	return !given
}
