# make up     sets up and runs penstock (ARGS="..." passes flags on)
# make test   sets up and runs the fast tests
# make check  all the rest of CI: lint, types, architecture, docs, slow tests
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: help up test test-all check fmt lint types arch docs docs-check e2e fuzz bench lock clean

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

up: $(VENV)/.run-ready
	@exec $(BIN)/penstock up $(ARGS)

test: $(VENV)/.dev-ready
	$(BIN)/pytest -m "not slow" $(ARGS)

test-all: $(VENV)/.dev-ready
	$(BIN)/pytest $(ARGS)

check: lint types arch docs-check
	$(BIN)/pytest -m slow $(ARGS)

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

e2e: $(VENV)/.dev-ready
	$(BIN)/pytest tests/e2e $(ARGS)

bench: $(VENV)/.dev-ready
	$(BIN)/python bench/run.py $(ARGS)

lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml requirements/build.in -o requirements/run.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --group dev -c requirements/run.txt -o requirements/dev.txt

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis
