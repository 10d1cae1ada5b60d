# Every target does its own set-up; CI runs these same lines. Needs Python >= 3.11, make and a package index.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# What the caller's shell happens to hold must not change a result.
unexport PYTHONHOME PYTHONPATH
# Tests and benchmarks run one process per core: a second thread in each would only get in the way.
test check bench: export OMP_NUM_THREADS = 1

.DEFAULT_GOAL := help
.PHONY: help quickstart test check format guidelines bench clean setup

help: ## say what the targets do
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'

quickstart: setup ## size a network for handwritten digits, then look the answer up (the main job, end to end)
	$(BIN)/guides bench --task image-cls --dataset digits --family mlp --target-acc 0.95 --resume
	$(BIN)/guides lookup --task image-cls --dataset digits --target-acc 0.95

test: setup ## run the tests
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadgroup

check: setup ## lint, types, import rules, documentation, workflows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/unit/test_repository.py tests/unit/test_documentation.py
	$(BIN)/zizmor --offline --no-progress --pedantic .github

format: setup ## format the code and mend what ruff can mend
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

guidelines: setup ## make every guideline that ships again, in my-guidelines/ (hours; resumable)
	$(BIN)/python -m harness guidelines

bench: setup ## run the benchmarks; figures go to .benchmarks/latest.json
	@mkdir -p .benchmarks
	$(BIN)/python -m pytest tests/benchmark --override-ini addopts="-ra --strict-markers --strict-config --import-mode=importlib" --benchmark-json=.benchmarks/latest.json

clean: ## remove the environment, builds and caches (records in my-guidelines/ stay)
	rm -rf $(VENV) build dist .benchmarks .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Create the environment, or do nothing where it is as pyproject.toml and constraints.txt want it.
setup:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  is=$$("$(PYTHON)" -c 'import sys; print("Python %d.%d" % sys.version_info[:2])' 2>/dev/null || echo missing); \
	  echo "Python >= 3.11 is needed, '$(PYTHON)' is $$is" >&2; \
	  for other in python3.14 python3.13 python3.12 python3.11; do \
	    if "$$other" -c '' 2>/dev/null; then echo "  found one: make $(MAKECMDGOALS) PYTHON=$$other" >&2; break; fi; \
	  done; \
	  exit 2; \
	}
	@"$(PYTHON)" .ci/setup.py $(VENV)
