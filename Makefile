# Every check that CI runs is a target here; `make` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

NODE_CLIENT := harness/clients/node
NODE_READY := $(NODE_CLIENT)/node_modules/.package-lock.json
OBSERVED := tests/observed
OBSERVED_READY := $(OBSERVED)/node_modules/.package-lock.json
BENCH_NODE := harness/benches/node
BENCH_NODE_READY := $(BENCH_NODE)/node_modules/.package-lock.json
RESULTS := target/conformance
TIME := 60
TARGET :=

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: conformance
conformance: setup ## Run every scenario against the shipped clients; reports in target/conformance
	@mkdir -p $(RESULTS)
	cargo build --release --package sparring
	@clients="--client built-in"; \
	if command -v node >/dev/null && [ -e $(NODE_READY) ]; then clients="$$clients --client node"; fi; \
	target/release/sparring run $$clients \
	  --report json=$(RESULTS)/results.json --report junit=$(RESULTS)/junit.xml

.PHONY: test
test: setup ## Run all tests
	cargo test --workspace
	@if [ -e $(NODE_READY) ]; then npm test --prefix $(NODE_CLIENT) --silent; fi

.PHONY: fuzz
fuzz: ## Fuzz every decoder and parser under libFuzzer, TIME=60 seconds each; TARGET=rule:: takes those named so
	tests/fuzz/run "$(TIME)" "$(TARGET)"

.PHONY: lint
lint: ## Check formatting, lints and documentation; warnings are errors
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" cargo doc --workspace --no-deps --document-private-items --quiet

.PHONY: bench
bench: bench-node ## Measure the mock beside other servers, in five minutes; ARGS=--quick: in one
	cargo bench --package sparring --bench servers -- $(ARGS)

.PHONY: setup
setup: node-client observed faketime ## Install what the other targets need, as far as this machine can

.PHONY: node-client
node-client:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(NODE_READY); \
	else echo "left out: client node (needs Node.js 20 or newer; Debian: apt-get install nodejs npm)"; fi

.PHONY: observed
observed:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(OBSERVED_READY); \
	else echo "left out: what official clients report of each fault (needs Node.js 20 or newer)"; fi

$(NODE_READY) $(OBSERVED_READY) $(BENCH_NODE_READY): %/node_modules/.package-lock.json: %/package.json %/package-lock.json
	npm ci --prefix $* --no-fund --no-audit --silent
	@touch $@

.PHONY: bench-node
bench-node:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(BENCH_NODE_READY); \
	else echo "left out: the servers of Node.js (need Node.js 20 or newer; Debian: apt-get install nodejs npm)"; fi

.PHONY: faketime
faketime:
	@if ! command -v faketime >/dev/null && command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq faketime >/dev/null; fi
	@command -v faketime >/dev/null || \
	  echo "left out: warp, so that the suite takes its documented time (needs libfaketime; Debian: apt-get install faketime)"
