# The door. `make` alone lists what there is.

PYTHON ?= python3
VENV   := .venv
export CARGO_TARGET_DIR ?= $(CURDIR)/target

.PHONY: help demo install build test lint bench openapi fmt clean

help: ## List the verbs
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' $(MAKEFILE_LIST)

demo: install ## Build, install into .venv and run a real training pipeline
	@scripts/demo

install: ## Build the wheel and install it into .venv
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@echo "building and installing stepwell into $(VENV); the first time takes some minutes"
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check .

build: ## Build the programs for development
	cargo build

test: ## Run every test: the rules of the house, Rust, Python, and the real programs
	@scripts/test

lint: ## Check format, lints and the layer table
	@scripts/lint

bench: ## Measure against floors and peers; prints ratios
	cargo build --release --bins
	$(PYTHON) bench/run.py

openapi: ## Write docs/openapi.json anew from the routes
	UPDATE_OPENAPI=1 cargo test --quiet --package stepwell-server --test openapi

fmt: ## Format everything
	cargo fmt --all

clean: ## Remove what was built
	rm -rf target dist $(VENV)
