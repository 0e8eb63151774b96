# make study: everything from a fresh clone to the PDF (GPU=1: with one run at a time on a GPU). make test: to the summary of the tests.
.PHONY: study test example lint mutants unchanged parity fuzz simulations interruption slurm benchmarks audit licences lock pythons wheels gpu-check

# The first of these for which every package in the locks is built; pyproject.toml says the same.
FITS := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
PYTHON ?= $(firstword $(foreach each,python3 python3.13 python3.12 python3.11,\
  $(shell $(each) -c '$(FITS)' 2> /dev/null && echo $(each))))
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

study: .venv/$(if $(GPU),gpu,study).installed
	snakemake --cores 4 $(if $(GPU),--resources gpu=$(GPU) --configfile=workflow/gpu.yaml)
	@python -c 'import yaml; print("The report: results/%s/report.pdf" % yaml.safe_load(open("$(if $(GPU),workflow/gpu,config).yaml"))["study"])'

test: .venv/test.installed
	pytest --numprocesses 2 --dist loadfile

# The tables, figures and PDF of the finished study that comes with the project; nothing is trained.
example: .venv/study.installed
	python -m analysis results/example/runs.csv --config results/example/config.yaml --out results/example

lint: .venv/test.installed
	ruff check && ruff format --check
	mypy
	snakefmt --check Snakefile workflow/rules
	snakemake --lint

# Whether the working tree makes the same of the example, byte by byte, as the code of BASE.
BASE ?= HEAD
unchanged: .venv/test.installed
	python -m tests.unchanged $(BASE)

# What takes too long for every change. PyTorch's builds differ from index to index: its version can be
# pinned, but no hash.

# Against PyTorch: conversions and logits.
parity: .venv/test.installed
	pip install torch==2.13.0
	pytest tests/parity

# Hostile configurations and tables by the thousand; tests/fuzz/README.md says what must hold.
fuzz: .venv/test.installed
	pytest tests/fuzz --hypothesis-profile=fuzz

# Small faults put into the code: which ones the unit tests notice. Two hours on two cores.
mutants: .venv/test.installed
	python -m tests.mutants

# Whether tests, intervals and power keep what they promise, in simulated studies.
simulations: .venv/test.installed
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python -m tests.simulation

# What docs/gpu.md says of a GPU, on one.
gpu-check: .venv/gpu.installed
	python -m tests.benchmarks.gpu_check

# Fifty kills at random moments.
interruption: .venv/test.installed
	KILLS=50 pytest -s tests/workflow/test_interruption.py

# The study on a Slurm of this machine; as root.
slurm: .venv/test.installed
	tests/cluster/slurm.sh

# How fast, beside other programs: docs/benchmarks.md. Takes two and a half hours; STUDY has to be finished.
STUDY ?= results/reviews
BENCHMARK = .venv-benchmarks/bin/python -m tests.benchmarks
MEASURED = tests/benchmarks/results
benchmarks: .venv-benchmarks/installed
	$(BENCHMARK).grid_vs_keras_tuner $(STUDY) --warm-only --out $(MEASURED)/grid_vs_keras_tuner.json
	$(BENCHMARK).threads $(STUDY) --out $(MEASURED)/threads.json
	$(BENCHMARK).steady_state $(STUDY) --model full --steps 16 --out $(MEASURED)/steady_state_full.json
	.venv-benchmarks/bin/snakemake --cores 4 --configfile tests/benchmarks/long_epochs.yaml --until make_baseline draw_split
	$(BENCHMARK).grid_vs_pytorch results/long-epochs --config tests/benchmarks/long_epochs.yaml \
	  --out $(MEASURED)/grid_vs_pytorch_long_epochs.json
	$(BENCHMARK).steady_state $(STUDY) --model embedded --out $(MEASURED)/steady_state_embedded.json
	for name in startup no_op; do \
	  $(BENCHMARK).$$name $(STUDY) --out $(MEASURED)/$$name.json || exit 1; done
	for name in planning_scale gather_scale full_size memory augmentation; do \
	  $(BENCHMARK).$$name --out $(MEASURED)/$$name.json || exit 1; done
	$(BENCHMARK).grid_vs_pytorch $(STUDY) --out $(MEASURED)/grid_vs_pytorch.json
	$(BENCHMARK).table $(MEASURED)/*.json

# --strict, since pip-audit otherwise calls it a success when the service cannot be reached.
audit: .venv-tools/tools.installed
	.venv-tools/bin/pip-audit --strict --disable-pip --require-hashes $(addprefix --requirement ,$(wildcard requirements*.lock))

licences: .venv/test.installed .venv-tools/tools.installed
	pip install --require-hashes -r requirements-benchmarks.lock
	python docs/licences.py .venv .venv-tools

# The unit tests with every Python that fits, each in an environment of its own: .venv-3.11, …
PYTHONS ?= python3.11 python3.12 python3.13
pythons:
	@for python in $(PYTHONS); do \
	  venv=.venv-$$("$$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])') \
	  && "$$python" -m venv --clear $$venv \
	  && $$venv/bin/pip install --quiet --require-hashes -r requirements-test.lock \
	  && $$venv/bin/python --version \
	  && PATH="$(CURDIR)/$$venv/bin:$$PATH" $$venv/bin/pytest -q tests/unit || exit 1; \
	done

# Whether what a study, a cluster and the tests need is there as wheels; asks the index, installs nothing.
# connection-pool, which Snakemake needs, is there as source alone, all of it Python.
PLATFORMS ?= x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu aarch64-apple-darwin
wheels: .venv-tools/tools.installed
	@for platform in $(PLATFORMS); do for version in 3.11 3.12 3.13; do \
	  .venv-tools/bin/uv pip install --dry-run --quiet --target . --python-platform $$platform \
	    --python-version $$version --only-binary :all: --no-binary connection-pool \
	    --require-hashes -r requirements-test.lock \
	  && echo "$$platform, Python $$version: a wheel of every package" || exit 1; \
	done; done

# Resolves the newest versions that pyproject.toml allows, for every platform.
COMPILE := .venv-tools/bin/uv pip compile --universal --generate-hashes --python-version 3.11
lock: .venv-tools/tools.installed
	$(COMPILE) --upgrade --extra study pyproject.toml -o requirements.lock
	$(COMPILE) -c requirements.lock pyproject.toml -o requirements-analysis.lock
	$(COMPILE) -c requirements.lock --extra study --extra gpu pyproject.toml -o requirements-gpu.lock
	$(COMPILE) -c requirements.lock --extra study --extra cluster pyproject.toml -o requirements-cluster.lock
	$(COMPILE) -c requirements.lock --extra study --extra cluster --extra test pyproject.toml -o requirements-test.lock
	$(COMPILE) -c requirements-test.lock --extra study --extra test --extra benchmarks pyproject.toml -o requirements-benchmarks.lock
	$(COMPILE) --upgrade --group tools -o requirements-tools.lock

# An environment in a folder, made again where its Python is one that does not fit.
NOT_FITTING = $(if $(PYTHON),$(PYTHON) is not such a one,none was found)
define environment
@"$(1)/bin/python" -c '$(FITS)' 2> /dev/null || { "$(PYTHON)" -c '$(FITS)' 2> /dev/null \
  && "$(PYTHON)" -m venv --clear $(1); } || { echo "Python 3.11, 3.12 or 3.13 is needed, and" \
  "$(NOT_FITTING). Name one: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2; exit 1; }
endef

.venv/study.installed: requirements.lock
	$(call environment,.venv)
	$(BIN)/pip install --require-hashes -r requirements.lock
	touch $@

.venv/gpu.installed: requirements-gpu.lock
	$(call environment,.venv)
	$(BIN)/pip install --require-hashes -r requirements-gpu.lock
	touch $@

.venv/test.installed: requirements-test.lock
	$(call environment,.venv)
	$(BIN)/pip install --require-hashes -r requirements-test.lock
	touch $@

.venv-benchmarks/installed: requirements-benchmarks.lock
	$(call environment,.venv-benchmarks)
	.venv-benchmarks/bin/pip install --require-hashes -r requirements-benchmarks.lock
	.venv-benchmarks/bin/pip install torch==2.13.0
	touch $@

.venv-tools/tools.installed: requirements-tools.lock
	$(call environment,.venv-tools)
	.venv-tools/bin/pip install --require-hashes -r requirements-tools.lock
	touch $@
