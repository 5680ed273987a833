# Everything a fresh clone can do. Needs git, make and Python 3.11 or newer; each target does the rest of its set-up itself.
#
#   PYTHON=python3.12   another Python for .venv
#   DEMOARGS="…"        more arguments for `fieldgate demo`, such as --listen 127.0.0.1:9000
#   TESTARGS="…"        more arguments for pytest, such as "-m long" or tests/server, or "-n 0" for one test after the other
#   BENCHARGS="…"       more arguments for the benchmarks

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# What decides which packages are installed: a stamp older than these is made again.
DECLARED := pyproject.toml hatch_build.py

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

.PHONY: help
help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F'|' '{printf "%-14s%s\n", $$1, $$2}'

.PHONY: demo
demo: $(VENV)/.demo ## Run simulated devices, broker, gateway and dashboard; prints the address
	@$(BIN)/fieldgate demo $(DEMOARGS)

.PHONY: test
test: $(VENV)/.dev ## Run all tests, after installing what they need
	@scripts/setup programs
	@# Hundreds of tests start the gateway: where its modules may not be kept compiled, each start takes half a second more.
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -n 3 --dist loadfile $(TESTARGS)

.PHONY: check
check: $(VENV)/.dev ## Check style, types and the layers
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/lint-imports

.PHONY: bench
bench: $(VENV)/.bench ## Measure speed and memory, with the peers beside
	@scripts/setup programs
	@$(BIN)/python -m benchmarks $(BENCHARGS)

.PHONY: clean
clean: ## Remove .venv, caches and whatever was built or fetched
	rm -rf $(VENV) build dist *.egg-info gateway/web/vendor test-results
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find gateway device_sims benchmarks tests -type d -name __pycache__ -prune -exec rm -rf {} +

# A .venv that lost its Python (upgraded away, say) is made anew, and then installed into anew.
ifneq ($(shell test -x $(BIN)/python && echo usable),usable)
.PHONY: $(VENV)/.made
endif
$(VENV)/.made:
	@scripts/setup venv $(VENV) $(PYTHON)
	@touch $@

$(VENV)/.demo: $(VENV)/.made $(DECLARED)
	@echo "Installing Fieldgate into $(VENV) (some minutes the first time on a Raspberry Pi)"
	@$(PIP) install --quiet --editable '.[demo]'
	@touch $@

$(VENV)/.dev: $(VENV)/.made $(DECLARED)
	@echo "Installing Fieldgate and its development tools into $(VENV) (some minutes the first time on a Raspberry Pi)"
	@$(PIP) install --quiet --editable '.[dev,demo]'
	@touch $@ $(VENV)/.demo

$(VENV)/.bench: $(VENV)/.made $(DECLARED)
	@echo "Installing Fieldgate, its development tools and the peers that it is measured against into $(VENV)"
	@$(PIP) install --quiet --editable '.[dev,demo,bench]'
	@touch $@ $(VENV)/.dev $(VENV)/.demo
