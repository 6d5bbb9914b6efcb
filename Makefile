# What CI checks is in .ci/run, step by step; the targets here are short names for it.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

TOOL := go tool -modfile=tools/go.mod

.PHONY: help
help: ## Show this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do \
		printf '%-13s %s\n' "$$name" "$$text"; done

.PHONY: dev
dev: ## Run the service with the embedded Cognito on loopback
	go run ./cmd/useradmin dev

.PHONY: build
build: ## Build bin/useradmin
	go build -o bin/useradmin ./cmd/useradmin

.PHONY: test
test: ## Run the tests
	go test ./...

.PHONY: race
race: ## Run the tests with the race detector, in random order
	.ci/run race

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME each (default 5s)
	.ci/run fuzz

.PHONY: bench
bench: ## Run the benchmarks and print what a call costs, as ratios
	go test -run='^$$' -bench=. ./bench
	go run ./bench/cost

.PHONY: mutate
mutate: ## Put small faults into a copy of the tree and demand that tests turn red
	.ci/mutate

.PHONY: lint
lint: ## Check formatting, vet, Go lint, scripts, proto lint and breaking changes
	.ci/run format scripts vet lint proto

.PHONY: vulndb
vulndb: ## Take the newest database of vulnerabilities, then look through it
	go -C tools/vuln get -tool golang.org/x/vulndb/cmd/indexdb@latest
	go -C tools/vuln mod tidy
	.ci/run vuln

.PHONY: fmt
fmt: ## Format Go and proto files
	$(TOOL) golangci-lint fmt
	$(TOOL) buf format --write

.PHONY: generate
generate: generate-go ## Write gen/ for every language; wants Python, Node and Maven
	@for language in callers/*/generate; do echo "$$language"; "$$language"; done

.PHONY: generate-go
generate-go: ## Write gen/go and the descriptor set from proto/, then docs/errors.md; wants nothing but Go
	$(TOOL) buf generate
	$(TOOL) buf build --output internal/schema/useradmin.binpb --as-file-descriptor-set
	go test ./server -run='TestErrorsPage|TestGolden' -update

.PHONY: interop
interop: ## Run real callers behind real proxies, and print what arrives
	interop/run

.PHONY: interop-long
interop-long: ## The same with 100 restarts for each proxy
	interop/run -run='TestRollingRestarts|TestConnectionAge' -v -long

.PHONY: dist
dist: ## Write what callers need to dist/: descriptors, proto files, service configs
	go run ./deploy/dist

.PHONY: check
check: ## Check everything that CI checks
	.ci/run

# The released descriptor set is what `buf breaking` compares with, so it changes here and nowhere else.
.PHONY: release
release: ## Check everything, freeze the contract, commit and tag: make release VERSION=v1.2.3
	@[[ "$(VERSION)" =~ ^v[0-9]+\.[0-9]+\.[0-9]+$$ ]] || { echo 'usage: make release VERSION=v1.2.3' >&2; exit 2; }
	@[[ -z "$$(git status --porcelain)" ]] || { echo 'commit or stash your changes first' >&2; exit 1; }
	@grep -qE '^## \[?$(VERSION:v%=v?%)\]?( |$$)' CHANGELOG.md || { echo 'CHANGELOG.md has no section $(VERSION)' >&2; exit 1; }
	@! git rev-parse --quiet --verify 'refs/tags/$(VERSION)' >/dev/null || { echo '$(VERSION) exists' >&2; exit 1; }
	CI=true .ci/run
	cp internal/schema/useradmin.binpb internal/schema/released.binpb
	git add internal/schema/released.binpb
	git diff --cached --quiet || git commit --message 'Freeze the contract of $(VERSION)'
	git tag --annotate '$(VERSION)' --message '$(VERSION)'
	@echo 'tagged $(VERSION); push the branch and the tag'
