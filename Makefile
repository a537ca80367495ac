# startrace. `make help` lists the targets.

GO        ?= go
GOTEST    ?= $(GO) test
TESTFLAGS ?= -timeout 20m
BENCHTIME ?= 2s
SOAK      ?= 20
DURATION  ?= 10m
BUDGET    ?= 1000
SEEDS     ?= 1 2 3
GO127     ?= go1.27.3
ARM64     ?= Determin|SameChoices|SameSeed|DPOR|Systematic|Uniform|PCT|Atomic|HappensBefore|Detectors|SearchFinds|ReplayIs|Strays|Choices|EarlyTimers|TryLock
GOLANGCI  := $(GO) tool -modfile=tools/lint/go.mod golangci-lint

.DEFAULT_GOAL := help
.PHONY: run test test-race bench bench-strategies mutants blind lint fmt conformance critest soak soak-real slurm foreign go1.27 arm64 verify clean help

run: ## explore the variants and the reference on the embedded fake containerd
	$(GO) run ./cmd/startrace explore

test: ## all tests; as root also those on a real containerd
	$(GOTEST) $(TESTFLAGS) ./...
	@[ "$$(id -u)" = 0 ] || echo "NOT RUN: the tests on a real containerd need root. Run them with: sudo -E make test"

test-race: ## all tests with the race detector
	$(GOTEST) $(TESTFLAGS) -race ./...

bench: ## executions and points per second, beside plain goroutines and a plain bubble
	$(GOTEST) -run '^$$' -bench . -benchtime $(BENCHTIME) ./sim ./sim/internal/bench ./sim/internal/programs ./scenarios ./fakes

bench-strategies: ## executions to the first failure for each strategy, beside published figures
	$(GO) run ./sim/internal/programs/strategytable -budget $(BUDGET)

mutants: ## plant each known fault in the reference, and see it found; writes docs/mutants.md
	$(GO) run ./internal/mutants/cmd --update docs/mutants.md

blind: ## executions until each strategy finds what is wrong with the variants; about an hour
	$(GO) run ./scenarios/internal/blind $(BLIND)

lint: ## golangci-lint
	$(GOLANGCI) run ./...

fmt: ## format
	$(GOLANGCI) fmt

conformance: ## the fake beside real containerds, as root on 2.4.2 and 1.6.20; writes docs/conformance.md
	@if [ "$$(id -u)" = 0 ]; then \
		$(GOTEST) $(TESTFLAGS) -count=1 -v ./fakes/conformance/real -long -update; \
	else \
		echo "NOT RUN: the real containerds need root, so that the fake is compared with what was recorded of them. Run them with: sudo -E make conformance"; \
	fi
	$(GOTEST) $(TESTFLAGS) -count=1 -v ./fakes/conformance -update

critest: ## the CRI endpoint under critest, as root on 2.4.2 and 1.6.20; writes docs/critest.md
	@if [ "$$(id -u)" = 0 ]; then \
		$(GOTEST) $(TESTFLAGS) -count=1 -v ./internal/critest -long -update; \
	else \
		echo "NOT RUN: critest needs root, for real containers. Run it with: sudo -E make critest"; \
	fi

soak: ## the searches, replays, failing executions and real containers of the tests, SOAK=20 times as many
	STARTRACE_SOAK=$(SOAK) $(GOTEST) -timeout 0 -count=1 -v ./sim ./scenarios/... ./impl/controlled

soak-real: ## startrace soak for DURATION=10m on each of containerd 2.4.2 and 1.6.20, as root; writes _artifacts
	@if [ "$$(id -u)" != 0 ]; then \
		echo "NOT RUN: a real containerd needs root. Run it with: sudo -E make soak-real"; exit 0; \
	fi; \
	$(GO) build -o bin/startrace ./cmd/startrace || exit; \
	code=0; for release in 2.4.2 1.6.20; do \
		bin/startrace soak --private containerd@$$release --duration $(DURATION) \
			--artifacts "$${ARTIFACTS:-_artifacts}/containerd-$$release" || code=$$?; \
	done; exit $$code

slurm: ## eight shards of a search as an array job on a Slurm cluster of one node, as root
	@deploy/slurm/try.sh

foreign: ## the suites of testing/synctest, net/http and x/net/http2 with every bubble under control
	@for seed in $(SEEDS); do \
		echo "seed $$seed"; \
		STARTRACE_AUTO=$$seed $(GO) run ./cmd/startrace test -count=1 testing/synctest internal/synctest net/http && \
		STARTRACE_AUTO=$$seed $(GO) run ./cmd/startrace test -C tools -count=1 golang.org/x/net/http2 || exit 1; \
	done

go1.27: ## the suites of the controlled runtime and of the scenarios with Go 1.27
	GOTOOLCHAIN=$(GO127) $(GOTEST) $(TESTFLAGS) ./sim/... ./scenarios

arm64: ## the controlled runtime compiled for linux/arm64; runs tests of it there if qemu-aarch64-static is installed
	@set -e; tmp=$$(mktemp -d); trap 'rm -rf "$$tmp"' EXIT; \
	$(GO) build -o "$$tmp/startrace" ./cmd/startrace; \
	for p in sim scenarios; do \
		(cd $$p && GOARCH=arm64 CGO_ENABLED=0 "$$tmp/startrace" test -c -o "$$tmp/$$p.test" .); \
		echo "./$$p is compiled for linux/arm64"; \
	done; \
	if command -v qemu-aarch64-static >/dev/null; then \
		(cd sim && qemu-aarch64-static "$$tmp/sim.test" -test.short -test.run '$(ARM64)' -test.skip 'Detectors/hang'); \
		(cd scenarios && qemu-aarch64-static "$$tmp/scenarios.test" -test.run Recorded); \
	else \
		echo "NOT RUN on linux/arm64: it needs qemu-aarch64-static (apt-get install qemu-user-static)"; \
	fi

verify: ## format, vet, lint and tidy diff; changes nothing
	$(GOLANGCI) config verify
	$(GOLANGCI) fmt --diff
	$(GO) vet ./...
	$(GO) vet -tags startrace_overlay ./cmd/... ./sim/internal/ctl
	$(GOLANGCI) run ./...
	$(GO) -C tools/cri test ./...
	$(GO) mod tidy -diff
	$(GO) -C tools mod tidy -diff
	$(GO) -C tools/cri mod tidy -diff
	$(GO) -C tools/lint mod tidy -diff

clean: ## remove what startrace keeps in the user's cache directory, and build results
	rm -rf "$${XDG_CACHE_HOME:-$$HOME/.cache}/startrace" bin _artifacts

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9.-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
