# make demo | test | check | gate | audit | container-steps | format | serve | eval: each sets up what it needs in .venv and may be run first.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: demo test check gate audit container-steps format serve eval setup clean

demo: $(READY)
	$(BIN)/search --sample "rare earth export ban"

test: $(READY)
	$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

gate: $(READY)
	$(BIN)/search-eval gate seeds --baseline eval/baselines/sample.jsonl

# Known vulnerabilities of what is pinned; what the package index cannot say about is named.
audit: constraints.txt
	$(PYTHON) -m venv .audit
	.audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1
	.audit/bin/pip-audit -r constraints.txt --no-deps --disable-pip --progress-spinner off

# What the Dockerfile does, without Docker; as root, since it becomes another user. Takes minutes.
container-steps:
	$(PYTHON) .ci/container-steps

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

serve: $(READY)
	$(BIN)/search-serve

eval: $(READY)
	$(BIN)/search-eval run seeds

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[eval,parquet,mcp,dev]'
	touch $(READY)

clean:
	rm -rf .venv .audit .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis dist build
