PYTHON ?= python3
BIN := .venv/bin

.PHONY: install run lint test test-peers crash pairs worlds soak fuzz image-steps audit sbom model bench bench-classifier clean

install: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	@echo "Creating .venv and installing mentiond with what it needs (about a minute) ..."
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check --progress-bar on -c constraints.txt -e ".[dev]"
	@touch $@

run: install
ifdef CONFIG
	$(BIN)/mentiond run -c "$(CONFIG)"
else
	$(BIN)/mentiond run --demo
endif

# feedparser's own test files, to hold our reader of feeds against; they are read by the tests and never committed.
.venv/feedparser-sdist: .venv/installed
	$(BIN)/python -m pip download --disable-pip-version-check --quiet --no-deps --no-binary feedparser -c constraints.txt -d $@.new feedparser
	tar -xzf $@.new/feedparser-*.tar.gz -C $@.new
	rm -rf $@ && mv $@.new $@

# What Reddit once answered to the tests of praw and prawcore; read by our tests and never committed either.
.venv/reddit-recordings: .venv/installed
	$(BIN)/python -m pip download --disable-pip-version-check --quiet --no-deps --no-binary praw,prawcore -c constraints.txt -d $@.new praw prawcore
	for sdist in $@.new/*.tar.gz; do tar -xzf $$sdist -C $@.new --wildcards '*/cassettes/*.json' && rm $$sdist || exit 1; done
	rm -rf $@ && mv $@.new $@

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The tests start mentiond hundreds of times: without kept bytecode each start compiles it anew.
# A third worker, also on two cores: tests that wait for a daemon use no CPU.
test test-peers: export PYTHONDONTWRITEBYTECODE =
test: lint .venv/feedparser-sdist .venv/reddit-recordings
	$(BIN)/pytest -n 3 --dist worksteal

# Real services from Debian's packages, which `.ci/run` lists; what is missing is skipped, in CI it is a failure.
test-peers: install .venv/reddit-recordings
	$(BIN)/pytest tests/peers

crash: install
	$(BIN)/python -m tests.crash --kills 200

# The engine of queries against the naive reference, on ten thousand random pairs of a query and a post.
pairs: install
	MENTIOND_PAIRS=10000 $(BIN)/pytest tests/rules/test_reference.py -k random_pairs

# Simulated worlds; `python -m tests.simulation --seed 1000 --examples 500` plays others.
worlds: install
	$(BIN)/python -m tests.simulation --seed 0 --examples 100
	$(BIN)/python -m tests.simulation --seed 0 --examples 30 --postgresql

# SOAK_MINUTES=3 for a short one; ARGUMENTS="--store sqlite" for the other database.
soak: install
	$(BIN)/python -m tests.soak $(ARGUMENTS)

# The steps of the Dockerfile, without an engine.
image-steps:
	.ci/image

# Tools that look at the environment, in one of their own.
.venv/audit/installed: .venv/installed
	$(PYTHON) -m venv .venv/audit
	.venv/audit/bin/python -m pip install --disable-pip-version-check --quiet "pip-audit>=2.9,<3" "cyclonedx-bom>=7,<8"
	@touch $@

.venv/audit/shipped.txt: .venv/audit/installed .ci/shipped
	$(BIN)/python .ci/shipped > $@

audit: .venv/audit/shipped.txt
	.ci/audit .venv/audit/bin $<

# A software bill of materials in CycloneDX's JSON.
sbom: .venv/audit/shipped.txt
	.venv/audit/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible --output-file sbom.json $<
	@echo "sbom.json: $$(grep -c '"purl"' sbom.json) packages"

fuzz: install
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt -e ".[fuzz]"
	$(BIN)/python -m tests.fuzz --seconds 600

# The shipped models follow from monitor/corpus and monitor/lexicon.
model: install
	$(BIN)/mentiond train

# Every benchmark, one after the other; those of labelled posts only where MENTIOND_BENCH=DIR names a folder of them.
BENCHMARKS := parsing polling storing obsei flatness starting alerts routing cases stories jetstream

bench: install
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt -e ".[bench]"
	@for name in $(BENCHMARKS); do \
		printf '\n== %s\n' "$$name"; PYTHONDONTWRITEBYTECODE= $(BIN)/python -m benchmarks.$$name || failed="$$failed $$name"; \
	done; \
	for name in matching classifier; do \
		printf '\n== %s\n' "$$name"; \
		if [ -z "$(MENTIOND_BENCH)" ]; then echo "skipped: MENTIOND_BENCH=DIR is not given"; continue; fi; \
		MENTIOND_BENCH="$(MENTIOND_BENCH)" $(BIN)/python -m benchmarks.$$name || failed="$$failed $$name"; \
	done; \
	if [ -n "$$failed" ]; then echo "failed:$$failed"; exit 1; fi

# MENTIOND_BENCH=DIR names a folder with labelled posts; docs/classifier.md is written anew.
bench-classifier: install
	MENTIOND_BENCH="$(MENTIOND_BENCH)" $(BIN)/python -m benchmarks.classifier --memory --page docs/classifier.md

clean:
	rm -rf .venv
