# make run     the whole system on a local cloud, until Ctrl-C
# make test    every test, end to end included
# make help    the rest

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c

VENV := .venv
PYTHON := $(VENV)/bin/python
TOOLS := $(VENV)/.installed
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export SAM_CLI_TELEMETRY := 0
# cargo-lambda builds for a named target; naming the same one everywhere lets all commands share what is built.
HOST := $(shell rustc --version --verbose 2>/dev/null | sed -n 's/^host: //p')
export CARGO_BUILD_TARGET := $(HOST)

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

# One line for each thing a fresh machine may lack.
.PHONY: needs
needs:
	@command -v cargo >/dev/null || { echo 'make: cargo is not installed: get Rust from https://rustup.rs'; exit 1; }
	@command -v cc >/dev/null || { echo 'make: there is no C compiler (cc), which Rust links with: install gcc or clang'; exit 1; }
	@command -v python3 >/dev/null || { echo 'make: python3 is not installed: Taskbell needs 3.11 or newer'; exit 1; }
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $$(python3 --version) is too old: Taskbell needs 3.11 or newer"; exit 1; }

$(TOOLS): local/requirements.txt | needs
	@echo 'installing the tools in local/requirements.txt into $(VENV) (about a minute)'
	@python3 -m venv $(VENV) || { echo 'make: python3 has no venv module: install it (Debian: apt install python3-venv)'; exit 1; }
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check -r local/requirements.txt
	@touch $@

.PHONY: build
build: $(TOOLS) ## all functions, for this machine's local cloud
	cargo lambda build --compiler cargo --workspace

.PHONY: run
run: $(TOOLS) ## the whole system on a local cloud, until Ctrl-C
	@exec $(PYTHON) local/run.py

.PHONY: mail
mail: $(TOOLS) ## the mails that the local cloud has sent
	@$(PYTHON) local/mail.py

.PHONY: link
link: $(TOOLS) ## the newest link to press in these mails
	@$(PYTHON) local/mail.py link

.PHONY: mail-preview
mail-preview: ## pictures of every kind of mail, under docs/mail/
	@python3 local/mail_preview.py

.PHONY: events
events: $(TOOLS) ## event files for invoking single functions, from what is running
	@$(PYTHON) local/events.py

.PHONY: watch
watch: $(TOOLS) ## single functions on this machine, for cargo lambda invoke
	@test -f .local/cargo-lambda/env || { echo 'make: there is no environment for functions yet: run make events first'; exit 1; }
	cargo lambda watch --invoke-address 127.0.0.1 --env-file .local/cargo-lambda/env

.PHONY: test
test: $(TOOLS) ## every test, end to end included, on a local cloud of their own
	cargo build --workspace --bins --tests
	cargo test --workspace
	@$(PYTHON) -m unittest discover --start-directory local
	@$(PYTHON) local/recurrence_oracle.py 1000
	@$(PYTHON) local/e2e.py target/$(HOST)/debug

# With the tests, as above: without them features differ, and the SDKs are compiled again.
.PHONY: two-stacks
two-stacks: $(TOOLS) ## two stacks side by side, a failed first deploy and a protected stack, by the real sam deploy (two minutes)
	cargo build --workspace --bins --tests
	@$(PYTHON) local/two_stacks.py target/$(HOST)/debug

.PHONY: lint
lint: $(TOOLS) ## formatting, clippy, docs, dependencies, template, costs
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --locked --quiet
	cfn-lint template.yaml
	$(PYTHON) -m openapi_spec_validator shared/api/src/openapi/openapi.json
	AWS_DEFAULT_REGION=us-east-1 sam validate --lint --template template.yaml
	$(PYTHON) bench/cost.py --check

.PHONY: openapi
openapi: ## writes the OpenAPI document anew, from the code
	cargo run --quiet --package taskbell-api --example openapi > shared/api/src/openapi/openapi.json.new
	mv shared/api/src/openapi/openapi.json.new shared/api/src/openapi/openapi.json

FUZZ := .venv-fuzz
$(FUZZ)/.installed: local/requirements-fuzz.txt | needs
	@python3 -m venv $(FUZZ)
	@$(FUZZ)/bin/python -m pip install --quiet --disable-pip-version-check -r local/requirements-fuzz.txt
	@touch $@

SECONDS_OF_FUZZING ?= 180
.PHONY: fuzz-api
fuzz-api: $(TOOLS) $(FUZZ)/.installed ## requests made from the OpenAPI document (SECONDS_OF_FUZZING=180)
	cargo build --workspace --bins
	@$(PYTHON) local/fuzz.py target/$(HOST)/debug $(SECONDS_OF_FUZZING) $(abspath $(FUZZ))/bin/schemathesis

TASKS ?= 10000
.PHONY: budget
budget: $(TOOLS) ## what each operation costs with so many tasks in the space (TASKS=10000)
	TASKS=$(TASKS) cargo test --package taskbell-api --test api budget -- --nocapture

SEEDS ?= 100000
FROM ?= 0
.PHONY: soak
soak: $(TOOLS) ## the simulation of reminders under faults, with many seeds (SEEDS=100000, FROM=0 to go on where one failed)
	SEEDS=$(SEEDS) FROM=$(FROM) cargo test --profile soak --package taskbell-api --test api simulation::whatever -- --nocapture

REMINDERS ?= 10000
SPREAD ?= 1
STORED ?= 100000
.PHONY: scale
scale: $(TOOLS) ## so many reminders within so many seconds, and an empty sweep beside so many tasks (REMINDERS, SPREAD, STORED)
	REMINDERS=$(REMINDERS) SPREAD=$(SPREAD) STORED=$(STORED) cargo test --profile soak --package taskbell-api --test api scale -- --nocapture --test-threads=1

# What cargo has built, out of what it says in JSON.
EXECUTABLE = | $(PYTHON) -c 'import json, sys; print([j["executable"] for j in map(json.loads, sys.stdin) if j.get("executable")][-1])'

PEERS := bench/peers
$(PEERS)/python/.venv/.installed: $(PEERS)/python/requirements.txt | needs
	@python3 -m venv $(PEERS)/python/.venv
	@$(PEERS)/python/.venv/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

$(PEERS)/node/dist/.built: $(PEERS)/node/package-lock.json $(wildcard $(PEERS)/node/*.js)
	@command -v npm >/dev/null || { echo 'make: npm is not installed: the benchmark measures Node too, version 20 or newer'; exit 1; }
	cd $(PEERS)/node && npm ci --silent && npm run --silent build -- --log-level=warning
	@touch $@

COUNTS ?= 1000 100000 1000000
.PHONY: growth
growth: $(TOOLS) ## what each operation costs with few and with many tasks stored, as a plot (half an hour; COUNTS="1000 100000 1000000")
	@$(PYTHON) bench/growth.py $(COUNTS)

.PHONY: cost
cost: $(TOOLS) ## what Taskbell costs on AWS, out of what was measured and a table of prices
	@$(PYTHON) bench/cost.py

# What every measurement of functions is held against.
.PHONY: floor
floor: $(TOOLS)
	cd $(PEERS)/rust && env -u CARGO_BUILD_TARGET cargo build --release --locked --bin floor

STARTS ?= 30
WARM ?= 200
.PHONY: numbers
numbers:
	@{ [ "$(STARTS)" -ge 1 ] && [ "$(WARM)" -ge 1 ]; } 2>/dev/null || { echo 'make: STARTS and WARM must be numbers from 1'; exit 1; }

.PHONY: bench
bench: numbers $(TOOLS) floor $(PEERS)/python/.venv/.installed $(PEERS)/node/dist/.built ## all functions, two of them beside the same in other languages, measured (half an hour; STARTS=30 WARM=200)
	cargo build --release --locked --package taskbell-functions --bins
	cd $(PEERS)/rust && env -u CARGO_BUILD_TARGET cargo build --release --locked --features typical --bin typical-get-task --bin typical-create-task
	@mkdir -p .local
	STARTS=$(STARTS) WARM=$(WARM) PROGRAMS=target/$(HOST)/release PEERS=$(PEERS) RESULTS=.local/bench.jsonl \
		cargo bench --profile soak --package taskbell-bench --bench functions
	@$(PYTHON) bench/report.py .local/bench.jsonl target/$(HOST)/release

DRIVER = cargo bench --profile soak --package taskbell-bench --bench functions --no-run --message-format json $(EXECUTABLE)
.PHONY: profiles
profiles: $(TOOLS) floor ## one function built with each profile that could have been chosen, and measured (an hour)
	@mkdir -p .local
	@program=$$($(DRIVER)) && STARTS=3 WARM=100 $(PYTHON) bench/profiles.py "$$program"

.PHONY: cold-builds
cold-builds: $(TOOLS) ## how long all functions take to build from nothing (a quarter of an hour)
	@$(PYTHON) bench/cold_builds.py

.PHONY: hotspots
hotspots: $(TOOLS) floor ## where the instructions of a request go, and where the bytes of its binary are (minutes)
	@command -v valgrind >/dev/null || { echo 'make: valgrind is not installed: it counts the instructions'; exit 1; }
	@command -v nm >/dev/null || { echo 'make: nm is not installed: it says where the bytes are; install binutils'; exit 1; }
	@program=$$($(DRIVER)) && $(PYTHON) bench/hotspots.py "$$program"

GUARDED = cargo bench --profile soak --package taskbell-instructions --bench instructions --no-run --message-format json $(EXECUTABLE)
.PHONY: guard guard-write
guard: $(TOOLS) ## whether handlers take more instructions than they did
	@program=$$($(GUARDED)) && $(PYTHON) bench/guard.py "$$program"

guard-write: $(TOOLS) ## takes what handlers take now for what they may take
	@program=$$($(GUARDED)) && $(PYTHON) bench/guard.py "$$program" --write

NAMES ?=
.PHONY: mutants
mutants: $(TOOLS) ## breaks the checks of the code one line at a time, and says what no test notices (hours; NAMES="batch.rs viewers")
	@$(PYTHON) local/mutants.py $(NAMES)

RULES ?= 20000
SEED ?= 5545
.PHONY: recurrence-oracle
recurrence-oracle: $(TOOLS) ## recurrence rules against libical's table, dateutil's tests and generated rules (two minutes; RULES=20000 SEED=5545)
	@$(PYTHON) local/recurrence_oracle.py $(RULES) $(SEED) --tables

.PHONY: worst-rules
worst-rules: ## how long the longest searches for an occurrence take, in a release build
	@cargo run --quiet --release --manifest-path shared/domain/Cargo.toml --example worst_rules

.PHONY: release
release: $(TOOLS) ## all functions for AWS, ready for sam deploy (arm64, or ARCH=x86-64)
	cargo lambda build --release $(if $(filter x86-64,$(ARCH)),--x86-64,--arm64) --package taskbell-functions

# Variables that make was given are in the environment; so their values need no quoting here.
.PHONY: deploy
deploy: $(TOOLS) ## all functions built and deployed to AWS (PARAMETERS='SenderAddress=...' STACK ARCH CONFIG PROTECT=true ARGUMENTS)
	@$(PYTHON) local/deploy_to_aws.py --stack "$$STACK" --config "$$CONFIG" --architecture "$$ARCH" --protect "$$PROTECT" --parameters "$$PARAMETERS" $$ARGUMENTS

.PHONY: smoke
smoke: $(TOOLS) ## a deployed stack, end to end, and what only AWS can show (STACK=taskbell)
	@$(PYTHON) local/smoke.py "$$STACK"

.PHONY: clean
clean: ## takes away what make has made
	rm -rf target .local $(VENV) $(FUZZ)
