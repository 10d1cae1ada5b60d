# Every target sets itself up. `make quickstart` is the main job end to end; CI runs these same lines.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: quickstart test check format bench clean install
.DEFAULT_GOAL := quickstart

install: $(STAMP)
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python >= 3.11 is needed; try: make PYTHON=python3.12" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[harness,dev]'
	@touch $(STAMP)

quickstart: $(STAMP)
	$(BIN)/guides bench --task image-cls --dataset digits --family mlp --target-acc 0.95 --resume
	$(BIN)/guides lookup --task image-cls --target-acc 0.95

test: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadgroup

check: $(STAMP)
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

bench: $(STAMP)
	$(BIN)/python -m pytest tests/benchmark --override-ini addopts="--strict-markers --import-mode=importlib" --benchmark-json=.benchmarks/latest.json

clean:
	rm -rf $(VENV) build dist .benchmarks .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
