package script_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/scenarios/script"
)

var (
	storyLink  = regexp.MustCompile(`\[(\d{3})\]\(\.\./testdata/scenarios/([^)]*)\.txt\)`)
	reportLink = regexp.MustCompile(`\[([a-z0-9/-]+#\d+)\]\((https://github\.com/[^)]*)\)`)
)

// TestReports: docs/reports.md and the stories agree, and its numbers are right.
func TestReports(t *testing.T) {
	text, err := os.ReadFile("../../docs/reports.md")
	require.NoError(t, err)
	all, err := script.Load(os.DirFS("../.."), "testdata/scenarios")
	require.NoError(t, err)
	stories := map[string]*script.Scenario{}
	for _, s := range all {
		stories[s.ID] = s
	}

	named := map[string]bool{}
	for _, m := range storyLink.FindAllStringSubmatch(string(text), -1) {
		if s := stories[m[1]]; assert.NotNil(t, s, "there is no story %s", m[1]) {
			assert.Equal(t, s.Name, m[2], "the link of %s", m[1])
		}
		named[m[1]] = true
	}
	for id := range stories {
		assert.True(t, named[id], "docs/reports.md does not name story %s", id)
	}

	_, section, _ := strings.Cut(string(text), "\n## Stories that break no variant\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, s := range all {
		assert.Equal(t, len(s.Broken()) == 0, slices.Contains(storiesOf(section), s.ID),
			"story %s, in the section on those that break no variant", s.ID)
	}

	survey, windows := tables(t, string(text))
	told, where := 0, map[string][]string{} // by report: the stories of its rows
	reports := map[string]string{}
	for i, row := range survey {
		assert.Equal(t, fmt.Sprint(i+1), row[0], "the number of a row")
		ids := storiesOf(row[3])
		if len(ids) > 0 {
			told++
		} else {
			assert.True(t, strings.HasPrefix(row[3], "–: "), "row %s says neither story nor reason", row[0])
		}
		for _, m := range reportLink.FindAllStringSubmatch(row[1], -1) {
			reports[m[1]] = m[2]
			where[m[1]] = append(where[m[1]], ids...)
		}
	}
	assert.Contains(t, strings.ReplaceAll(string(text), "\n", " "), fmt.Sprintf(
		"%d rows, each an interleaving or a family of it, with %d reports, pull requests and issues. "+
			"%d of the rows are told by stories, %d are not, for the reason given. There are %d stories.",
		len(survey), len(reports), told, len(survey)-told, len(all)))

	for _, s := range all {
		for _, r := range s.Links() {
			if r.Project == "" {
				continue
			}
			assert.Contains(t, where[r.Text], s.ID, "no row of %s names the story, which names that report", r.Text)
			assert.Equal(t, r.URL, reports[r.Text], "the address of %s", r.Text)
		}
	}

	for _, row := range windows {
		ids, want := storiesOf(row[2]), ""
		if len(ids) > 0 {
			want = "no"
		}
		for _, id := range ids {
			if stories[id].Breaking("v2_4_2") != "" {
				want = "yes"
			}
		}
		assert.Equal(t, want, row[3], "whether a story of %s breaks 2.4.2", row[0])
	}
}

// tables returns the rows of the survey and of the windows.
func tables(t *testing.T, text string) (survey, windows [][]string) {
	t.Helper()
	for line := range strings.Lines(text) {
		cells := regexp.MustCompile(`[^\\]\|`).Split(strings.TrimSpace(line), -1)
		if len(cells) != 5 { // the last one is empty
			continue
		}
		cells[0] = strings.TrimPrefix(cells[0], "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch row := cells[:4]; {
		case regexp.MustCompile(`^\d+$`).MatchString(row[0]):
			survey = append(survey, row)
		case regexp.MustCompile(`^W\d+$`).MatchString(row[0]):
			windows = append(windows, row)
		}
	}
	require.NotEmpty(t, survey)
	require.Len(t, windows, 34)
	return survey, windows
}

func storiesOf(cell string) []string {
	var ids []string
	for _, m := range storyLink.FindAllStringSubmatch(cell, -1) {
		ids = append(ids, m[1])
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
