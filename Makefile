# make demo   set everything up and see a whole night on a small synthetic library
# make test   set everything up and run all checks and tests
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Processes that run the tests; each that comes to TensorFlow takes 1 to 2 GB.
JOBS := 2

.PHONY: setup demo test quick lint bench soak clean

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,postgres]'
	touch $(READY)

demo: $(READY)
	$(BIN)/tagger demo

test: $(READY) lint
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

# Work in progress: no TensorFlow, no whole commands.
quick: $(READY)
	$(BIN)/python -m pytest -q -m 'not slow' -x

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)
	$(BIN)/python -m bench

# An hour or so: kills, hostile files, faults of the disk. Needs nothing that `make test` does not.
soak: $(READY)
	$(BIN)/python -m soak

clean:
	rm -rf $(VENV) tagger-demo build dist .pytest_cache .mypy_cache .ruff_cache
