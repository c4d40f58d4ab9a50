# Each target below does all of its own set-up, in .venv.
# PYTHON: the interpreter to build .venv with; the newest supported one found, unless set.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTEST_ARGS ?=

KILLS ?= 500
FILES ?= 10000

.PHONY: help demo test test-spam soak fuzz bench check format lock wheel clean

help:  ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found; set PYTHON=/path/to/python3"; exit 1; }
	@echo "Setting up $(VENV) with $$($(PYTHON) --version) (once; about half a minute)"
	@$(PYTHON) -m venv $(VENV) || { echo "this Python cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY)  ## take the bundled issue through all of it, on loopback only
	@$(BIN)/dispatch demo

test: $(READY)  ## run the tests
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

test-spam: $(READY)  ## ask SpamAssassin (Debian's, without the network) about our mails
	@command -v spamassassin >/dev/null || { echo "spamassassin was not found; on Debian and Ubuntu: apt install spamassassin"; exit 1; }
	@$(BIN)/python -m pytest -q -n0 -s tests/spam

soak: $(READY)  ## kill the sending program hundreds of times; KILLS=N for another number
	@$(BIN)/python -m tests.acceptance.killing --kills $(KILLS)
	@$(BIN)/python -m tests.acceptance.killing --kills $$(($(KILLS) > 100 ? $(KILLS) / 10 : 10)) --database postgresql

fuzz: $(READY)  ## read thousands of damaged files; FILES=N for another number
	@$(BIN)/python -m tests.intake.fuzz --files $(FILES)

bench: $(READY)  ## measure beside limits and peers; a table each
	@for file in benchmarks/*.py; do $(BIN)/python $$file || exit 1; done

check: $(READY)  ## ruff, mypy, the layers, the documentation
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest -q tests/docs

format: $(READY)  ## put the code in form
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock:  ## renew the lock files (needs uv)
	@uv pip compile --quiet --universal --python-version 3.11 --extra postgresql --group dev pyproject.toml \
		--no-emit-index-url --no-annotate --generate-hashes --custom-compile-command "make lock" -o requirements.lock
	@uv pip compile --quiet --universal --python-version 3.11 --extra postgresql --extra ocr --group dev pyproject.toml \
		--constraint requirements.lock \
		--no-emit-index-url --no-annotate --generate-hashes --custom-compile-command "make lock" -o requirements-ocr.lock

wheel: $(READY)  ## build the wheel and the sdist
	@$(BIN)/python -m build --no-isolation

clean:  ## remove what was built
	@rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache
