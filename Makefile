PYTHON ?= python3
BIN := .venv/bin

.PHONY: install run test crash clean

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

test: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n 2

crash: install
	$(BIN)/python -m tests.crash --kills 200

clean:
	rm -rf .venv
