.DEFAULT_GOAL := help
TOOL := go tool -modfile=tools/go.mod

.PHONY: help
help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: test
test: ## run all tests with the race detector; installs a C compiler where it is missing
	@scripts/test.sh

.PHONY: stress
stress: ## run the tests of the engine and the stores 20 times
	@scripts/test.sh -count=20 -timeout 60m . ./hotqueue/... ./store/...

.PHONY: lint
lint: ## run the linters (the first run builds them, which takes minutes)
	$(TOOL) golangci-lint run ./...
	cd bench && go tool -modfile=../tools/go.mod golangci-lint run ./...

.PHONY: fmt-check
fmt-check: ## list files that gofmt would change
	@out=$$(gofmt -l .) && if [ -n "$$out" ]; then echo "run gofmt -w on:"; echo "$$out"; exit 1; fi

.PHONY: vet
vet: ## run go vet, also on the benchmarks' module
	go vet ./...
	cd bench && go vet ./...

.PHONY: vuln
vuln: ## look for known vulnerabilities; needs the Go vulnerability database
	@scripts/vuln.sh

.PHONY: bench
bench: ## measure Errand beside its peers, in about 15 minutes; writes docs/performance.md
	cd bench && go run . -json ../docs/performance/results.json -profiles ../docs/performance -report ../docs/performance.md

.PHONY: bench-full
bench-full: ## measure everything, in two hours; writes docs/performance.md
	cd bench && go run . -full -json ../docs/performance/results.json -profiles ../docs/performance -report ../docs/performance.md

.PHONY: bench-stores
bench-stores: ## run the stores' own benchmarks
	go test -run '^$$' -bench . -benchmem . ./store/...

.PHONY: bench-web
bench-web: ## measure each page and call of the dashboard with a million jobs, on every store
	go run ./web/internal/speed sqlite postgres mysql redis

.PHONY: soak
soak: ## send a million jobs through the SQL stores, and drain all stores before a backlog of a million (minutes)
	ERRAND_SOAK=1000000 go test ./internal/crashtest ./store/postgres -run 'TestBloat|TestBacklog|TestPgBouncer|TestPoolOfOne' -count=1 -timeout 30m -v

.PHONY: screenshots
screenshots: ## take pictures of the dashboard's pages into docs/screenshots; needs Chromium
	go run ./web/internal/screenshots

.PHONY: demo
demo: ## run the demonstration on this directory
	go run ./cmd/errand demo
