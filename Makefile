# Two commands: `make demo` shows the studio, `make test` proves it.
# ARGS goes to the command, e.g. `make demo ARGS=--once` or `make test ARGS="-k slots"`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Scripts in $(BIN) name the folder that .venv was made in, which is another one where it was moved.
RUN := $(BIN)/python -m
# Another project's packages are none of ours.
unexport PYTHONPATH PYTHONHOME

.PHONY: help demo test lint audit sbom eval bench bench-faces drill-bot drill-cluster drill-versions lock clean

help:
	@echo "make demo        install what the studio needs, show every capability, serve on 127.0.0.1:8000"
	@echo "make test        install everything, run all tests"
	@echo "make lint        ruff, mypy strict, import contracts"
	@echo "make audit       list the licences of everything installed; fails when one needs a decision"
	@echo "make sbom        write sbom.cdx.json, a CycloneDX bill of materials"
	@echo "make eval        styles and authenticity against their bars, in one table (research data: MASQUERADE_DATA)"
	@echo "make bench       measure speed beside FastAPI, LitServe, BentoML and others (installs them)"
	@echo "make bench-faces measure the face systems on research data (MASQUERADE_DATA)"
	@echo "make drill-cluster  kill parts of a studio, overload it, let load come and go, change its code: nobody is let down"
	@echo "make drill-bot   kill the bot, crowd it and cheat it at the till: nothing lost, nothing doubled"
	@echo "make drill-versions  change model versions under load, spoil them and kill what serves them: nobody notices"
	@echo "make lock        write requirements/*.txt anew from pyproject.toml"
	@echo "make clean       remove caches and demo-output (models in var/ stay)"

demo:
	@PYTHON="$(PYTHON)" sh deploy/install.sh demo
	@$(RUN) serve_app demo $(ARGS)

test: .dev
	@$(RUN) serve_app models pull --starter
	@$(RUN) serve_app gallery starter
	@$(RUN) pytest --numprocesses logical --maxprocesses 4 $(ARGS)

lint: .dev
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@$(RUN) mypy
	@$(BIN)/python $(BIN)/lint-imports

audit: .dev
	@$(BIN)/python deploy/supply_chain.py licences

sbom: .dev
	@$(BIN)/python deploy/supply_chain.py sbom

eval: .dev
	@$(RUN) serve_app models pull --starter
	@$(RUN) training.evaluation.table $(ARGS)

bench:
	@PYTHON="$(PYTHON)" sh deploy/install.sh bench
	@$(RUN) serve_app models pull --starter
	@$(RUN) benchmarks.speed $(ARGS)

bench-faces: .dev
	@$(RUN) serve_app models pull --starter
	@$(RUN) benchmarks.faces $(ARGS)

drill-cluster: .dev
	@$(RUN) serve_app models pull --starter
	@$(RUN) drills.cluster $(ARGS)

drill-bot: .dev
	@$(RUN) drills.bot $(ARGS)

drill-versions: .dev
	@$(RUN) serve_app models pull --starter
	@$(RUN) drills.versions $(ARGS)

.PHONY: .dev
.dev:
	@PYTHON="$(PYTHON)" sh deploy/install.sh dev

LOCK = uv pip compile pyproject.toml requirements/build.in --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet
lock:
	@command -v uv >/dev/null || { echo "uv is missing, which resolves the locks: https://docs.astral.sh/uv/getting-started/installation/" >&2; exit 2; }
	$(LOCK) --extra cpu --output-file requirements/demo.txt
	$(LOCK) --extra cpu --extra cluster --extra traces --output-file requirements/cpu.txt
	$(LOCK) --extra cpu --extra models --extra cluster --extra train --extra traces --extra dev --output-file requirements/dev.txt
	$(LOCK) --extra cpu --extra models --extra cluster --extra train --extra traces --extra dev --extra bench --output-file requirements/bench.txt
	$(LOCK) --extra gpu --extra cluster --extra traces --overrides requirements/gpu-overrides.txt --output-file requirements/gpu.txt

clean:
	rm -rf demo-output .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
