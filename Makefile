# mooring: `make help` lists what can be done.

GO      ?= go
TOOL    := $(GO) tool -modfile=tools/go.mod
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
FUZZTIME ?= 30s
SEEDS   ?= 1000
SPAN    ?= 24h
FROM    ?= fresh
WITHIN  ?= 0
BENCHTIME ?= 8s
SOAK    ?= 10m

BUILD   := CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false
LDFLAGS := -s -w -X main.version=$(VERSION)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: check
check: lint test ## lint and test: what must pass before a commit

.PHONY: test
test: ## every test, with the race detector
	$(GO) test -race ./...

.PHONY: lint
lint: ## every linter of .golangci.yml
	$(TOOL) golangci-lint run
	$(GO) -C tools vet ./...

.PHONY: fmt
fmt: ## format all Go files
	$(TOOL) gofumpt -w .

.PHONY: docs
docs: ## docs/reference.md and the schema, from the code; the templates' parameters
	$(GO) test ./cmd/mooring ./internal/config -run 'Reference|Schema' -update
	$(GO) test ./cmd/internal/deploytest -run Document -update

.PHONY: charts
charts: ## the Helm chart and the image, linted, rendered and built
	$(GO) -C tools test -timeout 20m -vet=off '-gcflags=k8s.io/...=-N -l' ./helm ./image

.PHONY: picture
picture: build ## docs/demo.svg, from a run of the demo
	$(GO) -C tools run ./picture -out $(CURDIR)/docs/demo.svg -when '12 in DNS.*draining.*max-leave' \
		-title 'mooring demo: requests through the fixed address and to pinned ones, each address, the last decisions' \
		$(CURDIR)/bin/mooring demo

# The decoders whose branches guide the fuzzing. `go test -fuzz` would instrument all dependencies, and takes 20 minutes to
# compile EC2's client so.
FUZZED  := mooring/... encoding/json github.com/miekg/dns go.yaml.in/yaml/v3

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME (30s)
	@set -eu; mkdir -p bin/fuzz; cache=$$($(GO) env GOCACHE)/fuzz; \
	for dir in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -r -n1 dirname | sort -u); do \
		pkg=$$($(GO) list $$dir); program=$(CURDIR)/bin/fuzz/$$(echo $$pkg | tr / -).test; \
		$(GO) test -c $(FUZZED:%=-gcflags=%=-d=libfuzzer) -o $$program $$dir; \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' $$dir/*_test.go); do \
			echo "== $$dir $$target"; \
			(cd $$dir && $$program -test.run '^$$' -test.fuzz "^$$target\$$" -test.fuzztime $(FUZZTIME) -test.fuzzcachedir $$cache/$$pkg); \
		done; \
	done

.PHONY: sim
sim: ## SEEDS (1000) simulated lives of SPAN (24h), each promise checked after each change; FROM=SEED lives the same again, WITHIN=2m as many as fit
	@mkdir -p bin
	@CGO_ENABLED=0 $(GO) test -trimpath -c -o bin/sim.test .
	@GOGC=400 bin/sim.test -test.timeout 0 -test.run SimulatedWorldsKeep -seeds=$(SEEDS) -span=$(SPAN) -from=$(FROM) -within=$(WITHIN) -progress=10s

.PHONY: mutants
mutants: ## one guard or step left out at a time: the simulated lives must notice each
	@$(GO) -C tools run ./mutants $(CURDIR)

.PHONY: soak
soak: ## the built watch for SOAK (10m), while all around it is stopped, paused and started again; root, Linux, moto
	MOORING_REQUIRE_NAMESPACE=1 $(GO) test ./cmd/internal/soak -timeout 0 -count 1 -v -run '^TestSoak$$' -args -soak=$(SOAK) $(if $(SEED),-seed=$(SEED))

.PHONY: bench
bench: ## the front beside haproxy: BENCHTIME (8s) for each comparison
	$(GO) test ./internal/front -run '^$$' -bench BesideHaproxy -benchtime $(BENCHTIME)

.PHONY: e2e
e2e: ## build deploy/e2e in an AWS account, try docs/assumptions.md, tear it down; costs money, asks for MOORING_E2E=yes first
	@$(GO) build -o bin/e2e ./cmd/internal/e2e
	@exec bin/e2e run

.PHONY: e2e-down
e2e-down: ## tear down what an interrupted make e2e has left
	@$(GO) build -o bin/e2e ./cmd/internal/e2e
	@exec bin/e2e down

.PHONY: comparison
comparison: ## docs/comparison.md and its charts: the older functions and mooring in the same simulated worlds (some minutes)
	$(GO) run ./cmd/internal/comparison -out docs

.PHONY: build
build: ## bin/mooring, for this machine
	$(BUILD) -ldflags "$(LDFLAGS)" -o bin/mooring ./cmd/mooring

.PHONY: lambda
lambda: dist/mooring-lambda-arm64.zip dist/mooring-lambda-amd64.zip ## the function's archives under dist, equal for equal sources

.PHONY: FORCE
dist/mooring-lambda-%.zip: FORCE
	GOOS=linux GOARCH=$* $(BUILD) -tags lambda.norpc -ldflags "$(LDFLAGS)" -o dist/$*/bootstrap ./cmd/mooring-lambda
	@$(GO) -C tools run ./zip $(CURDIR)/$@ $(CURDIR)/dist/$*/bootstrap

.PHONY: clean
clean: ## remove what was built
	rm -rf bin dist
