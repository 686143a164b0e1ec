"""Fixtures that every test may use."""

from __future__ import annotations

import gc
import shutil
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
def store_kind(request: pytest.FixtureRequest) -> str:
    """The test runs on both kinds of database."""
    kind: str = request.param
    return kind


@pytest.fixture
def empty_store_url(store_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database."""
    if store_kind == "sqlite":
        yield f"sqlite:///{tmp_path}/mentiond.db"
        return
    with postgres.database(request.getfixturevalue("postgres_server")) as url:
        yield url


@pytest.fixture
def store_url(store_kind: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a database with the schema in it and no rows."""
    if store_kind == "sqlite":
        yield request.getfixturevalue("sqlite_url")
        return
    url = request.getfixturevalue("shared_postgres_url")
    postgres.empty(url)
    yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file: copying it takes a tenth of what migrating takes."""
    path = tmp_path_factory.mktemp("template") / "mentiond.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The same for a test that runs on SQLite alone."""
    shutil.copy(sqlite_template, tmp_path / "mentiond.db")
    return f"sqlite:///{tmp_path}/mentiond.db"


@pytest.fixture(scope="session")
def shared_postgres_url(postgres_server: str) -> Iterator[str]:
    """A migrated database for one test after another: emptying it takes a tenth of what making one takes."""
    with postgres.database(postgres_server) as url:
        _migrate(url)
        yield url


def _migrate(url: str) -> None:
    store = Store(url)
    store.migrate()
    store.close()


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An open store with the schema in it."""
    opened = Store(store_url)
    yield opened
    opened.close()


@pytest.fixture
def say(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Print a measured figure at the end of the session, whichever worker ran the test."""
    return lambda text: record_property("figure", text)


def pytest_collection_finish() -> None:
    """Spare the collector what stays, modules and thousands of tests: it took a quarter of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(7_000)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    figures = [text for report in reports for name, text in getattr(report, "user_properties", []) if name == "figure"]
    if figures:
        terminalreporter.section("figures")
        for text in figures:
            terminalreporter.write_line(str(text))
