# Needs python3 (3.11 or newer), pip and make; everything else goes into .venv.
PYTHON ?= python3
PYTEST_ARGS ?= -n 2 --dist worksteal -q
SECONDS ?= 3600
DRAWS ?= 2000
MUTANTS ?= 200
JOBS ?= 2

VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint types contracts docs pytest long bench sweep regret gpu-check fuzz fuzz-together mutants exactness study clean

# The script unmodified under `autopar run --report`, then part of it in the interpreter.
demo: $(VENV)/.demo
	$(BIN)/python examples/demo.py

# What is no test keeps one core busy, so two of these run at once; then the tests take all.
test: $(VENV)/.dev
	$(MAKE) --no-print-directory -j 2 --output-sync=target lint types contracts docs
	$(MAKE) --no-print-directory pytest

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.dev
	$(BIN)/mypy

contracts: $(VENV)/.dev
	$(BIN)/lint-imports --no-cache

pytest: $(VENV)/.dev
	$(BIN)/python -m pytest $(PYTEST_ARGS)

# All that the drawn tests can draw, of which `make test` takes a share: some hours.
long: $(VENV)/.dev
	HYPOTHESIS_PROFILE=nightly $(BIN)/python -m pytest $(PYTEST_ARGS)

# The site, in build/site; a warning is an error.
docs: $(VENV)/.dev
	$(BIN)/python -m sphinx -W --keep-going -q -j auto -c docs -b html . build/site
	@echo 'build/site/docs/index.html'

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.polybench

# Every size from one element to a hundred million, and where the forms cross; a picture.
regret: $(VENV)/.bench
	$(BIN)/python -m benchmarks.regret

sweep: $(VENV)/.bench
	$(BIN)/python -m benchmarks.sweep --figure sweep.svg

gpu-check: $(VENV)/.dev
	$(BIN)/python benchmarks/gpu_check.py

fuzz: $(VENV)/.dev
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS) --least-entered 60 --ledger tests/fuzz/ledger.json
	$(BIN)/python -m tests.fuzz --generator second --seconds $(SECONDS) --least-entered 60 --ledger tests/fuzz/ledger.json
	$(BIN)/python -m tests.fuzz.ledger

# The same with both generators side by side, each fourth campaign on CUDA (Numba's simulator where there is no device).
fuzz-together: $(VENV)/.dev
	$(BIN)/python -m tests.fuzz.together --seconds $(SECONDS) --cuda-every 4

# Faults planted one by one: which of them the tests see. Goes on where it was stopped.
mutants: $(VENV)/.dev
	$(BIN)/python -m tests.mutation --count $(MUTANTS) --least-seen 95

# What autopar says of loops drawn by a generator of its own, held against what they do.
exactness: $(VENV)/.dev
	$(BIN)/python -m tests.exactness --affine --draws $(DRAWS) --jobs $(JOBS)
	$(BIN)/python -m tests.exactness --draws $(DRAWS) --jobs $(JOBS)
	$(BIN)/python -m tests.exactness --generator first --one-sided --draws $(DRAWS) --jobs $(JOBS)
# The notebook study over the small corpus of this repository; results in study/.
study: $(VENV)/.study
	$(BIN)/python -m autopar study --output study examples/corpus

clean:
	rm -rf $(VENV) build dist *.egg-info .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Some distributions ship venv without ensurepip; then the pip outside fills the new environment.
$(BIN)/python:
	$(PYTHON) -m venv $(VENV) || { \
	  $(PYTHON) -m venv --clear --without-pip $(VENV) && \
	  $(PYTHON) -m pip --python $(BIN)/python install --quiet pip; }

# A stamp each: an install is repeated only when pyproject.toml changes.
$(VENV)/.dev: EXTRAS := dev,cuda,demo,docs,study,execute,dask
$(VENV)/.demo: EXTRAS := demo
$(VENV)/.bench: EXTRAS := bench,cuda
$(VENV)/.study: EXTRAS := study
$(VENV)/.dev $(VENV)/.demo $(VENV)/.bench $(VENV)/.study: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[$(EXTRAS)]'
	touch $@
