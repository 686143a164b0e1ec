"""Fixtures that every test may use."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from monitor.store import Store
from tests import postgres
from tests.servers import Web, serve_web


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    """A programmable HTTP server on loopback."""
    async with serve_web() as served:
        yield served


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A PostgreSQL server for the session."""
    with postgres.server() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database; the test runs on both kinds."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/mentiond.db"
        return
    with postgres.database(request.getfixturevalue("postgres_server")) as url:
        yield url


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An open store with the schema in it."""
    opened = Store(store_url)
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture
def say(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Print a measured figure at the end of the session, whichever worker ran the test."""
    return lambda text: record_property("figure", text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    figures = [text for report in reports for name, text in getattr(report, "user_properties", []) if name == "figure"]
    if figures:
        terminalreporter.section("figures")
        for text in figures:
            terminalreporter.write_line(str(text))
