# `make help` says what there is to do. Only Python 3.11+ (with venv) and make are needed to begin.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Options for JupyterLab: make lab LAB="--no-browser --port 8890"
LAB ?=
# Options for pytest: make test PYTEST="-k store" runs those tests, in one process; without any, all
# tests run, in groups at the same time.
PYTEST ?=
# make lock UPGRADE=--upgrade takes the newest versions that pyproject.toml allows.
UPGRADE ?=

.DEFAULT_GOAL := help
.PHONY: help lab install check format test bench screenshot binder lock wheel hooks clean

help: ## Say what there is to do
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

lab: $(VENV)/.lab ## Install what a notebook needs and open the first one in JupyterLab
	$(BIN)/ztfnb lab $(LAB)

install: $(VENV)/.test ## Install everything for developing, without running it

check: $(VENV)/.test ## Lint, formatting, types and the one-way imports, by pre-commit
	$(BIN)/pre-commit run --all-files

format: $(VENV)/.test ## Put the code in form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: check ## All checks, then all tests, with coverage (installs Chromium, Maven, Kafka where missing)
	$(BIN)/python scripts/prepare_tests.py
	$(BIN)/python scripts/run_tests.py $(PYTEST)

bench: $(VENV)/.test ## Measure, and refresh the table of numbers in the README
	$(BIN)/python -m benchmarks --readme README.md

screenshot: $(VENV)/.test ## Take the README's picture anew
	$(BIN)/python docs/take_screenshot.py

binder: ## Do what Binder would do, without Docker, and run the first notebook in 2 GB
	PYTHON=$(PYTHON) binder/check

lock: $(VENV)/.test ## Write the hash-locked requirement files from pyproject.toml
	BIN=$(BIN) scripts/lock $(UPGRADE)

wheel: $(VENV)/.test ## Build the wheel into dist/
	$(BIN)/python -m build --no-isolation --wheel

hooks: $(VENV)/.test ## Run the checks before each commit from now on
	$(BIN)/pre-commit install

clean: ## Remove the environment and everything made by tools
	rm -rf $(VENV) build dist artefacts htmlcov .coverage* .mypy_cache .ruff_cache .pytest_cache \
	  .hypothesis .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "ztfnb needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) -V 2>&1)." \
	       "Name another one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "Python's venv module is missing. On Debian and Ubuntu, as root:" \
	       "apt-get install python3-venv" >&2; exit 1; }

$(VENV)/.lab: $(BIN)/python requirements/lab.txt pyproject.toml
	@echo "Installing JupyterLab and ztfnb into $(VENV): this takes a minute or so."
	$(PIP) install --quiet --require-hashes --requirement requirements/lab.txt
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.test: $(BIN)/python requirements/test.txt pyproject.toml
	@echo "Installing everything for developing into $(VENV): this takes a minute or two."
	$(PIP) install --quiet --require-hashes --requirement requirements/test.txt
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/.lab
