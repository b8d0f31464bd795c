# The commands of this repository. `make` alone lists them.
PYTHON  ?= python3
VENV    := .venv
BIN     := $(VENV)/bin
DATA    ?= data
WORKERS ?= 2
BENCH   ?= --quick
QENEX   := $(BIN)/qenex --data $(DATA)
LOCK    := $(if $(shell command -v flock 2>/dev/null),flock .setup.lock)

# What the extension modules are compiled from, and what decides how.
SOURCES := $(shell find core src -name '*.[ch]' -not -name '_core.c' -not -name '_merkle.c' 2>/dev/null) \
           $(wildcard src/qenex/*/_build_*.py) setup.py pyproject.toml

.PHONY: help setup up down test check fix bench soak docs clean
help:
	@grep -E '^## ' Makefile | sed 's/^## //'

## make setup   install everything into .venv (quick when nothing changed)
setup:
	@$(LOCK) $(MAKE) --no-print-directory --silent $(VENV)/.project

$(VENV)/.made:
	@sh tools/debian_packages.sh $(PYTHON)
	echo "making $(VENV)"
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.requirements: requirements/dev.txt | $(VENV)/.made
	echo "installing the packages of requirements/dev.txt, checked by their hashes"
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/.project: $(VENV)/.requirements $(SOURCES)
	@sh tools/debian_packages.sh $(PYTHON)
	echo "compiling and installing qenex"
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-build-isolation --no-deps --no-index --editable .
	@touch $@

## make up      start the bank on http://localhost:8080 (DETACH=1: return when ready; DATA=folder)
up: setup
	@DETACH=$(DETACH) exec $(QENEX) up

## make down    stop the bank that `make up` started
down:
	@$(QENEX) down

## make test    set up, check and test: exactly what CI runs
test: setup
	@sh tools/debian_packages.sh $(PYTHON) tests
	@code=0; $(MAKE) --no-print-directory check || code=$$?; \
	$(BIN)/python -m pytest -n $(WORKERS) $(TESTS) || code=$$?; exit $$code

## make check   lint, format, types, layers
check: setup
	@code=0; \
	$(BIN)/ruff check . || code=1; \
	$(BIN)/ruff format --check . || code=1; \
	$(BIN)/mypy || code=1; \
	$(BIN)/lint-imports --no-logo || code=1; \
	exit $$code

## make fix     apply the formatter and the linter's safe fixes
fix: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

## make bench   run every benchmark and print one table (BENCH= for full lengths)
bench: setup
	@$(BIN)/python tools/bench.py $(BENCH)

## make soak    the tests that take long: kill loops, power cuts, fuzzing
soak: setup
	@$(BIN)/python -m pytest -m soak --timeout 14400 $(TESTS)

## make docs    write the pages that are made from the code
docs: setup
	@$(BIN)/python tools/docs.py
	@set -e; for script in $(wildcard docs/generate_*.py); do $(BIN)/python $$script; done
	@$(BIN)/python -m qenex.cli.reference > docs/.cli.md && mv docs/.cli.md docs/cli.md

## make clean   remove what setup, tests and benchmarks made (never a data folder)
clean:
	rm -rf $(VENV) build .setup.lock .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache benchmarks/results
	find src -name '*.so' -delete
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -rf src/qenex.egg-info src/qenex/ledger/_core.c src/qenex/chain/_merkle.c
