# make run     run the whole system on a local cloud until Ctrl-C
# make test    run all tests, end to end included
# make help    list all targets

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c

VENV := .venv
PYTHON := $(VENV)/bin/python
TOOLS := $(VENV)/.installed
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export SAM_CLI_TELEMETRY := 0
# cargo-lambda builds for a named target. All commands name the same one, so that they share build results.
HOST := $(shell rustc --version --verbose 2>/dev/null | sed -n 's/^host: //p')
export CARGO_BUILD_TARGET := $(HOST)
# The scripts look for programs in target/, whatever the shell has set.
unexport CARGO_TARGET_DIR CARGO_BUILD_TARGET_DIR
# What people give reaches the scripts as it is: make would expand a $ in it.
override export STACK := $(value STACK)
override export QUEUE := $(value QUEUE)
override export TASK := $(value TASK)
override export NOTICE := $(value NOTICE)
override export ADDRESS := $(value ADDRESS)
override export ACTION := $(value ACTION)
override export UNBLOCK := $(value UNBLOCK)
override export PARAMETERS := $(value PARAMETERS)

.PHONY: help
help: ## list all targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

# One line for each tool that a new machine may lack.
.PHONY: needs
needs:
	@command -v cargo >/dev/null || { echo 'make: cargo is not installed: install Rust from https://rustup.rs'; exit 1; }
	@command -v cc >/dev/null || { echo 'make: no C compiler (cc), which Rust needs to link: install gcc or clang'; exit 1; }
	@command -v python3 >/dev/null || { echo 'make: python3 is not installed: install 3.11 or newer'; exit 1; }
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $$(python3 --version) is too old: install 3.11 or newer"; exit 1; }

NODE_IS_NEW := const [major, minor] = process.versions.node.split("."); process.exit(100 * major + +minor >= 2019 ? 0 : 1)
.PHONY: node
node:
	@command -v node >/dev/null || { echo 'make: Node is not installed: linters and a test need version 20.19 or newer'; exit 1; }
	@node -e '$(NODE_IS_NEW)' || { echo "make: Node $$(node --version) is too old: linters and a test need version 20.19 or newer"; exit 1; }

$(TOOLS): local/requirements.txt | needs
	@echo 'installing the tools in local/requirements.txt into $(VENV) (about a minute)'
	@python3 -m venv $(VENV) || { echo 'make: python3 has no venv module: install it (Debian: apt install python3-venv)'; exit 1; }
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check -r local/requirements.txt
	@touch $@

.PHONY: build
build: $(TOOLS) ## build all functions for the local cloud
	cargo lambda build --compiler cargo --workspace

.PHONY: run
run: $(TOOLS) ## run the whole system on a local cloud until Ctrl-C
	@exec $(PYTHON) local/run.py

.PHONY: monitor
monitor: $(TOOLS) ## beside make run: Prometheus with its metrics and alerts, until Ctrl-C
	@exec $(PYTHON) local/monitor.py

.PHONY: demo
demo: $(TOOLS) ## create an account with tasks on the running local cloud, and print how to open it
	@$(PYTHON) local/demo.py

.PHONY: lighthouse
lighthouse: $(TOOLS) local/lighthouse/node_modules/.installed ## audit the app on the running local cloud: speed, accessibility and best practices
	@$(PYTHON) local/lighthouse.py

.PHONY: logs
logs: ## follow the logs of the functions of the running local cloud, until Ctrl-C
	@test -f .local/env || { echo 'make: the local cloud is not running: start it with make run (.local/functions.log has the logs of the last one)'; exit 1; }
	@exec tail -n 20 -F .local/functions.log

.PHONY: mail
mail: $(TOOLS) ## print the mails that the local cloud has sent, and write pages of them
	@$(PYTHON) local/mail.py

.PHONY: link
link: $(TOOLS) ## print the newest link in these mails (ADDRESS=you@example.com: those to this address; ACTION=verify: links that do this)
	@$(PYTHON) local/mail.py link "$$ADDRESS" "$$ACTION"

.PHONY: mail-preview
mail-preview: ## render every kind of mail to docs/mail/
	@python3 local/mail_preview.py

.PHONY: events
events: $(TOOLS) ## write event files to invoke single functions of the running local cloud
	@$(PYTHON) local/invoke_events.py

.PHONY: watch
watch: $(TOOLS) ## serve single functions for cargo lambda invoke
	@test -f .local/cargo-lambda/env || { echo 'make: the environment of the functions is missing: run make events first'; exit 1; }
	cargo lambda watch --invoke-address 127.0.0.1 --env-file .local/cargo-lambda/env

APP_LINT := local/app_lint
MAIL_LINT := local/mail_lint
OPENAPI_LINT := local/openapi_lint

.PHONY: test
test: $(TOOLS) $(APP_LINT)/node_modules/.installed ## run all tests, end to end and in a browser included, on a separate local cloud
	cargo build --workspace --bins --tests
	cargo test --workspace
	node --test shared/web/tests/*.test.mjs
	@$(PYTHON) -m unittest discover --start-directory local
	@$(PYTHON) local/recurrence_oracle.py 1000
	@$(PYTHON) local/e2e.py target/$(HOST)/debug

# Built with the tests, as above: without them features differ, and the SDKs are compiled again.
.PHONY: two-stacks
two-stacks: $(TOOLS) ## test two stacks, a failed first deployment and a protected stack with the real sam deploy (two minutes)
	cargo build --workspace --bins --tests
	@$(PYTHON) local/two_stacks.py target/$(HOST)/debug

# The checkers that npm installs, each in a folder of its own. --ignore-scripts: no package needs its install script, and one
# would report the installation to its vendor.
local/%/node_modules/.installed: local/%/package-lock.json | node
	@command -v npm >/dev/null || { echo 'make: npm is not installed: it comes with Node, version 20.19 or newer'; exit 1; }
	cd $(<D) && npm ci --silent --ignore-scripts
	@touch $@

.PHONY: lint
lint: $(TOOLS) $(OPENAPI_LINT)/node_modules/.installed ## check formatting, clippy, rustdoc, template, OpenAPI document, costs, documents and module cycles
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo clippy --workspace --test journeys --locked -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --locked --quiet
	cfn-lint template.yaml
	$(PYTHON) -m openapi_spec_validator shared/api/src/openapi/openapi.json
	bash $(OPENAPI_LINT)/lint.sh shared/api/src/openapi/openapi.json
	AWS_DEFAULT_REGION=us-east-1 sam validate --lint --template template.yaml
	$(PYTHON) bench/cost.py --check
	$(PYTHON) local/check_docs.py
	$(PYTHON) local/mutants.py --check
	$(PYTHON) local/module_cycles.py

.PHONY: lint-mail
lint-mail: $(MAIL_LINT)/node_modules/.installed ## the HTML of every mail, against what mail programs support
	@rm -rf .local/mail-lint && mkdir -p .local/mail-lint
	@MAIL_PREVIEW=$(CURDIR)/.local/mail-lint cargo test --quiet --package taskbell-api --lib every_kind_of_mail >/dev/null
	@node $(MAIL_LINT)/lint.mjs .local/mail-lint

.PHONY: incidents
incidents: $(TOOLS) ## provoke incidents on a local cloud, print the alarms that fire, and draw the dashboard (needs Chromium; ten minutes)
	cargo build --workspace --bins
	@$(PYTHON) local/incidents.py target/$(HOST)/debug

OBSERVABILITY := observability/prometheus
.PHONY: lint-observability
lint-observability: ## check the configuration of Prometheus, and test its rules and alerts
	@command -v promtool >/dev/null || { echo 'make: promtool is not installed: it comes with Prometheus (Debian: apt install prometheus)'; exit 1; }
	promtool check config $(OBSERVABILITY)/prometheus.yml
	promtool check rules $(OBSERVABILITY)/rules.yml
	promtool test rules $(OBSERVABILITY)/rules_test.yml

.PHONY: docs-page
docs-page: $(TOOLS) ## render GET /docs in Chromium with the script from npm, as docs/api.png
	@$(PYTHON) local/docs_page.py

.PHONY: openapi
openapi: ## rewrite the OpenAPI document, its examples and the generated tables in docs/ from the code
	GENERATE=1 cargo test --quiet --workspace --test api -- generated:: --skip every_example
	cargo build --quiet --workspace --tests --examples
	target/$(HOST)/debug/examples/openapi > shared/api/src/openapi/openapi.json.new
	mv shared/api/src/openapi/openapi.json.new shared/api/src/openapi/openapi.json

FUZZ := .venv-fuzz
$(FUZZ)/.installed: local/requirements-fuzz.txt | needs
	@python3 -m venv $(FUZZ)
	@$(FUZZ)/bin/python -m pip install --quiet --disable-pip-version-check -r local/requirements-fuzz.txt
	@touch $@

SECONDS_OF_FUZZING ?= 180
.PHONY: fuzz-api
fuzz-api: $(TOOLS) $(FUZZ)/.installed ## test with requests generated from the OpenAPI document (SECONDS_OF_FUZZING=180)
	cargo build --workspace --bins
	@$(PYTHON) local/fuzz.py target/$(HOST)/debug $(SECONDS_OF_FUZZING) $(abspath $(FUZZ))/bin/schemathesis

TASKS ?= 10000
.PHONY: budget
budget: $(TOOLS) ## measure calls and capacity units of each operation (TASKS=10000)
	TASKS=$(TASKS) cargo test --package taskbell-api --test api budget -- --nocapture

.PHONY: transfer
transfer: $(TOOLS) ## export a space, import it into another account and compare, and measure that (TASKS=10000)
	TASKS=$(TASKS) cargo test --package taskbell-api --test api transfer::whole -- --nocapture

SEEDS ?= 100000
FROM ?= 0
.PHONY: soak
soak: $(TOOLS) ## run the simulations of reminders and of the change feed under faults with many seeds (SEEDS=100000, FROM=0 to continue at a seed)
	SEEDS=$(SEEDS) FROM=$(FROM) cargo test --profile soak --package taskbell-api --test api simulation::random_faults -- --nocapture --test-threads=1

REMINDERS ?= 10000
SPREAD ?= 1
STORED ?= 100000
.PHONY: scale
scale: $(TOOLS) ## measure many reminders at once, and an empty dispatch run with many stored tasks (REMINDERS, SPREAD, STORED)
	REMINDERS=$(REMINDERS) SPREAD=$(SPREAD) STORED=$(STORED) cargo test --profile soak --package taskbell-api --test api scale -- --nocapture --test-threads=1

# The path of the executable in cargo's JSON output.
EXECUTABLE = | $(PYTHON) -c 'import json, sys; print([j["executable"] for j in map(json.loads, sys.stdin) if j.get("executable")][-1])'

PEERS := bench/peers
$(PEERS)/python/.venv/.installed: $(PEERS)/python/requirements.txt | needs
	@python3 -m venv $(PEERS)/python/.venv
	@$(PEERS)/python/.venv/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

$(PEERS)/node/dist/.built: $(PEERS)/node/package-lock.json $(wildcard $(PEERS)/node/*.js)
	@command -v npm >/dev/null || { echo 'make: npm is not installed: the benchmark needs Node 20 or newer'; exit 1; }
	cd $(PEERS)/node && npm ci --silent && npm run --silent build -- --log-level=warning
	@touch $@

COUNTS ?= 1000 100000 1000000
.PHONY: growth
growth: $(TOOLS) ## measure each operation with few and with many stored tasks (half an hour; COUNTS="1000 100000 1000000")
	@$(PYTHON) bench/growth.py $(COUNTS)

.PHONY: cost
cost: $(TOOLS) ## compute the cost on AWS from measurements and prices
	@$(PYTHON) bench/cost.py

# The baseline of all measurements of functions.
.PHONY: floor
floor: $(TOOLS)
	cd $(PEERS)/rust && env -u CARGO_BUILD_TARGET cargo build --release --locked --bin floor

STARTS ?= 30
WARM ?= 200
.PHONY: check-counts
check-counts:
	@{ [ "$(STARTS)" -ge 1 ] && [ "$(WARM)" -ge 1 ]; } 2>/dev/null || { echo 'make: STARTS and WARM must be positive integers'; exit 1; }

.PHONY: bench
bench: check-counts $(TOOLS) floor $(PEERS)/python/.venv/.installed $(PEERS)/node/dist/.built ## measure all functions, and two of them in other languages (half an hour; STARTS=30 WARM=200)
	cargo build --release --locked --package taskbell-functions --bins
	cd $(PEERS)/rust && env -u CARGO_BUILD_TARGET cargo build --release --locked --features typical --bin typical-get-task --bin typical-create-task
	@mkdir -p .local
	STARTS=$(STARTS) WARM=$(WARM) PROGRAMS=target/$(HOST)/release PEERS=$(PEERS) RESULTS=.local/bench.jsonl \
		cargo bench --profile soak --package taskbell-bench --bench functions
	@$(PYTHON) bench/report.py .local/bench.jsonl target/$(HOST)/release

CHANGES ?= 200
.PHONY: bench-live
bench-live: $(TOOLS) node ## measure how long changes take to reach live connections on a local cloud (a minute; CHANGES=200)
	cargo build --workspace --bins
	@$(PYTHON) bench/live.py target/$(HOST)/debug $(CHANGES)

DRIVER = cargo bench --profile soak --package taskbell-bench --bench functions --no-run --message-format json $(EXECUTABLE)
.PHONY: profiles
profiles: $(TOOLS) floor ## measure one function with each candidate build profile (an hour)
	@mkdir -p .local
	@program=$$($(DRIVER)) && STARTS=3 WARM=100 $(PYTHON) bench/profiles.py "$$program"

.PHONY: cold-builds
cold-builds: $(TOOLS) ## measure how long all functions take to build from scratch (a quarter of an hour)
	@$(PYTHON) bench/cold_builds.py

.PHONY: hotspots
hotspots: $(TOOLS) floor ## attribute the instructions of a request and the bytes of its binary (minutes)
	@command -v valgrind >/dev/null || { echo 'make: valgrind is not installed: install it to count instructions'; exit 1; }
	@command -v nm >/dev/null || { echo 'make: nm is not installed: install binutils'; exit 1; }
	@program=$$($(DRIVER)) && $(PYTHON) bench/hotspots.py "$$program"

GUARDED = cargo bench --profile soak --package taskbell-instructions --bench instructions --no-run --message-format json $(EXECUTABLE)
.PHONY: guard guard-write
guard: $(TOOLS) ## check that handlers take no more instructions than recorded
	@program=$$($(GUARDED)) && $(PYTHON) bench/guard.py "$$program"

guard-write: $(TOOLS) ## record the current instruction counts
	@program=$$($(GUARDED)) && $(PYTHON) bench/guard.py "$$program" --write

NAMES ?=
.PHONY: mutants
mutants: $(TOOLS) ## break the code one line at a time and report what no test detects (hours; NAMES="batch.rs viewers")
	@$(PYTHON) local/mutants.py $(NAMES)

RULES ?= 20000
SEED ?= 5545
.PHONY: recurrence-oracle
recurrence-oracle: $(TOOLS) ## compare recurrence rules with libical, dateutil and an exhaustive search (two minutes; RULES=20000 SEED=5545)
	@$(PYTHON) local/recurrence_oracle.py $(RULES) $(SEED) --tables

.PHONY: worst-rules
worst-rules: ## time the longest searches for an occurrence, in a release build
	@cargo run --quiet --release --manifest-path shared/domain/Cargo.toml --example worst_rules

.PHONY: release
release: $(TOOLS) ## build all functions for AWS (arm64, or ARCH=x86-64)
	cargo lambda build --release $(if $(filter x86-64,$(ARCH)),--x86-64,--arm64) --package taskbell-functions

# Variables given to make are in the environment, so their values need no quoting here.
.PHONY: deploy
deploy: $(TOOLS) ## build all functions and deploy them to AWS (PARAMETERS='SenderAddress=...' STACK ARCH CONFIG PROTECT=true ARGUMENTS)
	@$(PYTHON) local/deploy_to_aws.py --stack "$$STACK" --config "$$CONFIG" --architecture "$$ARCH" --protect "$$PROTECT" --parameters "$$PARAMETERS" $$ARGUMENTS

.PHONY: move-data
move-data: $(TOOLS) ## copy the data of a stack of version 0.2.0 or earlier to a new stack (FROM=<old stack> TO=<new stack>)
	@$(PYTHON) local/move_data.py "$(FROM)" "$(TO)"

.PHONY: smoke
smoke: $(TOOLS) ## test a deployed stack end to end, and what only AWS can show (STACK=taskbell)
	@$(PYTHON) local/smoke.py "$$STACK"

.PHONY: redrive
redrive: $(TOOLS) ## handle what waits in a dead-letter queue again (STACK=taskbell QUEUE=reminders|mail-events)
	@$(PYTHON) local/operate.py redrive "$$STACK" "$$QUEUE"

.PHONY: deliveries
deliveries: $(TOOLS) ## print who got which mail of a task or a notification (STACK=taskbell TASK=tsk_...|NOTICE=ntc_...)
	@$(PYTHON) local/operate.py deliveries "$$STACK" "$$TASK" "$$NOTICE"

# The operator's credentials are asked for, or are in OPERATOR_ADDRESS and OPERATOR_PASSWORD in the environment.
.PHONY: block
block: $(TOOLS) ## block an account as an operator (STACK=taskbell ADDRESS=somebody@example.com, UNBLOCK=true to unblock it)
	@$(PYTHON) local/operate.py block "$$STACK" "$$ADDRESS" "$$UNBLOCK"

.PHONY: clean
clean: ## delete everything that make has built
	rm -rf target .local $(VENV) $(FUZZ)
