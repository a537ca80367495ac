package conformance

import (
	"embed"
	"fmt"
)

// Pinned is the release of the daemon that is built from its module.
const Pinned = "2.4.2"

// Releases are those of the real daemons, oldest first.
func Releases() []string { return []string{"1.6.20", Pinned} }

//go:embed testdata/*.tsv
var testdata embed.FS

// Recorded returns what the daemon of a release did when it was last recorded.
func Recorded(release string) Table { return recorded("table", release, ParseTable) }

// RecordedPairs returns the outcomes of pairs on the daemon of a release.
func RecordedPairs(release string) Outcomes { return recorded("pairs", release, ParseOutcomes) }

// RecordedFrequencies returns those of the daemon of a release.
func RecordedFrequencies(release string) Frequencies {
	return recorded("events", release, ParseFrequencies)
}

func recorded[T any](kind, release string, parse func(string) (T, error)) T {
	data, err := testdata.ReadFile("testdata/" + kind + "-" + release + ".tsv")
	if err == nil {
		var t T
		if t, err = parse(string(data)); err == nil {
			return t
		}
	}
	panic(fmt.Errorf("conformance: what release %s did: %w", release, err))
}

// RecordedFaults returns what was seen of faults on the daemon of a release.
func RecordedFaults(release string) Faults { return recorded("faults", release, ParseFaults) }
