# Everything a stranger needs: `make book` and `make test`. Both set up what they need on a machine with Python 3.11+.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# two processes with two threads each are five times slower than with one each
export OMP_NUM_THREADS ?= 1

.PHONY: book test lint env clean

book: env
	$(BIN)/likeness run
	$(BIN)/likeness check
	$(BIN)/likeness build

test: env
	$(BIN)/python -m pytest -q -n 2 --dist loadfile tests

lint: env
	$(BIN)/ruff check lib tests tools
	$(BIN)/mypy

env: $(VENV)/.installed

$(VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Likeness needs Python 3.11 or newer, this is " + sys.version.split()[0] + ": call make with PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

clean:
	rm -rf _build runs paper_runs/*/tables paper_runs/*/figures paper_runs/*/results*.json paper_runs/*/*.ipynb paper_runs/*/.stamp.json
