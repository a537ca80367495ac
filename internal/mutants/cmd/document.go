package main

import (
	_ "embed"
	"fmt"
	"os"
	"strings"
	"text/template"

	"github.com/startrace/startrace/internal/mutants"
)

//go:embed mutants.md.tmpl
var documentText string

var document = template.Must(template.New("").Funcs(template.FuncMap{
	"cell": func(text string) string { return strings.ReplaceAll(text, "|", `\|`) },
}).Parse(documentText))

// writeDocument writes what the searches came to, as docs/mutants.md.
func writeDocument(file string, results []result, r mutants.Request) error {
	type row struct {
		mutants.Result
		Rule, File string
	}
	data := struct {
		mutants.Request
		Control row
		Rows    []row
		Odd     []string // killed by what is no invariant
	}{Request: r}
	for _, r := range results {
		row := row{r.Result, r.mutant.Rule, r.mutant.File}
		if r.mutant.Name == mutants.Control.Name {
			data.Control = row
			continue
		}
		data.Rows = append(data.Rows, row)
		if r.Killed() && !strings.HasPrefix(r.By, "I") {
			data.Odd = append(data.Odd, fmt.Sprintf("%s (%s)", r.mutant.Name, r.By))
		}
	}
	var text strings.Builder
	if err := document.Execute(&text, data); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(text.String()), 0o644)
}
