# Everything that one does with this repository. `make` alone lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(or $(wildcard $(BIN)/uv),uv)
COMPILE := $(UV) pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"
ARGS ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run setup test check format lock peers bench picture dashboards dashboard-preview clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' Makefile

run: $(VENV)/.runtime ## Run the demo: a simulated province, watched, on this machine alone
	@$(BIN)/channelwatch demo $(ARGS)

setup: $(VENV)/.dev ## Create .venv with everything that tests and checks need

# Compiled files are kept, whatever the environment says: a thousand processes start in the tests.
test: export PYTHONDONTWRITEBYTECODE =
test: $(VENV)/.dev ## Run every test; with CI=true install the tests' peers first (ARGS=... goes to pytest)
	@if [ "$(CI)" = true ]; then tools/install-peers.sh; fi
	@$(BIN)/python -m pytest -o faulthandler_timeout=300 $(ARGS)

check: $(VENV)/.dev ## Check style, types, the import rule and sizes
	@echo "== ruff check";     $(BIN)/ruff check --quiet .
	@echo "== ruff format";    $(BIN)/ruff format --quiet --check --diff .
	@echo "== mypy";           $(BIN)/mypy
	@echo "== import-linter";  $(BIN)/lint-imports --no-logo
	@echo "== sizes";          $(BIN)/python tools/check_sizes.py

format: $(VENV)/.dev ## Put imports and layout in order
	@$(BIN)/ruff check --quiet --select I --fix .
	@$(BIN)/ruff format --quiet .

lock: ## Resolve the dependencies anew into requirements/ (needs uv; ARGS=--upgrade for newer versions)
	@command -v $(UV) >/dev/null || { echo "uv is missing: run \`pip install uv\`, then try again." >&2; exit 1; }
	$(COMPILE) $(ARGS) --extra demo --group build --output-file requirements/runtime.txt
	$(COMPILE) $(ARGS) --extra demo --extra fast --extra postgresql --extra profiles --extra apprise --group build \
		--constraints requirements/runtime.txt --output-file requirements/server.txt
	$(COMPILE) $(ARGS) --all-extras --group dev \
		--constraints requirements/server.txt --output-file requirements/dev.txt

peers: ## Install the Debian programs that the tests talk to (as root or with sudo)
	@tools/install-peers.sh

bench: ## List the benches; `make bench-NAME` runs one
	@for file in bench/*.py; do [ ! -e "$$file" ] || echo "  make bench-$$(basename "$$file" .py | tr _ -)"; done

bench-%: $(VENV)/.dev
	@$(BIN)/python bench/$(subst -,_,$*).py $(ARGS)

picture: $(VENV)/.dev ## Take the picture of the board for the README anew (needs chromium)
	@$(BIN)/python tools/board_picture.py

dashboards: $(VENV)/.dev ## Make the Grafana dashboards anew from dashboards/builder
	@$(BIN)/python -m dashboards.builder

dashboard-preview: $(VENV)/.dev ## Draw each dashboard from a running demo and take its picture (needs prometheus, chromium)
	@$(BIN)/python -m dashboards.preview $(ARGS)

clean: ## Remove .venv and everything that was built or cached
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# dev.txt holds what runtime.txt does at the same versions, so one environment serves both.
$(VENV)/.runtime $(VENV)/.dev: $(VENV)/.%: requirements/%.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || \
		{ echo "$(PYTHON) is missing: run \`apt install python3 python3-venv\`, then try again." >&2; exit 1; }
	@$(PYTHON) tools/setup_env.py $*
	@touch $@ $(if $(filter dev,$*),$(VENV)/.runtime)
