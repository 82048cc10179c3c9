# `make` lists the targets. Everything is installed into .venv; nothing else on the machine is touched.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ROWS   ?= 100000
DAYS   ?= 60

.DEFAULT_GOAL := help
.PHONY: help run test slow check format lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.installed: requirements.lock pyproject.toml
	@echo "Installing into $(VENV) (once) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-build.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.tested: $(VENV)/.installed requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.lock
	@touch $@

run: $(VENV)/.installed ## Export a sandbox's history into data/ and show what came of it
	@$(BIN)/voxlake sandbox run --rows $(ROWS) --days $(DAYS) -- $(BIN)/voxlake export --data-dir data \
	  --since $$($(PYTHON) -c 'import datetime as d; print((d.datetime.now(d.timezone.utc) - d.timedelta(days=$(DAYS))).date())')
	@echo
	@echo "Cost and delivery rate by day (voxlake report daily):"
	@$(BIN)/voxlake report daily --data-dir data --limit 5

test: $(VENV)/.tested ## Run the tests
	@$(BIN)/python -m pytest -n 2 -q

slow: $(VENV)/.tested ## Run the tests that take minutes: long trials, other versions of DuckDB, Spark
	@$(BIN)/python -m pytest -q -m slow

check: $(VENV)/.tested ## Format, lint, types, import layers, tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(MAKE) --no-print-directory test

format: $(VENV)/.tested ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: ## Renew the exact versions that are installed (needs uv)
	uv pip compile --quiet --universal --no-emit-index-url --no-annotate --no-header --upgrade pyproject.toml -o requirements.lock
	echo 'hatchling' | uv pip compile --quiet --universal --no-emit-index-url --no-annotate --no-header --upgrade - -o requirements-build.lock
	uv pip compile --quiet --universal --no-emit-index-url --no-annotate --no-header --upgrade -c requirements.lock -c requirements-build.lock --group dev pyproject.toml -o requirements-dev.lock

clean: ## Remove what was installed and built (not data/)
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
