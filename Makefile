# make run    installs, then migrates the built-in sample into an embedded PostgreSQL
# make test   everything that must hold, in about 20 minutes on 2 cores
# make test-full   the whole fault harness, too: one to two hours
# make mutants  changes the code one place at a time and sees a test fail; ONLY=ledger, SHARE=0.1
# make coverage   how much of the code the tests of make test run
# make release   dist/: wheel, sdist, one file that needs Python alone, and a list of what is in it
# make bench  how long a migration takes, beside its peers; FULL=1 with 10^7 messages, ROWS="1000 5000"
# make bench-fleet  what a tenant of a fleet costs; TENANTS=200, MANY=10000
PYTHON ?= python3
WORK   ?= work
DIST   ?= dist
VENV   := .venv
BIN    := $(VENV)/bin
# Where bytecode may not be kept, each of the tests' thousand commands compiles all of ours anew.
unexport PYTHONDONTWRITEBYTECODE
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: install install-sample install-dev install-bench install-release run test test-full bench bench-fleet lint coverage mutants reasons schemas lock release clean
.DEFAULT_GOAL := run

install: $(VENV)/.installed
install-sample: $(VENV)/.installed-sample
install-dev: $(VENV)/.installed-dev
install-bench: $(VENV)/.installed-bench
install-release: $(VENV)/.installed-release

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name one with PYTHON=..."; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing $$(grep -c == requirements.lock) pinned packages into $(VENV): about 100 MB to download, 330 MB on the disk"
	$(PIP) install --no-deps --require-hashes -r requirements.lock
	$(PIP) install --no-deps --editable .
	@touch $@

$(VENV)/.installed-sample: requirements-sample.lock $(VENV)/.installed
	$(PIP) install --no-deps --require-hashes -r requirements-sample.lock
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	$(PIP) install --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

$(VENV)/.installed-bench: requirements-bench.lock $(VENV)/.installed-dev
	$(PIP) install --no-deps --require-hashes -r requirements-bench.lock
	@touch $@

$(VENV)/.installed-release: requirements-release.lock | $(VENV)/bin/python
	$(PIP) install --no-deps --require-hashes -r requirements-release.lock
	@touch $@

run: install-sample
	$(BIN)/migrate run --config config.toml --work $(WORK) --yes

# docs/reasons.md, from the register of codes
reasons: $(VENV)/.installed
	$(BIN)/python -m mappers.reasons > docs/reasons.md

# What `migrate init` adds to its drafts, so that an editor checks them
schemas: $(VENV)/.installed
	$(BIN)/migrate config --json-schema mapping > mappers/declarative/mapping.schema.json
	$(BIN)/migrate config --json-schema config > migrate/runtime/config.schema.json

lint: install-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

test: lint
	$(BIN)/pytest -n 2 --dist loadgroup -m "not slow"

test-full: lint
	$(BIN)/pytest -n 2 --dist loadgroup

coverage: lint
	$(BIN)/pytest -n 2 --dist loadgroup -m "not slow" --cov --cov-report=term:skip-covered --cov-fail-under=90

bench-fleet: install-bench
	$(BIN)/python -m benchmarks fleet $(if $(TENANTS),--tenants $(TENANTS)) $(if $(MANY),--many $(MANY))

mutants: install-dev
	$(BIN)/python -m tests.mutants $(if $(ONLY),--only $(ONLY)) $(if $(SHARE),--share $(SHARE))

bench: install-bench
	$(BIN)/python -m benchmarks run $(if $(FULL),--full) $(addprefix --rows ,$(ROWS))

# Nothing is uploaded. The file migrate.pyz holds the packages of this system: it unpacks itself into
# ~/.shiv when it is started for the first time.
release: install-release
	rm -rf $(DIST) && mkdir -p $(DIST)/site
	$(BIN)/hatchling build -d $(DIST)
	$(BIN)/twine check --strict $(DIST)/*.whl $(DIST)/*.tar.gz
	$(BIN)/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --output-reproducible -o $(DIST)/sbom.cdx.json
	$(PIP) install --no-deps --require-hashes --target $(DIST)/site -r requirements.lock
	$(PIP) install --no-deps --upgrade --target $(DIST)/site $(DIST)/*.whl
	$(BIN)/shiv --site-packages $(DIST)/site --console-script migrate --reproducible --extend-pythonpath -o $(DIST)/migrate.pyz
	rm -rf $(DIST)/site
	@ls -l $(DIST)

lock: install-dev
	$(PIP) install uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet \
	  pyproject.toml --extra ws -o requirements.lock
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet \
	  --group sample -o requirements-sample.lock
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet \
	  pyproject.toml --extra ws --group dev -c requirements-sample.lock -o requirements-dev.lock
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet \
	  pyproject.toml --extra ws --group bench -c requirements-dev.lock -o requirements-bench.lock
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet \
	  --group release -c requirements-dev.lock -o requirements-release.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .import_linter_cache .pytest_cache .coverage dist
