// Package startrace holds the museum of races: reported races of container
// lifecycles, as files that package scenarios/script runs. What startrace is stands in
// the README; the packages to begin with are sim, scenarios and impl.
package startrace

import "embed"

// Scenarios has the files of the museum, in testdata/scenarios.
//
//go:embed testdata/scenarios/*.txt
var Scenarios embed.FS

// ScenarioFolder is where they are in [Scenarios], and in the repository.
const ScenarioFolder = "testdata/scenarios"
