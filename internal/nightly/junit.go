package nightly

import (
	"encoding/xml"
	"fmt"

	"github.com/startrace/startrace/internal/results"
)

type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name      string      `xml:"name,attr"`
	Tests     int         `xml:"tests,attr"`
	Failures  int         `xml:"failures,attr"`
	Errors    int         `xml:"errors,attr"`
	Skipped   int         `xml:"skipped,attr"`
	Time      string      `xml:"time,attr"` // seconds
	Timestamp string      `xml:"timestamp,attr"`
	Cases     []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitMessage `xml:"failure,omitempty"`
	Error   *junitMessage `xml:"error,omitempty"`
	Skipped *junitMessage `xml:"skipped,omitempty"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// junit returns r as a JUnit report: one case for the run as a whole, always of the
// same name, and one for each failure.
func junit(r *results.Result) ([]byte, error) {
	seconds := fmt.Sprintf("%.3f", r.Ended.Sub(r.Started).Seconds())
	class := "startrace.soak"
	run := junitCase{Class: class, Name: "soak", Time: seconds}
	suite := junitSuite{Name: r.Target, Time: seconds, Timestamp: r.Started.Format("2006-01-02T15:04:05")}
	switch r.Verdict {
	case results.Violated:
		run.Failure = &junitMessage{Message: fmt.Sprintf("%d kinds of failures", len(r.Failures)), Type: string(r.Verdict), Text: r.Command}
	case results.Environment:
		run.Error = &junitMessage{Message: "something is missing in the environment", Type: string(r.Verdict), Text: r.Command}
	case results.Inconclusive:
		run.Skipped = &junitMessage{Message: "nothing was checked, or it was interrupted"}
	case results.Clean:
	}
	suite.Cases = append(suite.Cases, run)
	for _, f := range r.Failures {
		suite.Cases = append(suite.Cases, junitCase{Class: class, Name: f.Signature, Time: "0", Failure: &junitMessage{
			Message: f.Title, Type: f.Invariant, Text: fmt.Sprintf("%d times\nTo reproduce:\n  %s\n", f.Count, f.Reproduce),
		}})
	}
	for _, c := range suite.Cases {
		suite.Tests++
		switch {
		case c.Failure != nil:
			suite.Failures++
		case c.Error != nil:
			suite.Errors++
		case c.Skipped != nil:
			suite.Skipped++
		}
	}
	data, err := xml.MarshalIndent(junitSuites{Suites: []junitSuite{suite}}, "", "  ")
	return append([]byte(xml.Header), append(data, '\n')...), err
}
