# The door. `make` alone lists what there is.

PYTHON ?= python3
VENV   := .venv
export CARGO_TARGET_DIR ?= $(CURDIR)/target

.PHONY: help demo install build test lint bench openapi docs release container fmt clean

help: ## List the verbs
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' $(MAKEFILE_LIST)

demo: install ## Build, install into .venv and run a real training pipeline
	@scripts/demo

install: ## Build the wheel and install it into .venv
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@scripts/install $(VENV)/bin/python

build: ## Build the programs for development
	cargo build

test: ## Run every test: the rules of the house, Rust, Python, and the real programs
	@scripts/test

lint: ## Check format, lints and the layer table
	@scripts/lint

bench: ## Measure against floors and peers; prints ratios
	cargo build --release --bins
	$(PYTHON) bench/run.py

openapi: ## Write docs/openapi.json anew from the routes, and the SDK's types of its records
	UPDATE_OPENAPI=1 cargo test --quiet --package stepwell-server --test openapi
	$(PYTHON) scripts/wire.py

docs: ## Build the site of the documentation into target/site
	@test -x target/docs-venv/bin/mkdocs || ($(PYTHON) -m venv target/docs-venv && \
		target/docs-venv/bin/python -m pip install --quiet --disable-pip-version-check "mkdocs-material==9.*")
	@NO_MKDOCS_2_WARNING=1 target/docs-venv/bin/mkdocs build --quiet --strict
	@echo "the site is in target/site: open target/site/index.html"

release: ## Build a wheel that other machines install, and the source, into dist
	@scripts/release

container: ## Build the container image `stepwell` with podman or docker
	@$$(command -v podman || command -v docker) build --file Containerfile --tag stepwell .

fmt: ## Format everything
	cargo fmt --all

clean: ## Remove what was built
	rm -rf target dist $(VENV)
