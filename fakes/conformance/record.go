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
func Recorded(release string) Table {
	data, err := testdata.ReadFile("testdata/table-" + release + ".tsv")
	if err != nil {
		panic(fmt.Errorf("conformance: release %s: %w", release, err))
	}
	t, err := ParseTable(string(data))
	if err != nil {
		panic(fmt.Errorf("conformance: release %s: %w", release, err))
	}
	return t
}
