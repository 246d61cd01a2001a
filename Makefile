# Everything sets itself up in .venv from requirements.lock; python3 (3.11 or later), make and a C compiler are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# One more than the two cores of the machine that this is measured on: a third of the time, tests wait for something.
WORKERS ?= 3
# A folder of recordings with .rttm files, for the diarization error rate.
MEETINGS ?= ../shared/data/meetings
# A corpus whose validation speakers are mixed for the scoreboard; without it the package's own five voices are.
SPEECH ?= ../shared/data/speech
# Lengths of the long recordings, mixtures per set of the scoreboard.
MINUTES ?= 10
ITEMS ?= 5
# Recordings of twenty seconds that are separated as jobs.
RECORDINGS ?= 20
# Tests that the oldest versions must pass.
OLDEST ?= tests/kernel/test_results_separate.py tests/kernel/test_recording_formats.py tests/kernel/test_jobs_table_life.py
# People who look on while jobs run, and who start a server at once.
USERS ?= 50
SPAWNS ?= 20
# People on the platform at once for a load, numbers one after another, and for how long each.
PEOPLE ?= 20
SECONDS ?= 120

.PHONY: run demo test test-oldest lint audit deployment bench load package docs lock clean

# Without a shell between: whoever ends make ends the platform.
run: demo
	@$(BIN)/speaksep hub up

demo: $(READY)
	@$(BIN)/python -m speaksep_kernel.jobs.sample notebooks/batch/separate.ipynb demo

# Browser tests in processes of their own: Playwright keeps an event loop running in each.
test: $(READY)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile tests --ignore=tests/e2e
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile tests/e2e

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# What a separation needs, in the oldest versions that pyproject.toml names, in a place of its own.
test-oldest:
	$(PYTHON) -m venv --clear build/oldest
	build/oldest/bin/pip install --quiet --disable-pip-version-check uv==0.13.9
	build/oldest/bin/uv pip compile --quiet --resolution lowest-direct --python-version 3.11 --only-binary :all: pyproject.toml -o build/oldest/pins.txt
	build/oldest/bin/pip install --quiet --disable-pip-version-check --constraint build/oldest/pins.txt -e .[postgresql] hypothesis pytest pytest-timeout
	build/oldest/bin/python -m pytest -q -p no:cacheprovider -W default -k "not postgresql" $(OLDEST)

# Known holes of locked packages, and what bandit looks for. Needs the network.
audit: $(READY)
	@test -x build/tools/bin/pip-audit || { $(PYTHON) -m venv build/tools && build/tools/bin/pip install --quiet pip-audit==2.10.1; }
	build/tools/bin/pip-audit --requirement requirements.lock --no-deps --disable-pip
	$(BIN)/ruff check --config .ci/security.toml speaksep_kernel widgets dashboards hub

# Files for containers, clusters and workflows, by the tools that know them; those are large, so the tests do without.
deployment:
	$(PYTHON) -m venv build/tools
	build/tools/bin/pip install --quiet --disable-pip-version-check --requirement hub/deploy/tools.txt
	build/tools/bin/hadolint hub/deploy/docker/Dockerfile
	build/tools/bin/zizmor --offline --quiet .github
	build/tools/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	build/tools/bin/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	build/tools/bin/check-jsonschema --builtin-schema vendor.compose-spec hub/deploy/compose/compose.yaml
	build/tools/bin/kubernetes-validate --quiet --strict --kubernetes-version 1.32 $(filter-out %/kustomization.yaml,$(wildcard hub/deploy/kubernetes/*.yaml))

# Wheel and source archive in dist/, the wheel made from the archive.
package: $(READY)
	rm -rf dist && mkdir dist
	$(BIN)/python -c 'from hatchling.build import build_sdist; build_sdist("dist")'
	mkdir -p build/source && tar -xzf dist/*.tar.gz -C build/source --strip-components 1
	cd build/source && $(CURDIR)/$(BIN)/python -c 'from hatchling.build import build_wheel; build_wheel("$(CURDIR)/dist")'
	rm -r build/source

# Some ten minutes on two cores, and the widgets in a browser; the long recordings: make bench MINUTES="60 240" ITEMS=50
bench: $(READY)
	$(BIN)/python tests/bench/bench_startup.py
	$(BIN)/python tests/bench/bench_kernel.py
	$(BIN)/python tests/bench/bench_job_table.py
	$(BIN)/python tests/bench/bench_jobs.py --recordings $(RECORDINGS)
	$(BIN)/python -m tests.bench.bench_hub --users $(USERS) --spawns $(SPAWNS)
	$(BIN)/python tests/bench/bench_diagnosis.py
	$(BIN)/python -m tests.bench.bench_edit $(firstword $(MINUTES))
	$(BIN)/python tests/bench/bench_reseparate.py
	$(BIN)/python -m tests.bench.bench_long $(MINUTES)
	$(if $(shell command -v chromium chromium-browser google-chrome),$(BIN)/python tests/bench/bench_widgets.py,@echo "No Chromium: nothing of the widgets.")
	$(BIN)/python -m tests.bench.bench_collection
	$(if $(shell command -v chromium chromium-browser google-chrome),$(BIN)/python -m tests.bench.bench_dashboards,@echo "No Chromium: nothing of dashboards.")
	$(BIN)/python -m speaksep_kernel.training.score --items $(ITEMS) $(if $(wildcard $(SPEECH)),--corpus $(SPEECH))
	$(if $(wildcard $(MEETINGS)),$(BIN)/python tests/bench/bench_der.py $(MEETINGS),@echo "No recordings with RTTM in MEETINGS=$(MEETINGS): no DER.")

# How many people a platform on this machine carries (docs/capacity.md); ends with an error where a target is missed.
load: $(READY)
	$(BIN)/python -m tests.load --people $(PEOPLE) --seconds $(SECONDS)

# The pages of docs/ as a site that needs no server and no network: build/site/index.html
docs: $(READY)
	$(BIN)/mkdocs build --strict --quiet

# A new lock of everything, made in a place of its own. Torch without its local version: the machine decides CPU or CUDA.
lock:
	$(PYTHON) -m venv --clear build/lock
	build/lock/bin/pip install --quiet '.[widgets,dashboards,hub,celery,dask,onnx,postgresql,remote,training,bench,docs,test,lint]'
	build/lock/bin/pip freeze --exclude speaksep | sed -E 's/^(torch==[0-9.]+)\+.*/\1/' > requirements.lock
	rm -r build/lock

clean:
	rm -rf $(VENV) build dist demo bench

# The stamp is newer than what it was made from: a second make starts at once.
$(READY): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or later is needed, this is " + sys.version.split()[0])'
	@test -x $(BIN)/python || { echo "Setting up $(VENV) (a few minutes, once)"; $(PYTHON) -m venv $(VENV); }
	$(BIN)/python -m pip install -qq --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps -e .
	@touch $@
