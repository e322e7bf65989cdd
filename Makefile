# Two commands on a fresh machine: `make ask` answers a question, `make test` runs the suite.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: ask small test test-slow test-lowest gpu-check check mypy pyright docs reference format clean

ask: $(VENV)/.installed
	@echo "question  How many metal things are left of the purple cube?"
	@echo "picture   examples/shapes.png"
	@printf "answer    "
	@$(BIN)/viper ask examples/shapes.png "How many metal things are left of the purple cube?" --models builtin
	@echo "next      step through its program, in a browser (run.html):"
	@echo "          $(BIN)/viper ask examples/shapes.png \"What color is the large cube?\" --trace run.html"

small: $(VENV)/.installed
	$(PIP) -e '.[torch]'
	$(BIN)/viper models pull small

# One thread for each of the two workers: more would only wait for each other, and take twice as long.
test: $(VENV)/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -m "not slow" --durations=25

test-slow: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m slow

# The lowest versions that pyproject.toml allows for the base and for `serve`, in an environment of their own.
test-lowest:
	$(PYTHON) tests/lowest_versions.py .venv-lowest

# On a machine with a CUDA GPU: at most six minutes.
gpu-check: $(VENV)/.installed-dev
	benchmarks/gpu_check.sh

check: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(MAKE) --no-print-directory --jobs=2 mypy pyright

mypy pyright: $(VENV)/.installed-dev
	$(BIN)/$@

docs: reference
	$(BIN)/python -m sphinx -q -W --keep-going -n docs docs/_build
	@echo "The site is docs/_build/index.html" >&2

reference: $(VENV)/.installed-dev
	$(BIN)/python -m docs.tooling.api_page > docs/api.md
	$(BIN)/python -m docs.tooling.cli_page > docs/reference/cli.md
	$(BIN)/python -m docs.tooling.settings_page docs/configuration.md
	$(BIN)/python -m docs.tooling.options_page docs/howto/own-models.md
	$(BIN)/python -m docs.tooling.trace_schema

format: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Viper needs Python 3.11 or newer; try: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "Installing Viper into $(VENV) (the first time takes a few minutes) …" >&2
	$(PIP) -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "Installing Viper with its development extra into $(VENV) …" >&2
	$(PIP) -e '.[dev]'
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) .venv-lowest dist build docs/_build .mypy_cache .ruff_cache .pytest_cache .hypothesis
