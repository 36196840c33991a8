# Each command sets up what it needs, from the locks in requirements/; `make` alone lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet

# The generator runs its formatter by name, so the pinned one has to be found first.
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Nothing here may phone home; a machine without a network runs the same.
export REDOCLY_TELEMETRY := off
export REDOCLY_SUPPRESS_UPDATE_NOTICE := true
# Some machines set it; then each of the hundreds of processes that tests start would compile all code anew.
unexport PYTHONDONTWRITEBYTECODE

PACKAGE   := generated/transloadit_api
GENERATED := build/generated/transloadit_api
DERIVED   := overrides/transloadit_client/_client/blocking
ALONE     := build/alone
PEERS     := build/peers
CONSUMERS := build/consumers
MUTANTS   := build/mutants
TYPED     := overrides standin examples tests benchmarks openapi website

.DEFAULT_GOAL := help
.PHONY: help demo test covered suite pythons lowest httpx2 coverage generate drift lint types node faults nightly mutants simulate \
        languages language breaks strangers changes alone bench memory dist docs lock clean

help: ## List the commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: $(VENV)/demo.stamp generate ## Regenerate the client, then send a picture through all four endpoints of the local API
	@$(BIN)/python examples/demo.py

# Two processes for each core, since tests mostly wait: for a server, a pause, a program that they start. The tests of one
# file run in the same process, one after the other. Files start in the order of their names: xdist would leave those with
# the fewest tests for the end, some of which take longest, so that one core worked and the others waited.
CORES := --numprocesses=$$(( $$(getconf _NPROCESSORS_ONLN) * 2 )) --dist=loadfile --no-loadscope-reorder
# Under coverage, as in CI, it takes a third longer.
test: $(VENV)/dev.stamp node $(CONSUMERS)/.stamp ## Set up everything and run the whole test suite
	@if [ -z "$$CI" ]; then $(BIN)/python -m pytest $(CORES); else $(MAKE) --no-print-directory covered; fi

# Every line and branch of the client is tried; a tenth of a percent is left to those that take a moment's chance.
CLIENT := --include='overrides/*' --precision=1 --fail-under=99.9
covered: $(VENV)/dev.stamp node $(CONSUMERS)/.stamp
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest $(CORES)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report --format=total >/dev/null || { $(BIN)/coverage report; exit 1; }
	@$(BIN)/coverage report $(CLIENT) --format=total >/dev/null || { $(BIN)/coverage report $(CLIENT); exit 1; }

suite: $(VENV)/dev.stamp node $(CONSUMERS)/.stamp
	@$(BIN)/python -m pytest --quiet $(CORES)

# The machine's own Python is tested by `make test`; pyenv keeps others where no command finds them.
NEWER := python3.12 python3.13 python3.14 $(wildcard $(HOME)/.pyenv/versions/3.1[2-9].*/bin/python)
pythons: ## Run the test suite on every newer Python that is installed
	@for python in $(NEWER); do \
	  version=$$($$python -c 'import sys; print("3.%d" % sys.version_info[1])' 2>/dev/null) || continue; \
	  case " $$done " in *" $$version "*) continue;; esac; done="$$done $$version"; \
	  echo "Python $$version"; $(MAKE) --no-print-directory suite PYTHON=$$python VENV=.venv-$$version || exit 1; \
	done; echo "Newer Pythons tested:$${done:- none is installed}"

# The oldest versions that pyproject.toml admits of what the package itself stands on. FastAPI wants newer ones.
lowest: ## Run the test suite with the oldest dependencies that are admitted (TESTS=tests/http)
	@$(MAKE) --no-print-directory .venv-lowest/dev.stamp node VENV=.venv-lowest
	@.venv-lowest/bin/python -m pip --quiet --disable-pip-version-check install --require-hashes --no-deps \
	  --requirement requirements/lowest.txt
	@.venv-lowest/bin/python -m pytest --quiet $(CORES) --deselect tests/pingback/test_receivers.py $(TESTS)

# The generator will write httpx2 some day; then the move has to be one commit. What differs, and the tests of tools
# that know httpx alone, is in docs/decisions.md.
HTTPX2   := build/httpx2
UNLIKE   := --ignore=tests/house --ignore=tests/http/test_tracing.py \
            --deselect=tests/spec/test_release.py::test_the_twin_generates_the_same_python_byte_for_byte \
            --deselect=tests/spec/test_linters.py::test_the_python_generator_writes_the_committed_package_wherever_it_runs \
            --deselect=tests/http/test_mocks.py::test_an_error_names_the_host_that_did_not_answer \
            --deselect=tests/results/test_download.py::test_a_url_that_is_none_is_not_fetched[sync-https://xn--0/x] \
            --deselect=tests/results/test_download.py::test_a_url_that_is_none_is_not_fetched[async-https://xn--0/x] \
            --deselect=tests/http/test_mocks.py::test_respx_answers_each_call \
            --deselect=tests/http/test_mocks.py::test_respx_refuses_a_request_that_no_route_answers \
            --deselect=tests/http/test_mocks.py::test_pytest_httpx_answers_each_call \
            --deselect=tests/http/test_mocks.py::test_a_failure_that_a_mock_raises_is_tried_again
httpx2: ## Rewrite a copy of all code for httpx2, and run the test suite on it (TESTS=tests/http)
	@$(MAKE) --no-print-directory .venv-httpx2/httpx2.stamp VENV=.venv-httpx2
	@rm -rf $(HTTPX2) && mkdir -p $(HTTPX2) && git ls-files -z | tar --null --files-from=- --create | tar --extract --directory $(HTTPX2)
	@! [ -d tests/node/node_modules ] || ln -s $(CURDIR)/tests/node/node_modules $(HTTPX2)/tests/node/node_modules
	@find $(HTTPX2) -name '*.py' -o -name '*.pyi' | xargs sed --in-place --regexp-extended 's/\b(httpx|httpcore)\b/\12/g'
	@cd $(HTTPX2) && PYTHONPATH=$(CURDIR)/$(HTTPX2)/generated:$(CURDIR)/$(HTTPX2)/overrides:$(CURDIR)/$(HTTPX2)/standin \
	  $(CURDIR)/.venv-httpx2/bin/python -m pytest --quiet $(CORES) $(UNLIKE) $(TESTS)

coverage: covered ## Run the whole test suite, and show what it does not reach
	@$(BIN)/coverage report

generate: $(VENV)/demo.stamp ## Write generated/transloadit_api anew from the spec, and the blocking client from the asynchronous one
	@$(call regenerate,$(PACKAGE))
	@$(BIN)/python overrides/derive_sync.py $(DERIVED)

drift: $(VENV)/demo.stamp ## Prove that generated/ is what the generator writes, byte for byte
	@$(call regenerate,$(GENERATED))
	@diff --recursive --exclude=__pycache__ $(GENERATED) $(PACKAGE) \
	  || { echo "generated/ differs from what the generator writes: run 'make generate', never edit it."; exit 1; }
	@rm -rf build/derived && $(BIN)/python overrides/derive_sync.py build/derived
	@diff --recursive --exclude=__pycache__ build/derived $(DERIVED) \
	  || { echo "The blocking client differs from the asynchronous one: run 'make generate', never edit it."; exit 1; }
	@echo "generated/ is what the generator writes from the spec, byte for byte; so is the blocking client."

# The generator leaves stale files where it overwrites, so it always writes to an empty place.
define regenerate
	rm -rf $(1) && mkdir -p $(dir $(1)) && $(BIN)/openapi-python-client generate --fail-on-warning --meta none \
	  --path openapi/transloadit.yaml --config generator-config.yaml --output-path $(1) >$(VENV)/generate.log \
	  || { cat $(VENV)/generate.log; exit 1; }
endef

lint: $(VENV)/dev.stamp node ## Check and check the formatting of all that is written by hand, the spec included
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@if [ -x tests/node/node_modules/.bin/spectral ]; then tests/node/node_modules/.bin/spectral lint --quiet --fail-severity=hint \
	  --ruleset=openapi/.spectral.yaml openapi/transloadit.yaml; else echo "spectral skipped: it needs node"; [ -z "$$CI" ]; fi

types: $(VENV)/dev.stamp node ## mypy --strict, and pyright, also on code that users write
	@$(BIN)/mypy $(TYPED)
	@if [ -x tests/node/node_modules/.bin/pyright ]; then tests/node/node_modules/.bin/pyright; \
	  else echo "pyright skipped: it needs node"; [ -z "$$CI" ]; fi

# Node's tools read the spec and our forms as others would. Without node their tests skip, and say so.
node: tests/node/node_modules/.stamp
tests/node/node_modules/.stamp: tests/node/package-lock.json
	@if command -v npm >/dev/null; then cd tests/node && npm ci --silent --ignore-scripts && touch node_modules/.stamp; \
	  else echo "npm not found: the tests that need node will skip"; [ -z "$$CI" ]; fi

faults: $(VENV)/dev.stamp ## Thousands of calls under a mix of all faults, judged by the server's ledger (SEED=… again)
	@$(BIN)/python -m tests.faults $(if $(SEED),--seed $(SEED)) $(ARGS)

simulate: $(VENV)/dev.stamp ## A million calls, uploads, waits and maps in virtual time, over a network that breaks (SEED=… again)
	@$(BIN)/python -m tests.simulator $(if $(SEED),--seed $(SEED)) $(ARGS)

memory: $(VENV)/dev.stamp ## What uploads of 4 GiB take in memory, on every path, and how they hold up a loop (GIB=4)
	@$(BIN)/python -m benchmarks.memory $(GIB)
	@$(BIN)/python benchmarks/lag.py

languages: $(VENV)/dev.stamp ## Let the generators of other languages prove the spec, those whose toolchain is here
	@$(BIN)/python -m tests.languages $(ARGS)

language: $(VENV)/dev.stamp ## One of them (NAME=go)
	@$(BIN)/python -m tests.languages $(NAME) $(ARGS)

breaks: $(VENV)/dev.stamp ## Break the spec in three ways, and see that the languages it hurts turn red
	@$(BIN)/python -m tests.languages.mutants

OTHERS := tests/strangers/node/node_modules/.stamp examples/browser/node_modules/.stamp
strangers: $(VENV)/dev.stamp node $(CONSUMERS)/.stamp $(OTHERS) ## Let software of others use the local API: SDKs, Uppy in a browser, gateways (ARGS=uppy)
	@$(BIN)/python -m tests.strangers $(ARGS)

$(OTHERS): %/node_modules/.stamp: %/package-lock.json
	@if command -v npm >/dev/null; then cd $* && npm ci --silent --ignore-scripts && touch node_modules/.stamp; \
	  else echo "npm not found: software of others in Node is left out"; [ -z "$$CI" ]; fi

changes: $(VENV)/dev.stamp ## What changed since the last release, in the spec and in Python (BASE=main~10)
	@$(BIN)/python -m tests.changes $(BASE)

alone: dist ## Install the wheel, with what it needs and nothing else, into build/alone
	@rm -rf $(ALONE) && $(BIN)/python -m venv --without-pip $(ALONE)
	@$(PIP) --python $(ALONE)/bin/python install --require-hashes --requirement requirements/runtime.txt
	@$(PIP) --python $(ALONE)/bin/python install --no-deps dist/*.whl

# Where foreign data is read: many cases of the tests, then a fuzzer that watches which lines it reaches.
FUZZ_SECONDS ?= 600
nightly: $(VENV)/nightly.stamp node ## What takes too long for every change (FUZZ_SECONDS=600)
	@FOREIGN_CASES=100000 $(BIN)/python -m pytest -m foreign --timeout=7200 $(CORES) --dist=worksteal
	@$(BIN)/python tests/fuzz/pingbacks.py -max_total_time=$(FUZZ_SECONDS)
	@$(BIN)/python tests/fuzz/statuses.py -max_total_time=$(FUZZ_SECONDS)
	@$(BIN)/python -m tests.uploads.kills --kills 100

mutants: $(VENV)/nightly.stamp ## Change the code a little, many times: the tests must notice nine in ten (an hour; ARGS='*._uploads.*')
	@rm -rf $(MUTANTS) && mkdir -p $(MUTANTS) && cp -R overrides $(MUTANTS)/src
	@tar --create --exclude=node_modules pyproject.toml openapi examples tests | tar --extract --directory $(MUTANTS)
	@cd $(MUTANTS) && nice $(CURDIR)/$(BIN)/python $(CURDIR)/tests/mutants.py $(ARGS)

bench: alone $(PEERS)/.stamp benchmarks/node/node_modules/.stamp ## Measure us beside our peers, and write docs/performance.md (some minutes)
	@$(ALONE)/bin/python benchmarks/lifetime.py
	@$(PEERS)/bin/python -m benchmarks $(ARGS)

# Peers stand apart from us, since what one of us brings along would speed up or slow down another.
$(PEERS)/.stamp: requirements/bench.txt requirements/peers.txt
	@rm -rf $(PEERS) && $(PYTHON) -m venv $(PEERS)
	@$(PEERS)/bin/python -m pip --quiet --disable-pip-version-check install --require-hashes --requirement requirements/bench.txt
	@$(PEERS)/bin/python -m pip --quiet --disable-pip-version-check install --require-hashes --no-deps --ignore-requires-python --requirement requirements/peers.txt
	@touch $@

# Gateways, agents and testers that read the spec: tests/spec runs them, so that `.venv` need not hold their packages.
$(CONSUMERS)/.stamp: requirements/consumers.txt
	@rm -rf $(CONSUMERS) && $(PYTHON) -m venv $(CONSUMERS)
	@$(CONSUMERS)/bin/python -m pip --quiet --disable-pip-version-check install --require-hashes --requirement requirements/consumers.txt
	@touch $@

benchmarks/node/node_modules/.stamp: benchmarks/node/package-lock.json
	@if command -v npm >/dev/null; then cd benchmarks/node && npm ci --silent --ignore-scripts && touch node_modules/.stamp; \
	  else echo "npm not found: the vendor's Node SDK is left out"; fi

dist: $(VENV)/dev.stamp ## Build wheel, sdist, bill of materials, the spec's artefacts and checksums into dist/ (REPOSITORY=https://…)
	@rm -rf dist && $(BIN)/python -m build --no-isolation >$(VENV)/build.log 2>&1 || { cat $(VENV)/build.log; exit 1; }
	@$(BIN)/python requirements/bom.py requirements/runtime.txt dist/*.whl >dist/transloadit-client.cdx.json
	@$(BIN)/python openapi/release.py dist && ls dist dist/openapi

# `--clean` because the cache of pages does not know of the spec and the tables that pages are made from.
docs: $(VENV)/docs.stamp ## Build the documentation into site/; any warning fails
	@PYTHONPATH=. $(BIN)/zensical build --clean --strict >$(VENV)/docs.log 2>&1 && ! grep -q '^griffe' $(VENV)/docs.log \
	  || { cat $(VENV)/docs.log; exit 1; }
	@$(BIN)/python -m website.check site
	@echo "The documentation is in site/: $$(find site -name index.html | wc -l) pages, without a warning."

# Locks hold hashes and no addresses; the smaller ones are parts of the developers'.
LOCK    := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
           --custom-compile-command "make lock"
COMPILE := $(LOCK) pyproject.toml
lock: $(VENV)/dev.stamp ## Renew requirements/*.txt (add ARGS=--upgrade for newer versions)
	@$(COMPILE) $(ARGS) --extra cli --extra standin --extra media --group dev --output-file requirements/dev.txt
	@$(COMPILE) --extra standin --extra media --group generate --constraint requirements/dev.txt --output-file requirements/demo.txt
	@$(COMPILE) --constraint requirements/dev.txt --output-file requirements/runtime.txt
	@$(COMPILE) --extra cli --extra standin --extra media --group dev --group nightly --constraint requirements/dev.txt --output-file requirements/nightly.txt
	@$(COMPILE) --extra cli --extra standin --group docs --constraint requirements/dev.txt --output-file requirements/docs.txt
	@$(COMPILE) --resolution lowest-direct --output-file requirements/lowest.txt
	@$(COMPILE) --group consumers --constraint requirements/runtime.txt --output-file requirements/consumers.txt
	@$(LOCK) --group bench --constraint requirements/dev.txt --output-file requirements/bench.txt

clean: ## Remove everything that can be made again
	rm -rf $(VENV) build dist site .cache tests/node/node_modules $(dir $(OTHERS)) .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache

# A stamp is renewed when its lock or the project's own metadata changes.
$(VENV)/python.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	@echo "Setting up $(VENV) (once)" && $(PYTHON) -m venv $(VENV) && touch $@

$(VENV)/demo.stamp: requirements/demo.txt pyproject.toml | $(VENV)/python.stamp
	@$(PIP) install --require-hashes --requirement requirements/demo.txt
	@mkdir -p $(PACKAGE) && $(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt requirements/peers.txt $(VENV)/demo.stamp
	@$(PIP) install --require-hashes --requirement requirements/dev.txt
	@$(PIP) install --require-hashes --no-deps --ignore-requires-python --requirement requirements/peers.txt
	@touch $@

$(VENV)/docs.stamp: requirements/docs.txt $(VENV)/demo.stamp
	@$(PIP) install --require-hashes --requirement requirements/docs.txt
	@touch $@

$(VENV)/httpx2.stamp: requirements/bench.txt $(VENV)/dev.stamp
	@$(PIP) install --require-hashes --no-deps --requirement requirements/bench.txt
	@touch $@

$(VENV)/nightly.stamp: requirements/nightly.txt $(VENV)/dev.stamp
	@$(PIP) install --require-hashes --requirement requirements/nightly.txt
	@touch $@
