# make up     sets up and runs penstock (ARGS="..." passes flags on)
# make test   sets up and runs the fast tests
# make fuzz   the property tests with many more examples
# make check  all the rest of CI: lint, types, architecture, docs, slow tests, clients
# make sim    simulates admission under every scenario; fails if a target is missed
# make drill  replays the outage of 2 March 2026 without Penstock, with failover, with everything on
# make drills  simulates every outage there is, and writes the table of docs/reference/drills.md
# make sim-watch  simulates the detector over 200 seeds; fails if a goal is missed
# make engine   compiles a real engine (minutes, once; needs a C++ compiler), and tests with it
# make compiled  compiles the path of a request (two minutes, once; needs a C compiler)
# make wheel    builds that as a wheel for this machine and Python, into dist/
# make test-compiled  tests what is compiled
# make clients  sets up other people's clients, and tests with them (ARGS="-k llm" picks)
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CLIENTS := .venv-clients
NODE := tests/clients/node
ENGINE := .venv-engine
COMPILED := .venv-compiled
PIP := -m pip --quiet --disable-pip-version-check install
ARGS ?=
WORKERS ?= 2
# Real processes on a busy machine can be late: what fails runs again, and the summary tells of it;
# what fails again runs once more with nothing beside it, and has failed if it does so alone.
RERUNS ?= 1
AGAIN = -raR --reruns $(RERUNS)
TESTS = $(BIN)/pytest -n $(WORKERS) --dist loadfile $(AGAIN)
# Only after failures: a run that was broken off (any other status) is no run of all tests.
ALONE = { [ $$? -eq 1 ] && $(BIN)/pytest --last-failed --last-failed-no-failures none -ra $(ARGS); }

# pytest rewrites every assert; two workers, and the next run, then share what it made of them.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help up test test-all check fmt lint types arch docs docs-check compiled wheel test-compiled clients clients-all clients-measure e2e engine fuzz bench sim sim-watch drill drills drills-emulated lock clean

help:
	@sed -n 's/^# //p' Makefile

$(VENV)/.run-ready: requirements/run.txt pyproject.toml
	@echo "penstock: creating $(VENV) and installing hash-locked dependencies ..."
	@$(PYTHON) -c 'import sys; sys.exit("penstock needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; set PYTHON=...") if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev-ready: requirements/dev.txt $(VENV)/.run-ready
	@echo "penstock: installing the hash-locked test tools ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

$(CLIENTS)/.ready: requirements/clients.txt
	@echo "penstock: creating $(CLIENTS) with the hash-locked clients for Python ..."
	@test -x $(CLIENTS)/bin/python || $(PYTHON) -m venv $(CLIENTS)
	@$(CLIENTS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/clients.txt
	@touch $@

$(ENGINE)/.ready: requirements/engine.txt requirements/engine-build.txt
	@echo "penstock: creating $(ENGINE) for a real engine, llama-cpp-python, hash-locked ..."
	@test -x $(ENGINE)/bin/python || $(PYTHON) -m venv $(ENGINE)
	@$(ENGINE)/bin/python $(PIP) --require-hashes -r requirements/engine-build.txt
	@echo "penstock: compiling it, which takes 5 to 15 minutes, once ..."
	@PATH="$(CURDIR)/$(ENGINE)/bin:$$PATH" $(ENGINE)/bin/python $(PIP) --no-build-isolation --require-hashes -r requirements/engine.txt
	@touch $@

$(COMPILED)/.tools-ready: requirements/run.txt requirements/dev.txt requirements/compile.txt
	@command -v $${CC:-cc} >/dev/null || { echo "penstock: this needs a C compiler: install gcc or clang, or set CC=..."; exit 1; }
	@echo "penstock: creating $(COMPILED) with the hash-locked tools to compile and test ..."
	@test -x $(COMPILED)/bin/python || $(PYTHON) -m venv $(COMPILED)
	@for file in run dev compile; do $(COMPILED)/bin/python $(PIP) --require-hashes -r requirements/$$file.txt || exit 1; done
	@touch $@

# From a copy: were it compiled in its place, every later change of the source would go unseen.
$(COMPILED)/.ready: $(COMPILED)/.tools-ready pyproject.toml $(shell find src -type f -not -name '*.pyc')
	@echo "penstock: compiling the path of a request, which takes two minutes ..."
	@rm -rf build/compiled && mkdir -p build/compiled
	@cp -R pyproject.toml README.md LICENSE src build/compiled/
	@cd build/compiled && HATCH_BUILD_HOOK_ENABLE_MYPYC=1 $(CURDIR)/$(COMPILED)/bin/python -m hatchling build -t wheel >log.txt 2>&1 || { tail -n 40 log.txt; exit 1; }
	@$(COMPILED)/bin/python $(PIP) --no-deps --force-reinstall build/compiled/dist/*.whl
	@touch $@

# Without npm the tests with clients for node are skipped, and say so.
$(NODE)/node_modules/.ready: $(NODE)/package-lock.json
	@if command -v npm >/dev/null; then \
	  echo "penstock: installing the locked clients for node ..."; \
	  cd $(NODE) && npm ci --ignore-scripts --no-audit --no-fund --silent && touch node_modules/.ready; \
	else \
	  echo "penstock: no npm, so no clients for node: install node 20 or newer with npm"; \
	fi

up: $(VENV)/.run-ready
	@exec $(BIN)/penstock up $(ARGS)

test: $(VENV)/.dev-ready
	$(TESTS) -m "not slow and not clients and not engine" $(ARGS) || $(ALONE)

test-all: $(VENV)/.dev-ready $(CLIENTS)/.ready $(NODE)/node_modules/.ready
	$(BIN)/pytest $(ARGS)

check: lint types arch docs-check
	$(TESTS) -m "slow and not clients and not engine" $(ARGS) || $(ALONE)
	@$(MAKE) --no-print-directory test-compiled
	@$(MAKE) --no-print-directory clients

fmt: $(VENV)/.dev-ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(VENV)/.dev-ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.dev-ready
	$(BIN)/basedpyright

arch: $(VENV)/.dev-ready
	$(BIN)/lint-imports

docs: $(VENV)/.dev-ready
	$(BIN)/python docs/generate.py

docs-check: $(VENV)/.dev-ready
	$(BIN)/python docs/generate.py --check

clients: $(VENV)/.dev-ready $(CLIENTS)/.ready $(NODE)/node_modules/.ready
	$(BIN)/pytest $(AGAIN) tests/clients -m "clients and not slow" $(ARGS) || $(ALONE)

clients-all: $(VENV)/.dev-ready $(CLIENTS)/.ready $(NODE)/node_modules/.ready
	$(BIN)/pytest tests/clients $(ARGS)

clients-measure: $(VENV)/.dev-ready $(CLIENTS)/.ready $(NODE)/node_modules/.ready
	PENSTOCK_CLIENTS_MEASURE=1 $(BIN)/pytest tests/clients -m "clients and not slow"
	$(BIN)/python docs/generate.py

compiled: $(COMPILED)/.ready
	@echo "penstock: $(COMPILED)/bin/penstock is compiled; run it like the other"

wheel: $(COMPILED)/.ready
	@mkdir -p dist && cp build/compiled/dist/*.whl dist/ && ls dist/*.whl

# What is compiled and what runs it; the rest is the same code as in make test.
COMPILED_TESTS = $(addprefix tests/,apps/emulate apps/gateway core dialects e2e exchange fleet ledger telemetry wire)
test-compiled: $(COMPILED)/.ready
	$(COMPILED)/bin/pytest -n $(WORKERS) --dist loadfile $(AGAIN) -m "not slow and not clients and not engine" $(or $(ARGS),$(COMPILED_TESTS))

fuzz: $(VENV)/.dev-ready
	$(BIN)/pytest --hypothesis-profile=thorough --timeout 3600 -m "not clients and not engine" $(or $(ARGS),tests/core tests/dialects tests/exchange tests/wire)

e2e: $(VENV)/.dev-ready
	$(BIN)/pytest tests/e2e $(ARGS)

engine: $(VENV)/.dev-ready $(ENGINE)/.ready
	$(BIN)/pytest tests/engine -m engine $(ARGS)

bench: $(COMPILED)/.ready
	$(COMPILED)/bin/python bench/run.py $(ARGS)

sim: $(VENV)/.run-ready
	$(BIN)/penstock simulate --all --out build/sim $(ARGS)

drill: $(VENV)/.run-ready
	@exec $(BIN)/penstock drill $(ARGS)

drills: $(VENV)/.run-ready
	-$(BIN)/penstock drill simulate --all --out build/drills/simulated $(ARGS)
	$(BIN)/python docs/played.py build/drills

# About five minutes for each outage: the first two changes of phase, by real processes.
drills-emulated: $(VENV)/.run-ready
	-for id in $$($(BIN)/penstock drill list --json | sed 's/.*"id":"\([^"]*\)".*/\1/'); do \
	  $(BIN)/penstock drill $$id --first-changes 2 --out build/drills/emulated/$$id $(ARGS); done
	$(BIN)/python docs/played.py build/drills

sim-watch: $(VENV)/.run-ready
	$(BIN)/penstock simulate watch --out build/sim-watch $(ARGS)

lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml requirements/build.in -o requirements/run.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --group dev -c requirements/run.txt -o requirements/dev.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements/clients.in -o requirements/clients.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements/engine-build.in -o requirements/engine-build.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements/engine.in -o requirements/engine.txt
	cd $(NODE) && npm install --package-lock-only --omit-lockfile-registry-resolved --ignore-scripts --no-audit --no-fund

clean:
	rm -rf $(VENV) $(CLIENTS) $(ENGINE) $(COMPILED) $(NODE)/node_modules .pytest_cache .ruff_cache .hypothesis
