"""Fixtures of the tests of commands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest

from monitor import fields, training
from monitor.cli import main
from rules.lexicon import Lexicon
from tests.monitor.query_runs import Query, Said


@pytest.fixture(scope="package", autouse=True)
def _lexicon_once() -> Iterator[None]:
    """Compile the lexicon that ships once, not for each training: with a small corpus that takes most of the time."""

    @cache
    def remembered(languages: tuple[str, ...]) -> Lexicon:
        return fields.build_lexicon(fields.SHIPPED_LEXICON, languages)

    def build(folder: Path, languages: Sequence[str]) -> Lexicon:
        is_shipped = folder == fields.SHIPPED_LEXICON
        return remembered(tuple(languages)) if is_shipped else fields.build_lexicon(folder, languages)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "build_lexicon", build)
        yield


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
