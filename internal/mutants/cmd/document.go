package main

import "github.com/startrace/startrace/internal/mutants"

func writeDocument(string, []result, mutants.Request) error { return nil }
