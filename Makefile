# make study: everything from a fresh clone to the PDF. make test: everything from a fresh clone to the tests' summary.
.PHONY: study test example lint parity lock

PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

study: .venv/study.installed
	snakemake --cores 4
	@python -c 'import yaml; print("The report: results/%s/report.pdf" % yaml.safe_load(open("config.yaml"))["study"])'

test: .venv/test.installed
	pytest

# The tables, figures and PDF of the finished study that comes with the project; nothing is trained.
example: .venv/study.installed
	python -m analysis results/example/runs.csv --config results/example/config.yaml --out results/example

lint: .venv/test.installed
	ruff check && ruff format --check
	snakefmt --check Snakefile workflow/rules
	snakemake --lint

# Against PyTorch, which is no dependency of the project.
parity: .venv/test.installed
	pip install torch==2.13.0
	pytest tests/parity

# Resolves the newest versions that pyproject.toml allows, for every platform.
lock:
	pip install uv
	uv pip compile --upgrade --universal --generate-hashes --python-version 3.11 --extra study pyproject.toml -o requirements.lock
	uv pip compile --universal --generate-hashes --python-version 3.11 -c requirements.lock --extra study --extra test pyproject.toml -o requirements-test.lock
	uv pip compile --universal --generate-hashes --python-version 3.11 -c requirements.lock pyproject.toml -o requirements-analysis.lock

.venv/study.installed: requirements.lock
	test -d .venv || $(PYTHON) -m venv .venv
	$(BIN)/pip install --require-hashes -r requirements.lock
	touch $@

.venv/test.installed: requirements-test.lock
	test -d .venv || $(PYTHON) -m venv .venv
	$(BIN)/pip install --require-hashes -r requirements-test.lock
	touch $@
