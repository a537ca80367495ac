package nightly

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/scenarios"
)

// Finding is something that must not be.
type Finding struct {
	Signature string // equal for findings of the same kind; a file name
	Invariant string // ID, of the model's; Unsettled
	Title     string // one line, without the numbers of this occurrence
	Detail    string // what happened here
}

// Unsettled stands for an invariant where a container could not be made, brought to
// rest or removed, and no invariant of the model is violated.
const Unsettled = "unsettled"

// nothingLeft is the ID of the model's invariant that a census is about.
const nothingLeft = "I8"

// Judge returns what is wrong with the history of a container.
func Judge(w scenarios.Workload, h model.History) (found []Finding) {
	for _, v := range append(model.Check(h), model.Linearizable(h)...) {
		found = append(found, finding(v.Invariant, v.Message,
			fmt.Sprintf("%s\n\nworkload: %s\n\n%s", scenarios.Describe(v), w, h)))
	}
	return found
}

// judgeLeftovers returns a finding for each kind of leftovers.
func judgeLeftovers(left []Leftover) (found []Finding) {
	byKind := map[string][]string{}
	var kinds []string
	for _, l := range left {
		if byKind[l.Kind] == nil {
			kinds = append(kinds, l.Kind)
		}
		byKind[l.Kind] = append(byKind[l.Kind], l.String())
	}
	for _, kind := range kinds {
		found = append(found, finding(nothingLeft, "left when all containers were removed: "+kind, strings.Join(byKind[kind], "\n")+"\n"))
	}
	return found
}

// The parts of messages that are of one occurrence.
var (
	ids     = regexp.MustCompile(`\b[0-9a-f]{12,}\b|\b(real|startrace)-[0-9]+\b|"[^"]*"`)
	numbers = regexp.MustCompile(`-?\b[0-9]+(\.[0-9]+)?`)
	slug    = regexp.MustCompile(`[^a-z0-9]+`)
)

// general is a message without what is of one occurrence only.
func general(message string) string {
	line, _, _ := strings.Cut(message, "\n")
	return numbers.ReplaceAllString(ids.ReplaceAllString(line, "*"), "N")
}

const (
	slugLength  = 48 // bytes of the readable part of a signature
	titleLength = 200
)

// finding makes a finding of a message, from which come signature and title.
func finding(invariant, message, detail string) Finding {
	title := general(message)
	sum := sha256.Sum256([]byte(invariant + title))
	if len(title) > titleLength {
		title = title[:titleLength]
	}
	words := slug.ReplaceAllString(strings.ToLower(title), "-")
	words = strings.Trim(words[:min(len(words), slugLength)], "-")
	return Finding{
		Signature: fmt.Sprintf("%s-%s-%s", invariant, words, hex.EncodeToString(sum[:3])),
		Invariant: invariant, Title: title, Detail: detail,
	}
}
