# `make` lists the targets. What they need is installed into .venv, .venv-servers, .venv-spark, .venv-bench, .venv-matrix and
# tests/sdk/node_modules and tests/azure/node_modules, from lock files with hashes. One thing else on the machine is touched: as root on Debian, `browser`,
# which `test` and `coverage` call, installs chromium with apt-get where there is none.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
SDK    := tests/sdk/node_modules/.package-lock.json
AZURE  := tests/azure/node_modules/.package-lock.json
BENCH  := .venv-bench
SERVERS := .venv-servers
SPARK  := .venv-spark
PIP    := -m pip install --quiet --disable-pip-version-check
LOCKED := $(PIP) --require-hashes -r
UV     := uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --upgrade
ROWS   ?= 100000
DAYS   ?= 60
SOAK   ?= 30m
FUZZ   ?= 10m
ACCOUNTS ?= 1 10 100 1000
LAYOUT_ROWS ?= 10000000
DEMO   := data/demo
# Tests start many processes: what they import is compiled once, also where the machine says otherwise.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run ready test unit coverage browser orchestrators days dates soak fuzz matrix check bench layouts night slow spark format lock numbering schema picture screenshot notebook clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# A checkout has every extra: its README shows them.
$(VENV)/.installed: requirements-all.lock requirements-build.lock pyproject.toml
	@echo "Installing into $(VENV) (once) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python $(LOCKED) requirements-all.lock
	@$(BIN)/python $(LOCKED) requirements-build.lock
	@$(BIN)/python $(PIP) --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q pipelines
	@touch $@

# Its lock file holds all that the other two do. What tests import is compiled when they do, a quarter of what there is.
$(VENV)/.tested: requirements-dev.lock pyproject.toml
	@echo "Installing what the tests need, too, into $(VENV) (once) ..."
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python $(LOCKED) requirements-dev.lock --no-compile
	@$(BIN)/python $(PIP) --no-deps --no-build-isolation --editable .
	@touch $(VENV)/.installed $@

$(SERVERS)/.installed: requirements-servers.lock
	@$(PYTHON) -m venv $(SERVERS)
	@$(SERVERS)/bin/python $(LOCKED) requirements-servers.lock --no-compile
	@touch $@

# Apart from what is yours: reports add up all accounts of a data directory.
run: $(VENV)/.installed ## Export a sandbox's history into data/demo and show what came of it
	@$(BIN)/voxlake sandbox run --rows $(ROWS) --days $(DAYS) -- $(BIN)/voxlake export --data-dir $(DEMO) \
	  --since $$($(PYTHON) -c 'import datetime as d; print((d.datetime.now(d.timezone.utc) - d.timedelta(days=$(DAYS))).date())')
	@echo
	@echo "Cost and delivery rate by day (voxlake report daily):"
	@$(BIN)/voxlake report daily --data-dir $(DEMO) --limit 5
	@echo
	@echo "Type next:"
	@echo "  $(BIN)/voxlake report --data-dir $(DEMO)      # lists the reports"
	@echo "  $(BIN)/voxlake dashboard --data-dir $(DEMO)   # one page for the browser"
	@echo "  $(BIN)/voxlake shell --data-dir $(DEMO)       # SQL"
	@! [ -d data/lake/sms_history/account_id=1234567 ] || \
	  echo "data/ has the sandbox's account 1234567 of an earlier 'make run': export your own into another --data-dir."

screenshot: $(VENV)/.installed browser ## Draw docs/dashboard.png: the top of the dashboard of what `make run` made
	@$(BIN)/voxlake dashboard --data-dir $(DEMO) --out .page.html >/dev/null
	@chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1280,760 \
	  --screenshot=docs/dashboard.png "file://$$PWD/.page.html" >/dev/null 2>&1; rm .page.html

notebook: $(VENV)/.tested ## Run docs/notebook.ipynb on what `make run` made, and keep what it shows
	@PYTHONPATH=tests $(BIN)/python -m support.notebook docs docs/notebook.ipynb

# The dashboard is tested in a real browser; where there is none and no way to get one, those tests say that they are skipped.
browser:
	@command -v chromium >/dev/null || { \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && echo "Installing chromium for the tests (once) ..." && \
	  { apt-get install -qq -y --no-install-recommends chromium >/dev/null 2>&1 || \
	    { apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium; } >/dev/null 2>&1; }; } || \
	  echo "There is no chromium, and it cannot be installed: the tests in a browser are skipped."

$(SDK): tests/sdk/package-lock.json
	@if command -v npm >/dev/null; then cd tests/sdk && npm ci --ignore-scripts --silent && touch node_modules/.package-lock.json; \
	else echo "npm is not installed: the tests with the vendor's Node SDK are skipped"; fi

# It takes most of a minute, so that `make ready` does without.
$(AZURE): tests/azure/package-lock.json
	@if command -v npm >/dev/null; then echo "Installing azurite into tests/azure/node_modules (once, 360 MB) ..." && \
	cd tests/azure && npm ci --ignore-scripts --silent && touch node_modules/.package-lock.json; \
	else echo "npm is not installed: the tests with Azure's store are skipped"; fi

ready: $(VENV)/.tested $(SERVERS)/.installed $(SDK) browser ## Install all that the tests need (with -j 4, side by side)

test: ready ## Run the tests
	@$(BIN)/python -m pytest -n 3 --dist worksteal -q

unit: $(VENV)/.tested ## Run the tests that need neither a server nor a process (seconds)
	@$(BIN)/python -m pytest -n auto -q tests/unit

coverage: ready ## Run the tests and show which lines and branches none of them reaches
	@$(BIN)/python -m pytest -n 4 --dist worksteal -q --cov

days: $(VENV)/.tested ## Run the fast tests that know the date as if it were each of thirty (a quarter of an hour)
	@$(BIN)/python tests/support/days.py

dates: $(VENV)/.tested ## The same for a leap day, the end of a year and a Sunday
	@$(BIN)/python tests/support/days.py 2028-02-29 2026-12-31T23:30 2026-11-29

soak: $(VENV)/.tested ## Try random faults, habits and kills for SOAK (30m) against the guarantee
	@PYTHONPATH=tests $(BIN)/python -m support.soak $(SOAK) $(SEED)

fuzz: $(VENV)/.tested ## Try strange replies, files, settings and command lines for FUZZ (10m); SEED repeats a run
	@PYTHONPATH=tests $(BIN)/python -m support.fuzz $(FUZZ) $(SEED)

slow: ready $(AZURE) ## Run the tests that take minutes
	@$(BIN)/python -m pytest -m slow -q

orchestrators: $(VENV)/.tested ## Try contrib/airflow_dag.py and contrib/dagster_asset.py in Airflow and Dagster, each in an environment of its own
	@for name in airflow dagster; do \
	  [ -f .venv-orchestrators/$$name/.installed ] || { \
	    $(PYTHON) -m venv .venv-orchestrators/$$name && .venv-orchestrators/$$name/bin/python $(LOCKED) contrib/$$name.lock --no-compile && \
	    touch .venv-orchestrators/$$name/.installed; } || exit 1; done
	@$(BIN)/python -m pytest -m slow -q tests/docs/test_orchestrators.py

check: $(VENV)/.tested ## Format, lint, types, import layers, tests, and the fast tests on three other dates
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(MAKE) --no-print-directory test
	@$(MAKE) --no-print-directory dates

$(BENCH)/.installed: benchmarks/requirements.txt pyproject.toml
	@echo "Installing voxlake and its peers into $(BENCH) (once) ..."
	@$(PYTHON) -m venv $(BENCH)
	@$(BENCH)/bin/python $(PIP) -r benchmarks/requirements.txt
	@$(BENCH)/bin/python $(PIP) --editable .
	@$(BENCH)/bin/python -m compileall -q pipelines
	@touch $@

# It wants another DuckDB, and pip finds no versions for it in minutes unless it is given them.
$(BENCH)/airbyte/.installed: benchmarks/airbyte.lock $(BENCH)/.installed
	@echo "Installing PyAirbyte into $(BENCH)/airbyte (once) ..."
	@$(PYTHON) -m venv $(BENCH)/airbyte
	@$(BENCH)/airbyte/bin/python $(LOCKED) benchmarks/airbyte.lock --no-deps
	@touch $@

bench: $(BENCH)/airbyte/.installed ## Measure voxlake against its peers and write benchmarks/RESULTS.md (an hour; BEFORE=DIR pairs it with the programs of an earlier one)
	@$(BENCH)/bin/python benchmarks/run.py $(if $(BEFORE),--before $(BEFORE))

layouts: $(VENV)/.tested ## Measure both layouts of the database at LAYOUT_ROWS rows into benchmarks/LAYOUTS.md and docs/scale.md (five minutes)
	@$(BIN)/python benchmarks/layouts.py $(LAYOUT_ROWS:%=--rows %) --results benchmarks/layouts.json --write benchmarks/LAYOUTS.md
	@$(BIN)/python benchmarks/scale.py --write

night: $(VENV)/.installed ## Measure the night of a reseller alone (ACCOUNTS), into its section of benchmarks/RESULTS.md (a quarter of an hour)
	@$(BIN)/python benchmarks/run.py --keep --parts reseller --accounts $(ACCOUNTS)

matrix: $(VENV)/.tested ## Try the lowest and the newest versions that are declared, with each Python (PYTHONS) (needs uv; half an hour)
	@$(BIN)/python tests/support/matrix.py $(PYTHONS)

format: $(VENV)/.tested ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: ## Renew the exact versions and hashes that are installed (needs uv)
	$(UV) pyproject.toml -o requirements.lock
	$(UV) --all-extras -c requirements.lock pyproject.toml -o requirements-all.lock
	echo 'hatchling' | $(UV) - -o requirements-build.lock
	$(UV) --all-extras --group dev -c requirements-all.lock -c requirements-build.lock pyproject.toml -o requirements-dev.lock
	$(UV) --group servers -o requirements-servers.lock
	$(UV) --group spark -o requirements-spark.lock
	echo 'airbyte' | $(UV) - -o benchmarks/airbyte.lock
	echo 'apache-airflow' | $(UV) -c requirements.lock - pyproject.toml -o contrib/airflow.lock
	echo 'dagster' | $(UV) -c requirements.lock - pyproject.toml -o contrib/dagster.lock

$(SPARK)/.installed: requirements-spark.lock
	@echo "Installing Spark and Sail into $(SPARK) (once, 600 MB) ..."
	@$(PYTHON) -m venv $(SPARK)
	@$(SPARK)/bin/python $(LOCKED) requirements-spark.lock --no-compile
	@touch $@

spark: $(VENV)/.tested $(SPARK)/.installed ## Read a lake and its Delta tables by a real Spark, which needs Java 17 or later, and by Sail
	@$(BIN)/python -m pytest -m slow -q tests/journeys/test_engines.py

schema: $(VENV)/.installed ## Write the SQL files and docs/schema.md that follow from the declared fields
	@$(BIN)/python -m voxlake.warehouse.generate
	@$(BIN)/voxlake schema > docs/schema.md

numbering: $(VENV)/.tested ## Take the countries' numbering plans from the library phonenumbers
	@$(BIN)/python tests/support/numbering_plans.py > .numbering && mv .numbering pipelines/voxlake/numbering.py || { rm .numbering; exit 1; }

picture: $(VENV)/.tested ## Draw docs/architecture.svg from the code
	@PYTHONPATH=tests $(BIN)/python -m support.architecture

clean: ## Remove what was installed and built (not data/)
	rm -rf $(VENV) $(SERVERS) $(SPARK) $(BENCH) .venv-matrix tests/sdk/node_modules tests/azure/node_modules build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
