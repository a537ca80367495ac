package sim_test

import (
	"regexp"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// litmus runs the pairs of testdata/litmus with -race, whether this process has
// the race detector or not, and returns which of their tests failed, and what
// they printed.
func litmus(t *testing.T) (failed map[string]bool, output string) {
	t.Helper()
	if testing.Short() {
		t.Skip("builds a test binary with -race: run without -short")
	}
	out, code := litmusOutput(t)
	require.Equal(t, 1, code, out)
	failed = map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^ +--- (PASS|FAIL): TestLitmus/(\S+)/(racy|clean) `).FindAllStringSubmatch(out, -1) {
		failed[m[2]+"/"+m[3]] = m[1] == "FAIL"
	}
	return failed, out
}

var litmusOnce struct {
	sync.Once
	out  string
	code int
}

func litmusOutput(t *testing.T) (output string, code int) {
	t.Helper()
	litmusOnce.Do(func() { litmusOnce.out, litmusOnce.code = goTest(t, "-race", "-v", "./testdata/litmus") })
	return litmusOnce.out, litmusOnce.code
}

// pairs is how many there are at least: a test that does not run misses nothing.
const pairs = 35

// No race is missed.
func racyAreFound(t *testing.T) {
	failed, out := litmus(t)
	racy := 0
	for name, failed := range failed {
		if regexp.MustCompile(`/racy$`).MatchString(name) {
			racy++
			assert.True(t, failed, "%s was missed", name)
		}
	}
	assert.GreaterOrEqual(t, racy, pairs)
	reports := regexp.MustCompile(`data race: the race detector's report is above`).FindAllString(out, -1)
	assert.Len(t, reports, racy, "each by an exploration")
}

// No race is false.
func cleanAreNot(t *testing.T) {
	failed, out := litmus(t)
	clean := 0
	for name, failed := range failed {
		if regexp.MustCompile(`/clean$`).MatchString(name) {
			clean++
			assert.False(t, failed, "%s has no race\n%s", name, out)
		}
	}
	assert.GreaterOrEqual(t, clean, pairs)
}
