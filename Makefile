# startrace. `make help` lists the targets.

GO        ?= go
GOTEST    ?= $(GO) test
TESTFLAGS ?= -timeout 20m
BENCHTIME ?= 2s
SOAK      ?= 20
BUDGET    ?= 1000
SEEDS     ?= 1 2 3
GOLANGCI  := $(GO) tool -modfile=tools/lint/go.mod golangci-lint

.DEFAULT_GOAL := help
.PHONY: run test test-race bench bench-strategies lint fmt conformance soak foreign verify clean help

run: ## explore preseed, seed2019 and the reference on the embedded fake containerd
	$(GO) run ./cmd/startrace explore

test: ## all tests; as root also those on a real containerd
	$(GOTEST) $(TESTFLAGS) ./...
	@[ "$$(id -u)" = 0 ] || echo "NOT RUN: the tests on a real containerd need root. Run them with: sudo -E make test"

test-race: ## all tests with the race detector
	$(GOTEST) $(TESTFLAGS) -race ./...

bench: ## executions and points per second, beside plain goroutines and a plain bubble
	$(GOTEST) -run '^$$' -bench . -benchtime $(BENCHTIME) ./sim ./sim/internal/bench ./scenarios

bench-strategies: ## executions to the first failure for each strategy, beside published figures
	$(GO) run ./sim/internal/programs/strategytable -budget $(BUDGET)

lint: ## golangci-lint
	$(GOLANGCI) run ./...

fmt: ## format
	$(GOLANGCI) fmt

conformance: ## what the fake containerd promises, through the genuine client
	$(GOTEST) $(TESTFLAGS) -count=1 -v ./fakes

soak: ## the searches, replays, failing executions and real containers of the tests, SOAK=20 times as many
	STARTRACE_SOAK=$(SOAK) $(GOTEST) -timeout 0 -count=1 -v ./sim ./scenarios/...

foreign: ## the suites of testing/synctest, net/http and x/net/http2 with every bubble under control
	@for seed in $(SEEDS); do \
		echo "seed $$seed"; \
		STARTRACE_AUTO=$$seed $(GO) run ./cmd/startrace test -count=1 testing/synctest internal/synctest net/http && \
		STARTRACE_AUTO=$$seed $(GO) run ./cmd/startrace test -C tools -count=1 golang.org/x/net/http2 || exit 1; \
	done

verify: ## format, vet, lint and tidy diff; changes nothing
	$(GOLANGCI) config verify
	$(GOLANGCI) fmt --diff
	$(GO) vet ./...
	$(GO) vet -tags startrace_overlay ./cmd/... ./sim/internal/ctl
	$(GOLANGCI) run ./...
	$(GO) mod tidy -diff
	$(GO) -C tools mod tidy -diff
	$(GO) -C tools/lint mod tidy -diff

clean: ## remove what startrace keeps in the user's cache directory, and build results
	rm -rf "$${XDG_CACHE_HOME:-$$HOME/.cache}/startrace" bin _artifacts

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
