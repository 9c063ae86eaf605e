# rescore: `make help` lists what there is. The two that matter: `make demo` and `make test`.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help install build demo test check bench bench-cluster sim baseline clean

NODE_BIN := node_modules/.bin
STAMP := node_modules/.installed

help: ## list the targets
	@grep -hE '^[a-z-]+:.*?## ' $(MAKEFILE_LIST) | awk -F':.*?## ' '{printf "  make %-10s %s\n", $$1, $$2}'

# Not npm ci: a registry that carries one platform only leaves the others out of the lock, and npm ci refuses that.
$(STAMP): package.json package-lock.json .npmrc
	@node scripts/require-node.js
	npm install --no-save --no-audit --no-fund --loglevel=error
	@touch $(STAMP)

install: $(STAMP) ## install what the project needs (nothing is downloaded but npm packages)

build: $(STAMP) ## compile to dist/
	$(NODE_BIN)/tsc -p tsconfig.build.json

demo: build ## make a world, replay 120 days, then watch scores move while a customer falls silent
	node dist/cli/main.js demo

test: $(STAMP) build ## check and run every test; ends with one line of counts
	node scripts/run-tests.js

check: $(STAMP) ## format, lint, types, boundaries, cycles, dead exports
	$(NODE_BIN)/prettier --check --log-level warn .
	$(NODE_BIN)/eslint --cache --cache-location .cache/eslint .
	$(NODE_BIN)/tsc --noEmit -p tsconfig.json
	$(NODE_BIN)/tsc --noEmit -p processors/core/tsconfig.json
	$(NODE_BIN)/depcruise --config .dependency-cruiser.cjs $(wildcard schemas processors streams models backfill cli bench)
	$(NODE_BIN)/knip

bench: build ## measure the embedded lane; results are kept in bench/results
	node dist/bench/embedded.js

bench-cluster: build ## measure the distributed engine on real servers in containers; results are kept in bench/results/cluster
	node dist/bench/cluster/main.js $(BENCH)

sim: build ## run the simulation: make sim SEED=7, or make sim SEEDS=10000
	node dist/processors/sim/main.js $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),300))

baseline: build ## fit the demonstration models again (needs python3; installs into backfill/trainer/.venv)
	node dist/backfill/baseline.js

clean: ## remove what was built
	rm -rf dist reports .cache coverage
