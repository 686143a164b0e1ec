"""`mentiond backup`: a whole copy while somebody writes, never a half one, never over another file."""

from __future__ import annotations

import json
import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from monitor.cli import main
from monitor.commands import OK, STORE, USAGE
from monitor.store import Store
from tests.acceptance.running import CONSOLE, configuration

SOURCE = {"name": "export", "type": "file", "path": "posts.jsonl"}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(json.dumps(configuration([SOURCE], [CONSOLE])))
    return path


def fill(folder: Path, rows: int) -> Store:
    """A store with as many sources that have been seen."""
    store = Store(f"sqlite:///{folder / 'mentiond.db'}")
    store.migrate()
    add(store, 0, rows)
    return store


def add(store: Store, first: int, rows: int) -> None:
    values = ", ".join(f"('news', '{n}', 'h', '2026-11-01', '2026-11-01')" for n in range(first, first + rows))
    store.write_now(lambda connection: connection.execute(sa.text(f"INSERT INTO seen VALUES {values}")))


def test_a_copy_is_consistent_while_somebody_writes(config: Path, tmp_path: Path) -> None:
    store, stop, pairs = fill(tmp_path, 500), threading.Event(), 0

    def write() -> None:
        nonlocal pairs
        while not stop.is_set():
            add(store, 10_000 + 2 * pairs, 2)
            pairs += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        copy = tmp_path / "copy.db"
        assert main(["backup", str(copy), "-c", str(config)]) == OK
    finally:
        stop.set()
        writer.join()
        store.close()
    with closing(sqlite3.connect(copy)) as copied:
        [count] = copied.execute("SELECT count(*) FROM seen").fetchone()
        [version] = copied.execute("SELECT version_num FROM alembic_version").fetchone()
    assert count >= 500
    assert count % 2 == 0  # a transaction is in it whole or not at all
    assert version
    assert pairs > 0
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert not list(tmp_path.glob("*.part*"))


def test_a_copy_is_a_store_that_works(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(tmp_path, 3).close()
    copy = tmp_path / "copy.db"
    assert main(["backup", str(copy), "-c", str(config), "--json"]) == OK
    assert json.loads(capsys.readouterr().out) == {"file": str(copy), "bytes": copy.stat().st_size}
    restored = Store(f"sqlite:///{copy}")
    restored.migrate()
    assert restored.write_now(lambda connection: connection.scalar(sa.text("SELECT count(*) FROM seen"))) == 3
    restored.close()


def test_nothing_is_written_over(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(tmp_path, 1).close()
    (tmp_path / "copy.db").write_text("mine")
    assert main(["backup", str(tmp_path / "copy.db"), "-c", str(config)]) == USAGE
    assert (tmp_path / "copy.db").read_text() == "mine"
    assert "exists already" in capsys.readouterr().err


def test_a_store_that_is_not_there_is_named(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backup", str(tmp_path / "copy.db"), "-c", str(config)]) == STORE
    assert "mentiond.db does not exist" in capsys.readouterr().err
    assert not (tmp_path / "mentiond.db").exists()


def test_a_damaged_store_gives_no_copy(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mentiond.db").write_bytes(b"no database" * 1000)
    assert main(["backup", str(tmp_path / "copy.db"), "-c", str(config)]) == STORE
    assert "cannot be copied" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir() if "copy" in path.name] == []


def test_of_postgresql_it_says_how(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "config.yaml"
    url = "postgresql://mentiond:secret@db.example.com:5433/mentions"
    path.write_text(json.dumps(configuration([SOURCE], [CONSOLE], store={"url": url})))
    assert main(["backup", str(tmp_path / "copy dump"), "-c", str(path)]) == USAGE
    said = capsys.readouterr().err
    assert "pg_dump --format=custom" in said
    assert "--host=db.example.com --port=5433 --username=mentiond --dbname=mentions" in said
    assert "secret" not in said
