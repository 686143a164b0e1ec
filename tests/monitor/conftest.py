"""Fixtures of the tests of commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.cli import main
from tests.monitor.query_runs import Query, Said


@pytest.fixture
def query(capsys: pytest.CaptureFixture[str]) -> Query:
    """Run `mentiond query` in this process."""

    def run(*arguments: str | Path) -> Said:
        try:
            code = main(["query", *map(str, arguments)])
        except SystemExit as ended:  # argparse
            code = int(ended.code or 0)
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return run
