package variants_test

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"

	"github.com/startrace/startrace/fakes"
	"github.com/startrace/startrace/scenarios"
)

// interleaving is one that somebody gets wrong, made by hand.
type interleaving struct {
	name  string // a few words
	story string // what is done, and what comes of it
	where string // window of RESEARCH.md or issue, and upstream's file
	// wrong is what it does to containerd 2.4.2: the invariant that is broken, or
	// a text that run puts into world.wrong; "" if 2.4.2 is right.
	wrong   string
	prepare func(*fakes.Faults) // nil: nothing fails
	outside bool                // of a bubble, since somebody waits for a lock
	needs   []scenarios.Ability
	// reads: somebody reads the status during a start, which preseed makes wait:
	// it is not for preseed.
	reads bool
	run   func(*world)
}

// interleavings returns all of them, by topic.
func interleavings() []interleaving {
	return slices.Concat(startPins, exitPins, stopPins, restartPins, isolationPins)
}

// on runs the interleaving on a variant and returns what is wrong.
func (i interleaving) on(t *testing.T, variant string) (wrong map[string]bool) {
	run := func(w *world) {
		i.run(w)
		wrong = w.broken()
		if t.Failed() {
			t.Log(w.history)
		}
	}
	if i.outside {
		outside(t, variant, run)
		return wrong
	}
	prepare := i.prepare
	if prepare == nil {
		prepare = noFaults
	}
	in(t, variant, prepare, run)
	return wrong
}

// fits reports whether a variant has what the interleaving is about.
func (i interleaving) fits(v scenarios.Variant) bool {
	for _, need := range i.needs {
		if !slices.Contains(v.Has, need) {
			return false
		}
	}
	return v.Name != "preseed" || !i.reads
}

// TestInterleavings runs each interleaving on each variant. It goes wrong in
// containerd 2.4.2, in the way that is named, and not at all in the reference:
// these are what the reference does better. docs/variants.md has all of it; with
// -update it is written.
func TestInterleavings(t *testing.T) {
	all := interleavings()
	var results results
	t.Cleanup(func() { results.compare(t, all) })
	for n, i := range all {
		t.Run(title(i.name), func(t *testing.T) {
			for _, v := range everyVariant() {
				if !i.fits(v) {
					continue
				}
				t.Run(v.Name, func(t *testing.T) {
					t.Parallel()
					found := i.on(t, v.Name)
					switch {
					case v.Name == scenarios.Reference.Name || v.Name == "v2_4_2" && i.wrong == "":
						assert.Empty(t, found)
					case v.Name == "v2_4_2":
						assert.Contains(t, found, i.wrong)
					}
					results.add(n, v.Name, found)
				})
			}
		})
	}
}

// title is the name of a test.
func title(name string) string {
	var b strings.Builder
	for _, word := range strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}
