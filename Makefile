# make migrate: set up and migrate.  make test: set up and test.  make demo: a synthetic district to look at.
# Each target sets up what it needs; running one twice does only what changed.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev migrate test test-pgbouncer test-exhaustive check lint types demo run lock clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 18

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "White Cross needs Python 3.11 or newer; name one with: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements/runtime.txt | $(VENV)/bin/python
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/runtime.txt
	@touch $@

$(VENV)/.dev: requirements/dev.txt | $(VENV)/bin/python
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/dev.txt
	@touch $@ $(VENV)/.runtime

setup: $(VENV)/.runtime ## Install what running needs

setup-dev: $(VENV)/.dev ## Install what running and testing need

migrate: setup ## Set up, then create or update the database
	$(PY) manage.py migrate
	$(PY) manage.py verify_schema

# Tests make a thousand databases. On a disk the server waits for it to forget each; in memory it does not. A folder of
# its own lets two runs at once not meet. Without DATABASE_URL, with 3 GB of memory to spare.
IN_MEMORY = if [ -z "$$DATABASE_URL$$WHITECROSS_DATA_DIR" ] && [ -w /dev/shm ] && \
	[ "$$(df -Pk /dev/shm | awk 'NR == 2 { print $$4 }')" -gt 3000000 ]; then \
	folder=$$(mktemp -d /dev/shm/whitecross-XXXXXX) && chmod 711 "$$folder" && trap 'rm -rf "$$folder"' EXIT && \
	export WHITECROSS_DATA_DIR="$$folder/data"; fi;

test: setup-dev ## Set up, then run every test, or those of TESTS="tests/core ..."
	@$(IN_MEMORY) $(PY) -m pytest --numprocesses auto --dist loadscope --no-loadscope-reorder $(TESTS)

test-pgbouncer: setup-dev ## The same through PgBouncer in transaction mode
	@$(IN_MEMORY) $(PY) -m tests.deployment.pooling --numprocesses auto --dist loadscope --no-loadscope-reorder $(TESTS)

THOROUGH = tests/deployment/procedure/test_ways_back.py tests/deployment/migrating/test_killed.py \
	tests/deployment/replica/test_own_writes.py

test-exhaustive: setup-dev ## Before a release: killed at every statement, back from every migration to every other
	@$(IN_MEMORY) WHITECROSS_EXHAUSTIVE=1 WRITES_READ_BACK=10000 $(PY) -m pytest --numprocesses auto \
		--dist loadscope --no-loadscope-reorder --timeout 0 $(THOROUGH)

check: setup-dev lint types ## Everything CI checks but the tests
	$(PY) manage.py makemigrations --check --dry-run
	$(PY) manage.py check_migrations

lint: setup-dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

types: setup-dev
	$(PY) -m mypy

run: setup ## Serve the site on http://127.0.0.1:8000/
	$(PY) manage.py runserver

demo: setup ## Migrate, fill in 2,000 synthetic students, make a superuser, serve
	$(PY) manage.py migrate
	$(PY) manage.py demo

lock: ## Pin the dependencies of pyproject.toml again, with hashes (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --quiet --output-file requirements/runtime.txt
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --quiet --constraint requirements/runtime.txt --output-file requirements/dev.txt
