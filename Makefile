# Anlin. `make run` and `make test` need nothing but Python 3.11 or newer.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
.DEFAULT_GOAL := help
.PHONY: help run setup setup-dev system test check bench faults pins rasa test-rasa clean

help: ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: setup ## set up and start on http://127.0.0.1:8080
	$(BIN)/anlin run

setup: $(VENV)/.ready $(VENV)/.trained ## only the set-up (quick when there is nothing to do)

$(VENV)/.ready: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Anlin needs Python 3.11 or newer; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

TRAINING := $(wildcard nlu/training/*.yml nlu/training_emergency/*.yml nlu/emergency* data/faq/*.md) flows/faq_search.py $(addprefix nlu/,train.py builtin.py listener.py kernel.py features.py encoder.py pinyin.py cues.yml)
$(VENV)/.trained: $(VENV)/.ready $(TRAINING)
	$(BIN)/python -m nlu.train var/nlu
	$(BIN)/python -m flows.faq_search var/nlu
	@touch $@

setup-dev: setup $(VENV)/.ready-dev
$(VENV)/.ready-dev: requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.txt
	@touch $@

# What tests need from the system: a browser, letters for Chinese in it, and an MQTT broker.
system:
	@if ! command -v chromium >/dev/null || ! fc-list :lang=zh 2>/dev/null | grep -q . || ! { command -v mosquitto || test -x /usr/sbin/mosquitto; } >/dev/null; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-noto-cjk fontconfig mosquitto >/dev/null; \
	  else \
	    echo "The tests need Chromium, a Chinese font and Mosquitto: on Debian, apt-get install chromium fonts-noto-cjk fontconfig mosquitto"; exit 2; \
	  fi; fi

test: setup-dev system check ## set up and run all tests
	$(BIN)/python -m pytest tests/unit tests/integration tests/browser -n 2 --dist loadfile
	$(BIN)/python -m pytest tests/scenarios tests/faults

check: setup-dev ## formatting, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup-dev ## the measurements
	$(BIN)/python -m bench

faults: setup-dev ## kill and restart, many times (in full: make faults ROUNDS=50)
	$(BIN)/python -m pytest tests/faults -s --rounds $(or $(ROUNDS),50)

# Rasa's environment (2.7 GB, Python 3.10) and its models: outside the checkout, made once, named by what they are made of.
# RASA_PYTHON=/path/to/python3.10 names an interpreter that is not found by itself.
RASA_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/anlin/rasa
RASA_PORT ?= 5005
export RASA_CACHE

rasa: setup ## train a Rasa server from our sentences and run it on http://127.0.0.1:5005
	$(BIN)/python -m nlu.rasa_server serve --port $(RASA_PORT)

test-rasa: setup-dev ## test against a Rasa server that really runs
	$(BIN)/python -m pytest tests/rasa

pins: setup-dev ## pin the newest versions again
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header requirements.in -o requirements.txt
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header requirements-dev.in -o requirements-dev.txt
	$(BIN)/uv pip compile --quiet --upgrade --python-platform linux --python-version 3.10 --generate-hashes --no-header nlu/rasa/requirements.in -o nlu/rasa/requirements.txt
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header bench/requirements-times.in -o bench/requirements-times.txt

clean: ## remove what was set up, not the data
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
