# Two commands: `make demo` shows the studio, `make test` proves it.
# ARGS goes to the command, e.g. `make demo ARGS=--once` or `make test ARGS="-k slots"`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

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
	@$(BIN)/masquerade demo $(ARGS)

test: .dev
	@$(BIN)/masquerade models pull --starter
	@$(BIN)/masquerade gallery starter
	@$(BIN)/pytest --numprocesses logical --maxprocesses 4 $(ARGS)

lint: .dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

audit: .dev
	@$(BIN)/python deploy/supply_chain.py licences

sbom: .dev
	@$(BIN)/python deploy/supply_chain.py sbom

eval: .dev
	@$(BIN)/masquerade models pull --starter
	@$(BIN)/python -m training.evaluation.table $(ARGS)

bench:
	@PYTHON="$(PYTHON)" sh deploy/install.sh bench
	@$(BIN)/masquerade models pull --starter
	@$(BIN)/python -m benchmarks.speed $(ARGS)

bench-faces: .dev
	@$(BIN)/masquerade models pull --starter
	@$(BIN)/python -m benchmarks.faces $(ARGS)

drill-cluster: .dev
	@$(BIN)/masquerade models pull --starter
	@$(BIN)/python -m drills.cluster $(ARGS)

drill-bot: .dev
	@$(BIN)/python -m drills.bot $(ARGS)

drill-versions: .dev
	@$(BIN)/masquerade models pull --starter
	@$(BIN)/python -m drills.versions $(ARGS)

.PHONY: .dev
.dev:
	@PYTHON="$(PYTHON)" sh deploy/install.sh dev

LOCK = uv pip compile pyproject.toml requirements/build.in --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet
lock:
	$(LOCK) --extra cpu --output-file requirements/demo.txt
	$(LOCK) --extra cpu --extra cluster --extra traces --output-file requirements/cpu.txt
	$(LOCK) --extra cpu --extra models --extra cluster --extra train --extra traces --extra dev --output-file requirements/dev.txt
	$(LOCK) --extra cpu --extra models --extra cluster --extra train --extra traces --extra dev --extra bench --output-file requirements/bench.txt
	$(LOCK) --extra gpu --extra cluster --extra traces --overrides requirements/gpu-overrides.txt --output-file requirements/gpu.txt

clean:
	rm -rf demo-output .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
