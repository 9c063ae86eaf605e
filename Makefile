# rescore: `make help` lists what there is. The two that matter: `make demo` and `make test`.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help install build demo test check check-code cfn-lint kubernetes bench bench-bad-models bench-cluster bench-explain bench-replay bench-swaps bench-train backfill-demo cdnow best-possible trainer trainer-if-possible sim baseline contributions images image-backfill up down clean

NODE_BIN := node_modules/.bin
# The native compiler: the same answers and the same JavaScript in a third of the time. Linters ask the older one.
TSC := node_modules/typescript-native/bin/tsc
# Room for young objects: a sixth less processor time where much is made and soon forgotten (docs/cluster.md).
NODE := node --max-semi-space-size=64
STAMP := node_modules/.installed
CFN_LINT := k8s/fargate/.venv/.installed

help: ## list the targets
	@grep -hE '^[a-z-]+:.*?## ' $(MAKEFILE_LIST) | awk -F':.*?## ' '{printf "  make %-17s %s\n", $$1, $$2}'

# Not npm ci: a registry that carries one platform only leaves the others out of the lock, and npm ci refuses that.
$(STAMP): package.json package-lock.json .npmrc
	@node scripts/require-node.js
	npm install --no-save --no-audit --no-fund --loglevel=error
	@touch $(STAMP)

install: $(STAMP) ## install what the project needs (nothing is downloaded but npm packages)

build: $(STAMP) ## compile to dist/
	$(TSC) -p tsconfig.build.json
	@printf '{"commit":"%s"}\n' "$$(bash scripts/commit.sh)" > dist/commit.json

demo: build ## make a world, replay 120 days, then watch scores move while a customer falls silent
	$(NODE) dist/cli/main.js demo

test: $(CFN_LINT) ## check and run every test; ends with one line of counts
	@$(MAKE) --no-print-directory -j2 build trainer-if-possible
	node scripts/run-tests.js

check: check-code $(CFN_LINT) ## format, lint, types, boundaries, cycles, dead exports, deployment descriptions
	$(NODE_BIN)/jest --runInBand --silent --reporters default --runTestsByPath \
	  $(filter-out k8s/cluster.test.ts k8s/fargate/night.test.ts,$(wildcard k8s/*.test.ts k8s/*/*.test.ts))

check-code: $(STAMP) ## the same without the deployment descriptions, which are tests too
	$(NODE_BIN)/prettier --check --log-level warn .
	$(NODE_BIN)/eslint --cache --cache-location .cache/eslint .
	$(TSC) --noEmit -p tsconfig.json
	$(TSC) --noEmit -p processors/core/tsconfig.json
	$(NODE_BIN)/depcruise --config .dependency-cruiser.cjs $(wildcard schemas processors streams models backfill cli bench)
	$(NODE_BIN)/knip

# Never a reason to stop: the tests that need it say loudly that they did not run.
trainer-if-possible:
	@$(MAKE) --no-print-directory trainer || echo '!!! The trainer could not be installed (it needs Python 3.11 with venv): its tests will be SKIPPED.' >&2

cfn-lint: $(CFN_LINT) ## install what checks k8s/fargate (needs python3; `make check` does it too)

# Never a reason to stop: the test that needs it says loudly that it did not run.
$(CFN_LINT): k8s/fargate/requirements.txt
	@if command -v cfn-lint >/dev/null; then true; \
	elif ! command -v python3 >/dev/null; then echo '!!! There is no python3: cfn-lint will be SKIPPED.' >&2; \
	elif echo 'Installing cfn-lint into k8s/fargate/.venv, once.' && python3 -m venv k8s/fargate/.venv \
	  && k8s/fargate/.venv/bin/pip install --quiet --no-compile --no-deps --disable-pip-version-check --timeout 30 --retries 2 -r $<; \
	then touch $@; \
	else echo '!!! cfn-lint could not be installed: its test will be SKIPPED.' >&2; fi

kubernetes: ## build a control plane for k8s/cluster.test.ts from Go modules (15 minutes, once; needs go)
	bash scripts/kubernetes.sh

bench: build ## measure the embedded lane; results are kept in bench/results
	$(NODE) dist/bench/embedded.js

bench-cluster: build ## measure the distributed engine on real servers in containers; results are kept in bench/results/cluster
	$(NODE) dist/bench/cluster/main.js $(BENCH)

bench-explain: build ## measure what the reasons of a score cost; results are kept in bench/results/explain
	$(NODE) dist/bench/explain.js

bench-swaps: build ## swap models two thousand times under load; results are kept in bench/results/swaps
	node --expose-gc dist/bench/swaps/main.js

bench-bad-models: build trainer ## train models that are wrong and see who refuses each; results are kept in bench/results/bad-models
	$(NODE) dist/bench/bad-models/main.js

bench-train: build trainer ## train on 100,000 rows, in at most two minutes; results are kept in bench/results/train
	$(NODE) dist/bench/train.js

bench-replay: build ## measure how fast an archive becomes features; results are kept in bench/results/replay
	$(NODE) dist/bench/replay.js

backfill-demo: build trainer ## the nightly job from a world to signed models, and a processor that swaps to them
	node scripts/backfill-demo.js

sim: build ## run the simulation: make sim SEED=7, or make sim SEEDS=10000
	$(NODE) dist/processors/sim/main.js $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),300))

TRAINER := backfill/trainer/.venv
TRAINER_STAMP := $(TRAINER)/.installed
PYTHON ?= python3

# Every package and its digest is in the lists; what is not in them is not installed. The tests' packages come along.
# Byte code is made of what the trainer imports: of all that the packages bring, it takes as long as to fetch them.
$(TRAINER_STAMP): backfill/trainer/requirements.txt backfill/trainer/requirements-test.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "The trainer needs Python 3.11 or newer: make trainer PYTHON=...")'
	$(PYTHON) -m venv $(TRAINER)
	$(TRAINER)/bin/pip install --quiet --no-compile --disable-pip-version-check --only-binary :all: --require-hashes $(patsubst %,-r %,$^)
	@cd backfill/trainer && .venv/bin/python -m rescore_trainer --help >/dev/null
	@touch $@

trainer: $(TRAINER_STAMP) ## install what fits models, into backfill/trainer/.venv (needs python3)

baseline: build trainer ## fit the demonstration models again
	$(NODE) dist/backfill/baseline.js

cdnow: build trainer ## the models on real orders: make cdnow FILE=.../CDNOW_master.txt
	$(NODE) dist/backfill/benchmark/cdnow.js --file $(FILE)

best-possible: build trainer ## how far each model gets to the best possible on the synthetic world
	$(NODE) dist/backfill/benchmark/best-possible.js

contributions: trainer ## ask XGBoost again for the contributions that tests compare with
	cd backfill/trainer && .venv/bin/python -B -m rescore_trainer.contributions $(CURDIR)/models/baseline $(CURDIR)/models/explain/frozen/contributions.json

NODE_IMAGE ?= node:20-bookworm-slim
IMAGE_RESCORE ?= rescore:local
IMAGE_BACKFILL ?= rescore-backfill:local
PROFILES ?= monitoring
export IMAGE_RESCORE

images: ## build the image of the processor: make images NODE_IMAGE=...
	docker build --network host --target processor --build-arg NODE_IMAGE=$(NODE_IMAGE) --build-arg COMMIT="$$(bash scripts/commit.sh)" -t $(IMAGE_RESCORE) .

image-backfill: ## build the image of the nightly backfill, with Python and the trainer
	docker build --network host --target backfill --build-arg NODE_IMAGE=$(NODE_IMAGE) --build-arg COMMIT="$$(bash scripts/commit.sh)" -t $(IMAGE_BACKFILL) .

# Compose as a plugin of docker, or the program of its own.
define compose
	@if docker compose version >/dev/null 2>&1; then compose='docker compose'; \
	elif command -v docker-compose >/dev/null; then compose=docker-compose; \
	else echo 'Neither `docker compose` nor `docker-compose` is there: install the compose plugin of Docker.' >&2; exit 1; fi; \
	set -x; $$compose -p rescore
endef

up: images ## run all of it in containers: make up, or make up PROFILES= without Prometheus and Grafana
	$(compose) $(if $(PROFILES),--profile $(PROFILES)) up -d
	@echo 'Processors: http://127.0.0.1:8080/metrics and :8082; Prometheus :9090 and Grafana :3000 with the profile monitoring.'

down: ## stop the containers and forget their data
	$(compose) --profile monitoring down --volumes --remove-orphans

clean: ## remove what was built
	rm -rf dist reports .cache coverage
