# make demo   an environment, a simulated cohort, a repository made from it, counts and what it took
# make test   an environment with everything the tests need, and all checks
# make fuzz   mutated input for the scanner, the header and the block reader, SECONDS=60 of it
#
# Needs python3 (3.11 or newer) with venv and pip; PYTHON=python3.12 chooses another one.

PYTHON ?= python3
VENV ?= .venv
JOBS ?= 2

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

BIN := $(VENV)/bin
# The tested versions, where there is a list of them for this Python.
PYTHON_VERSION := $(shell $(PYTHON) -c 'import sys; print("%d%d" % sys.version_info[:2])')
PINS := $(wildcard constraints-py$(PYTHON_VERSION).txt)
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check $(addprefix -c ,$(PINS))

.PHONY: help demo test lint format docs bench-quick fuzz clean

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile
	@echo 'make lint, format, docs (docs/cli.md), bench-quick, clean'

# Environment: one folder, and a stamp for each set of packages in it

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.simulate: pyproject.toml $(PINS) | $(BIN)/python
	@echo 'installing varstore into $(VENV)'
	@$(INSTALL) -e '.[simulate]'
	@touch $@

$(VENV)/.test: pyproject.toml $(PINS) | $(BIN)/python
	@echo 'installing varstore and what its tests need into $(VENV)'
	@$(INSTALL) -e '.[test]'
	@touch $@

$(VENV)/.bench: $(VENV)/.test
	@echo 'installing what the benchmarks need into $(VENV)'
	@$(INSTALL) -e '.[bench]'
	@touch $@

# zarr-python 2 reads the batches too: the codec's tests run there as well.
ZARR2 := $(VENV)-zarr2
$(ZARR2)/.ready:
	$(PYTHON) -m venv $(ZARR2)
	@echo 'installing zarr-python 2 into $(ZARR2)'
	@$(ZARR2)/bin/python -m pip install --quiet --disable-pip-version-check 'zarr>=2.18,<3' 'numba>=0.61'
	@touch $@

# Demonstration

DEMO_OPTIONS = --samples 5000 --variants 20000
DEMO_VCF := demo/cohort.vcf.gz
DEMO_REPO := demo/cohort.varstore
# $(call timed,NAME,COMMAND): run it, and keep in demo/NAME.time how long it took.
timed = TIMEFORMAT='%1R'; { time $(2) 2>&3; } 3>&2 2>demo/$(1).time

$(DEMO_VCF): tools/simulate.py | $(VENV)/.simulate
	@mkdir -p demo
	@echo 'simulating a cohort: tools/simulate.py $@ $(DEMO_OPTIONS)'
	@$(call timed,simulate,$(BIN)/python tools/simulate.py $@ $(DEMO_OPTIONS))

# A small repository, made and asked.
COMPILE = ($(BIN)/varstore create $(SMALL).varstore $(SMALL).vcf.gz && $(BIN)/varstore count $(SMALL).varstore -s S000000) \
  > $(SMALL).log 2>&1 || { cat $(SMALL).log >&2; false; }
SMALL := demo/small

$(DEMO_REPO)/HEAD: $(DEMO_VCF)
	@rm -rf $(@D) $(SMALL).varstore
	@$(BIN)/python tools/simulate.py $(SMALL).vcf.gz --samples 1000 --variants 2000
	@echo 'compiling the kernels: once, numba keeps them'
	@$(call timed,compile,bash -c '$(COMPILE)')
	@echo 'varstore create $(@D) $<'
	@$(call timed,create,$(BIN)/varstore create $(@D) $<)

define SIZES
import pathlib, sys
for name in sys.argv[1:]:
    path = pathlib.Path(name)
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    print(f"{sum(file.stat().st_size for file in files) / 1e6:8.2f} MB  {name}")
endef
export SIZES

demo: $(DEMO_REPO)/HEAD
	@$(BIN)/varstore samples $(DEMO_REPO) --set demo/cohort.samples.tsv
	@echo; echo '$$ varstore info $(DEMO_REPO)'
	@$(BIN)/varstore info $(DEMO_REPO)
	@echo; echo '$$ varstore count $(DEMO_REPO) | head -n 5'
	@$(call timed,count,$(BIN)/varstore count $(DEMO_REPO) -o demo/counts.tsv)
	@head -n 5 demo/counts.tsv
	@echo; echo '$$ varstore count $(DEMO_REPO) -r 22:1-300 --by population'
	@$(call timed,cohorts,$(BIN)/varstore count $(DEMO_REPO) -r 22:1-300 --by population)
	@echo
	@printf '%8s s   %s\n' \
	  "$$(cat demo/simulate.time)" 'simulating the cohort: $(DEMO_OPTIONS)' \
	  "$$(cat demo/compile.time)" 'compiling the kernels, once' \
	  "$$(cat demo/create.time)" 'varstore create, a whole process' \
	  "$$(cat demo/count.time)" 'varstore count, every site, a whole process' \
	  "$$(cat demo/cohorts.time)" 'varstore count, three cohorts in a region, a whole process'
	@$(BIN)/python -c "$$SIZES" $(DEMO_VCF) $(DEMO_REPO) $(DEMO_REPO)/batches/*/call_genotype
	@echo; echo 'Go on with: . $(BIN)/activate; varstore --help; README.md'

# Checks

lint: $(VENV)/.test
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/python tools/check_layers.py
	$(BIN)/python tools/cli_reference.py --check

# Repositories that tests make are synced to disk file by file: in memory, where 8 GB of it are free, that costs nothing.
# The tests start many processes: none compiles Python's bytecode for itself, PYTHONDONTWRITEBYTECODE or not.
# Each worker takes half of the tests in order, so that it makes what a file's tests share once; who is done helps.
FAST_FOLDER := /dev/shm
test: lint $(ZARR2)/.ready
	@$(BIN)/python -m compileall -q src
	free=$$(df --output=avail -k $(FAST_FOLDER) 2> /dev/null | tail -n 1 || true); \
	if [ "$${free:-0}" -gt 8000000 ]; then within=$(FAST_FOLDER); else within=$${TMPDIR:-/tmp}; fi; \
	folder=$$(mktemp -d "$$within/varstore-tests-XXXXXX"); \
	trap 'rm -rf "$$folder"' EXIT; \
	VARSTORE_ZARR2_PYTHON=$(abspath $(ZARR2)/bin/python) $(BIN)/pytest -n $(JOBS) --dist worksteal --basetemp "$$folder/pytest"

format: $(VENV)/.test
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

# Every benchmark once, on small data: they still work; the figures mean little.
ASV_CONFIG = $(firstword $(wildcard asv.conf.json benchmarks/asv.conf.json))
bench-quick: $(VENV)/.bench
	$(BIN)/asv --config $(ASV_CONFIG) machine --yes --machine quick
	$(BIN)/asv --config $(ASV_CONFIG) run --quick --show-stderr --dry-run --python=same --machine quick
	$(BIN)/python benchmarks/peers.py --quick

# Bounds-checked kernels on mutated input; the same SEED gives the same inputs. tools/fuzz.py --atheris goes further.
SECONDS_OF_FUZZ = $(if $(filter command,$(firstword $(origin SECONDS))),$(SECONDS),60)
SEED ?= 1
fuzz: $(VENV)/.test
	$(BIN)/python tools/fuzz.py --seconds $(SECONDS_OF_FUZZ) --seed $(SEED)

docs: $(VENV)/.test
	$(BIN)/python tools/cli_reference.py

clean:
	rm -rf $(VENV) $(ZARR2) demo .mypy_cache .pytest_cache .ruff_cache .hypothesis .asv
