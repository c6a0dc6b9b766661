# All that is needed is Python 3.11 or later; everything else goes into .venv.

PYTHON ?= $(firstword $(foreach p,python3 python3.14 python3.13 python3.12 python3.11,$(shell \
	$(p) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(p))))
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help run test test-slow check bench examples clean

help:           ## list the targets
	@sed -n 's/^\([a-z-]*\): .*## \(.*\)/make \1\t\2/p' Makefile | expand -t 18

run: .venv/run.done             ## serve the app on 127.0.0.1
	$(BIN)/python -m streamlit run app.py --server.address 127.0.0.1

test: .venv/dev.done            ## everyday tests, the browser's included (minutes)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile

test-slow: .venv/dev.done       ## tests that take long; run before a release
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow -n 2 --dist loadfile

check: .venv/dev.done           ## lint and types
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: .venv/dev.done           ## measure the speed of training, pages and polling
	$(BIN)/python -m tests.benchmarks

examples: .venv/dev.done        ## compute the examples of a new store anew
	$(BIN)/python -m tests.make_examples

clean:          ## remove .venv; the store and the data stay
	rm -rf .venv

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed. Install it, or name it: make PYTHON=/path/to/python"; exit 1; }
	$(PYTHON) -m venv .venv || { rm -rf .venv; echo "On Debian and Ubuntu: apt install python3-venv"; exit 1; }

.venv/run.done: .venv/bin/python requirements.txt
	@echo "Installing into .venv: several GB and minutes the first time."
	$(PIP) -r requirements.txt
	@touch $@

.venv/dev.done: .venv/run.done requirements-dev.txt
	$(PIP) -r requirements-dev.txt
	@touch $@
