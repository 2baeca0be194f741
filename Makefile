# Everything runs from .venv, which each target makes for itself from pinned wheels.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test lint venv train-tiny clean

demo: $(VENV)/.installed
	$(BIN)/facetalk demo -o out/demo.mp4 --overwrite

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(BIN)/pyright

train-tiny: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -k "train or resume"

venv: $(VENV)/.installed-dev

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) --editable .
	touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt $(VENV)/.installed
	$(INSTALL) --editable '.[train,dev]'
	touch $@

clean:
	rm -rf $(VENV) out build dist
