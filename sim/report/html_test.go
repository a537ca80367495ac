package report

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// evil is what a program may log to break out of the page.
const evil = `</script><script>alert(1)</script><img src=x onerror=alert(2)> "'&` + "\x1b[31m\u2028"

func evilPage() Page {
	trace := overtaken()
	trace.Lanes[1] = evil
	trace.Steps[5].Text = evil
	trace.Steps[5].Site = evil
	f := Failure{Title: evil, Detail: evil, Facts: []string{evil}, Commands: []string{"go test " + evil}, Trace: trace}
	return Page{Failure: f, Found: &trace, Passing: &trace}
}

func html(t *testing.T, p Page) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, HTML(&b, p))
	return b.String()
}

var dataElement = regexp.MustCompile(`(?s)<script type="application/json" id="data">(.*?)</script>`)

func pageDataOf(t *testing.T, page string) pageData {
	t.Helper()
	m := dataElement.FindStringSubmatch(page)
	require.NotNil(t, m)
	var data pageData
	require.NoError(t, json.Unmarshal([]byte(m[1]), &data))
	return data
}

func TestHTMLEscapes(t *testing.T) {
	text := html(t, evilPage())
	assert.Equal(t, 2, strings.Count(text, "<script"), "the data and the script, no more")
	assert.Equal(t, 2, strings.Count(text, "</script"))
	assert.NotContains(t, text, "<img")
	assert.NotContains(t, text, "\x1b", "control characters")
	data := pageDataOf(t, text)
	assert.Contains(t, data.Failing.Steps[5].Text, "</script><script>alert(1)")
}

// The page refers to nothing outside of itself.
func TestHTMLIsSelfContained(t *testing.T) {
	text := html(t, Page{Failure: startRemove()})
	for _, never := range []string{"src=", "href=", "@import", "url(http", "fetch(", "XMLHttpRequest", "innerHTML", "eval("} {
		assert.NotContains(t, text, never, never)
	}
	assert.Contains(t, text, "default-src 'none'", "and the browser would not let it")
	assert.Contains(t, text, "prefers-color-scheme: dark")
}

func TestHTMLData(t *testing.T) {
	passing := Trace{Lanes: []string{"main"}, Steps: []Step{{Op: "log", Text: "fine", Visible: true}}}
	data := pageDataOf(t, html(t, Page{Failure: Failure{Title: "t", Trace: overtaken()}, Passing: &passing}))
	require.NotNil(t, data.Failing)
	assert.Nil(t, data.Found)
	assert.Equal(t, "fine", data.Passing.Steps[0].Text)
	steps := data.Failing.Steps
	require.Len(t, steps, 10)
	assert.Equal(t, []int{0, 5}, steps[3].After)
	assert.Equal(t, "Lock #1", steps[3].Text)
	assert.True(t, steps[3].Switch && steps[3].Necessary && steps[3].Shown)
	assert.Contains(t, html(t, Page{Failure: Failure{Title: "t", Trace: overtaken()}}), `<p class="cause">One choice makes the failure; without it this execution does not fail:</p>
<p class="cause"><i class="key must">!</i>step 4: `)
	assert.False(t, steps[0].Shown)
	assert.True(t, steps[2].Blocked)
	assert.True(t, data.Failing.Clock)
	assert.Equal(t, "1.5ms", steps[7].Time)
}

// Of a very long execution the page has the end.
func TestHTMLOfLongTrace(t *testing.T) {
	trace := Trace{Lanes: []string{"a", "b"}}
	for i := range pageSteps + 100 {
		step := Step{Lane: i % 2, Op: "Lock"}
		if i > 0 {
			step.After = []int{i - 1}
		}
		trace.Steps = append(trace.Steps, step)
	}
	data := pageDataOf(t, html(t, Page{Failure: Failure{Trace: trace}})).Failing
	require.Len(t, data.Steps, pageSteps)
	assert.Equal(t, 101, data.First)
	assert.Equal(t, pageSteps+100, data.Total)
	assert.Empty(t, data.Steps[0].After)
	assert.Equal(t, []int{0}, data.Steps[1].After)
}

// Without an execution and without scripts there is still the text.
func TestHTMLWithoutTrace(t *testing.T) {
	text := html(t, Page{Failure: Failure{Title: "no execution", Commands: []string{"go test ."}}})
	assert.Nil(t, pageDataOf(t, text).Failing)
	assert.Contains(t, text, "<noscript><pre>no execution")
	assert.Contains(t, text, "<code>go test .</code>")
}
