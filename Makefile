# A fresh machine needs Python 3.11+ and make; everything else is set up under .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup test test-hsm crash crash-rotation faults lint format bench bench-server bench-rotate demo serve memory clean

help:            ## what can be typed here
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(READY)  ## create .venv with everything that is locked in uv.lock

$(READY): pyproject.toml uv.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9'
	UV_PROJECT_ENVIRONMENT=$(VENV) $(BIN)/uv sync --system-certs --frozen --all-extras --inexact --quiet
	touch $@

test: $(READY)   ## every test, none skipped
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

test-hsm: $(READY) ## key files that a token locks, with SoftHSM (Debian: softhsm2)
	@command -v softhsm2-util >/dev/null || { echo "make test-hsm needs SoftHSM: install the package softhsm2" >&2; exit 2; }
	$(BIN)/python -m pytest -o python_files='hsm_*.py' tests/hsm

crash: $(READY)  ## kill the server at every failpoint and at random (half an hour; KILLS=200 SEED=…)
	$(BIN)/python -m pytest tests/crash --every-act --numprocesses auto --maxprocesses 4 --dist loadfile
	$(BIN)/python -m tests.crash $(if $(KILLS),--kills $(KILLS)) $(if $(SEED),--seed $(SEED))

crash-rotation: $(READY)  ## kill scelle rotate, and the server, while 1,000 containers are rotated (KILLS=50 SEED=…)
	$(BIN)/python -m tests.crash.rotation $(if $(KILLS),--kills $(KILLS)) $(if $(SEED),--seed $(SEED))

faults: $(READY) ## let calls to PostgreSQL and S3 fail in every way (most of an hour; STEP=1: every call)
	$(BIN)/python -m tests.faults $(if $(STEP),--step $(STEP)) $(if $(MINUTES),--minutes $(MINUTES))

demo: $(READY)   ## the whole story: seal, deposit, replace, review, refuse
	$(BIN)/python examples/demo.py

serve: $(READY)  ## a server for trying things out, with its data in demo-data/
	$(BIN)/scelle serve --data demo-data

lint: $(READY)   ## ruff and mypy strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY) ## let ruff rewrite what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)  ## sealing and opening 1 GiB against cp, start-up against a bare Python
	$(BIN)/python benchmarks/seal.py
	$(BIN)/python benchmarks/startup.py

bench-server: $(READY)  ## the server against what it stands on, with real engines (a few minutes)
	$(BIN)/python -m benchmarks.server

bench-rotate: $(READY)  ## rotating the key of 10,000 containers against re-encrypting them (an hour)
	$(BIN)/python -m benchmarks.rotate

memory: $(READY) ## peak memory of sealing and opening 4 GiB (needs 8 GiB of disk)
	$(BIN)/python benchmarks/memory.py

clean:           ## remove what setup and the tests made
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis dist
