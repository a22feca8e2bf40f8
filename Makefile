# Each target does its own set-up, in its own virtual environment, and is quick the second time.
#
#   make run     the main job on drawn images, with its report
#   make test    the tests
#   make lint    format, lint, types, direction of imports
#   make faults  all faults that a test can inject: kills, full disks, damage; half an hour, and a table
#   make audit   known holes of the installed packages, where the service can be reached
#   make horovod Horovod, compiled for the MXNet that is there: needs a C++ compiler (docs/CLUSTER.md)
#   make bench   the measurements whose figures the documents quote
#   make docs    docs/COMMANDS.md anew from the program; make pictures: those of docs/REPORT.md

VENV ?= .venv
EXTRA ?= cpu
PYTHON ?= $(shell for p in python3.11 python3 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' >/dev/null 2>&1 && { echo "$$p"; break; }; done)
BIN := $(VENV)/bin
# Python compiles what it imports; of all that is installed, that is a part.
INSTALL = $(BIN)/python -m pip install --quiet --no-compile

.PHONY: run test faults lint format audit horovod bench docs pictures setup clean

run: $(VENV)/.ready-run
	$(BIN)/python cli.py run-now --demo

# One process for each processor, and one thread in each: the tests' networks are too small to share. Tests that
# share something slow to make are a group (`xdist_group`), which stays in one process.
test: $(VENV)/.ready-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n logical --dist loadgroup $(PYTEST_ARGS)

faults: $(VENV)/.ready-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n logical -m "long or not long" tests/faults $(PYTEST_ARGS)

lint: $(VENV)/.ready-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.ready-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

audit: $(VENV)/.ready-dev
	$(BIN)/python .ci/audit.py $(VENV)

horovod: $(VENV)/.ready-run
	deploy/horovod.sh $(BIN)/python

bench: $(VENV)/.ready-dev
	$(INSTALL) --editable '.[$(EXTRA),dev,lite]'
	$(BIN)/python -m benchmarks

docs: $(VENV)/.ready-dev
	$(BIN)/python -m docs.make.commands > docs/COMMANDS.md.tmp
	mv docs/COMMANDS.md.tmp docs/COMMANDS.md

pictures: $(VENV)/.ready-dev
	$(BIN)/python -m docs.make.pictures

setup: $(VENV)/.ready-dev

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Whisker needs Python 3.11 (MXNet has no newer one): install it, or name it with 'make PYTHON=/path/to/python3.11'."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.ready-run: pyproject.toml | $(BIN)/python
	$(INSTALL) --editable '.[$(EXTRA)]'
	touch $@

$(VENV)/.ready-dev: pyproject.toml | $(BIN)/python
	$(INSTALL) --editable '.[$(EXTRA),dev]'
	touch $(VENV)/.ready-run $@

clean:
	rm -rf $(VENV) $(VENV)-audit build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
