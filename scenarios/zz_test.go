package scenarios_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/scenarios"
	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/strategy"
)

func TestZZ(t *testing.T) {
	pct, _ := strategy.Parse("pct")
	raw, _ := os.ReadFile("/tmp/texts.txt")
	for _, v := range scenarios.All() {
		if v.Name == "reference" { continue }
		found := map[string]string{}
		for _, text := range strings.Split(strings.TrimSpace(string(raw)), "\n") {
			_, text, _ := strings.Cut(text, " ")
			w, err := scenarios.ParseWorkload(text)
			if err != nil { t.Fatal(err, text) }
			if v.Check(w) != nil { continue }
			n := 0
			r := sim.Search(sim.Options{Name: v.Name+"/"+text, Strategy: pct, Executions: 300, Shrink: -1, Seed: 1, SelfCheck: -1, Workers: 1}, scenarios.BodyJudged(v, w, func(h model.History) []model.Violation {
				n++
				for _, x := range model.Check(h) {
					if found[x.Invariant] == "" { found[x.Invariant] = fmt.Sprint(n, " ", text) }
				}
				return nil
			}))
			if r.Found != nil { fmt.Println("OTHER", v.Name, r.Found.Failure.Title, text) }
		}
		for i, x := range found { fmt.Println("HAS", v.Name, i, x) }
	}
}
