# Everything lives in .venv and .demo; every target is safe to repeat.
PYTHON ?= python3
BIN := .venv/bin
WORKERS ?= 2
CLUSTER := docker compose --file docker-compose.cluster.yml

.PHONY: run test test-slow test-cluster check clean

run: .venv/run.stamp        ## install, then serve the sample gallery at http://localhost:8080
	$(BIN)/lookalike demo --folder .demo $(ARGS)

test: .venv/test.stamp      ## install what tests need, then run them
	$(BIN)/python -m pytest -m "not slow" -n $(WORKERS) --dist loadfile $(ARGS)

test-slow: .venv/test.stamp ## the tests that take many seconds each
	$(BIN)/python -m pytest -m slow -n $(WORKERS) --dist loadfile $(ARGS)

test-cluster: .venv/test.stamp ## the store's tests on QDRANT_URL, or else on three Qdrant nodes that Docker starts
	@if [ -n "$$QDRANT_URL" ]; then $(BIN)/python -m pytest tests/stores -k "server" $(ARGS); else \
	trap '$(CLUSTER) down --volumes' EXIT; \
	$(CLUSTER) up --detach && $(BIN)/python tests/stores/cluster_ready.py http://localhost:6333 3 && \
	QDRANT_URL=http://localhost:6333 $(BIN)/python -m pytest tests/stores -k "server" $(ARGS); fi

check: .venv/check.stamp    ## lint, formatting, types (installs PyTorch, whose types the training room needs)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:                      ## remove what the targets above made
	rm -rf .venv .demo

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/run.stamp: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[demo]'
	touch $@

.venv/check.stamp: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[demo,test,train]'
	touch $@

.venv/test.stamp: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[demo,test]'
	touch $@
