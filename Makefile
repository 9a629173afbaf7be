# Everything there is to do with a checkout. `make help` lists it. Set-up is done once, by whatever needs it first.

VENV ?= .venv
BIN := $(VENV)/bin
# The first Python that is new enough and can make a virtual environment.
PYTHON ?= $(shell for python in python3 python3.11 python3.12 python3.13; do \
	$$python -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

# llama.cpp is compiled for this machine's CPU, without the parts that nothing here uses: half the time.
export CMAKE_ARGS ?= -DLLAVA_BUILD=OFF -DMTMD_BUILD=OFF -DLLAMA_BUILD_TOOLS=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_SERVER=OFF
# What it computes by AMX is wrong, or ends the process.
export CXXFLAGS := -include $(CURDIR)/docker/no_amx.h $(CXXFLAGS)
export CMAKE_BUILD_PARALLEL_LEVEL ?= $(shell nproc 2>/dev/null || echo 2)

# What some tests use, by the names of Debian's packages. See `make system`.
SYSTEM_PACKAGES := asterisk-core-sounds-en asterisk-core-sounds-en-wav espeak-ng prometheus

# make call FIXTURE=dental PROFILE=better · make serve ARGS="--bot my-bot.toml --port 9000"
FIXTURE ?= default
PROFILE ?=
ARGS ?=
# make load CALLS=8 MINUTES=5 TOOL=k6 OUT=docs · make capacity OUT=docs ARGS="--target-ms 800"
CALLS ?= 8
MINUTES ?= 5
TOOL ?= locust
OUT ?=
out := $(if $(OUT),--out $(OUT))
profile := $(if $(PROFILE),--profile $(PROFILE))

.DEFAULT_GOAL := help
.PHONY: help call test serve bench load capacity lint models lock system clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 10

call: models ## play a recorded caller into the bot; the WAV and the JSON go to calls/
	$(BIN)/firstword call --fixture $(FIXTURE) --save calls $(profile) $(ARGS)

test: models ## run the tests
	@test "$$(id -u)" != 0 || $(MAKE) --no-print-directory system || true
	$(BIN)/pytest $(ARGS)

serve: models ## take calls on port 8080
	$(BIN)/firstword serve $(profile) $(ARGS)

bench: models ## the latency report, docs/latency.md: an hour or so, goes on where it stopped
	$(BIN)/firstword bench $(ARGS)

load: models ## hold CALLS callers for MINUTES in the bot, with TOOL=locust or k6; OUT=docs keeps the table
	$(BIN)/python tests/load/run.py --tool $(TOOL) --calls $(CALLS) --minutes $(MINUTES) $(out) $(profile) $(ARGS)

capacity: models ## how many calls this machine carries; OUT=docs keeps the page and its curve
	$(BIN)/firstword capacity $(out) $(profile) $(ARGS)

lint: $(VENV)/ready ## formatting, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

models: $(VENV)/ready ## download the models that are missing
	@$(BIN)/firstword models verify --quick $(profile) >/dev/null 2>&1 || $(BIN)/firstword models pull $(profile)

$(VENV)/ready: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with venv is needed. Debian: apt-get install -y python3 python3-venv"; exit 1; }
	@command -v c++ >/dev/null || command -v g++ >/dev/null || command -v clang++ >/dev/null || \
		{ echo "A C++ compiler is needed: llama.cpp is compiled here. Debian: apt-get install -y build-essential cmake"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade "pip>=24.1"
	@echo "Installing the packages. The first time llama.cpp is compiled: four to ten minutes on two cores."
	env -u MAKEFLAGS -u MAKELEVEL $(BIN)/pip install --quiet --requirement requirements.lock
	PYTHONWARNINGS=ignore $(BIN)/pip install --quiet --no-deps --editable .
	@touch $@

lock: ## choose the newest versions that pyproject.toml allows, for all Pythons
	test -x $(VENV)-lock/bin/uv || { $(PYTHON) -m venv $(VENV)-lock && $(VENV)-lock/bin/pip install --quiet uv; }
	$(VENV)-lock/bin/uv pip compile --quiet --universal --upgrade --python-version 3.11 --extra dev \
		--no-header --no-annotate --no-emit-index-url --output-file requirements.lock pyproject.toml

system: ## install the Debian packages that some tests use (as root)
	@missing=$$(for package in $(SYSTEM_PACKAGES); do \
		dpkg-query --show --showformat '$${db:Status-Status}' $$package 2>/dev/null | grep -qx installed || echo $$package; done); \
	test -z "$$missing" && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing; \
	else echo "missing, to be installed as root: apt-get install -y" $$missing; exit 1; fi

clean: ## remove what make made, but not the models
	rm -rf $(VENV) $(VENV)-lock calls build dist firstword.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
