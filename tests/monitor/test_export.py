"""`mentiond export`: everything that is stored of mentions, in pages, safe for spreadsheets, for the owner's eyes."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
import tracemalloc
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from monitor import exporting
from monitor.assembly import utc_now
from monitor.cli import main
from monitor.commands import OK, USAGE
from monitor.exporting import COLUMNS, Filter, read_all, write_lines
from monitor.intake import commit_page
from monitor.schema import mentions, posts
from monitor.store import Store
from sources.base import Post
from tests.acceptance.running import CONSOLE, configuration
from tests.monitor.builders import (
    WATCHLISTS,
    in_transaction,
    make_draft,
    make_intake,
    make_post,
    new_change,
    register_part,
)

NEWS = {"name": "news", "type": "feed", "url": "https://news.example/feed"}


@pytest.fixture
def config(store: Store, store_url: str, tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    url = "sqlite:///mentiond.db" if store.is_sqlite else store_url
    path.write_text(json.dumps(configuration([NEWS], [CONSOLE], store={"url": url})))
    return path


Export = Callable[..., str]


@pytest.fixture
def export(config: Path, capsys: pytest.CaptureFixture[str]) -> Export:
    def run(*arguments: str | Path, code: int = OK) -> str:
        capsys.readouterr()
        assert main(["export", *map(str, arguments), "-c", str(config)]) == code
        captured = capsys.readouterr()
        return captured.out if code == OK else captured.err

    return run


def take(store: Store, *drafted: Post, tags: tuple[str, ...] = ("complaint",), watchlist: int = 0) -> None:
    state = register_part(store, utc_now())
    changes = [new_change(post, make_draft(post, WATCHLISTS[watchlist], tags)) for post in drafted]
    in_transaction(store, commit_page, make_intake(state, *changes, now=utc_now()))


def lines(written: str) -> list[Any]:
    return [json.loads(line) for line in written.splitlines()]


def test_a_line_has_post_verdict_and_case(store: Store, export: Export, config: Path) -> None:
    take(store, make_post("1", url="https://news.example/1", author="kim"))
    assert main(["case", "claim", "1", "--by", "Ada", "-c", str(config)]) == OK
    assert main(["correct", "1", "--label", "praise", "--by", "Ada", "-c", str(config)]) == OK
    [line] = lines(export())
    assert line["post"]["author"] == "kim"
    assert (line["watchlist"], line["tags"], line["labels"]["complaint"]) == ("acme", ["complaint"], 0.9)
    assert (line["case"]["state"], line["case"]["owner"]) == ("claimed", "Ada")
    assert line["corrected"] == ["praise"]


def test_what_is_wanted_is_written(store: Store, export: Export, config: Path) -> None:
    take(store, make_post("1"))
    take(store, make_post("2"), tags=("crisis", "complaint"))
    take(store, make_post("3"), tags=("unsure",), watchlist=1)
    in_transaction(
        store,
        lambda tx: tx.execute(
            sa.update(mentions).where(mentions.c.id == 1).values(created_at=utc_now() - timedelta(9))
        ),
    )
    assert main(["case", "dismiss", "2", "-c", str(config)]) == OK

    def ids(*arguments: str) -> list[int]:
        return [line["id"] for line in lines(export(*arguments))]

    assert ids() == [1, 2, 3]
    assert ids("--since", "7d") == [2, 3]
    assert ids("--watchlist", "globex", "--watchlist", "none") == [3]
    assert ids("--label", "crisis", "--label", "unsure") == [2, 3]
    assert ids("--state", "dismissed") == [2]
    assert ids("--state", "new", "--label", "complaint") == [1]


def test_pages_are_put_together_without_a_seam(store: Store, export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "PAGE", 4)
    take(store, *(make_post(str(number)) for number in range(12)))
    in_transaction(store, lambda tx: tx.execute(sa.update(posts).where(posts.c.id == 5).values(deleted_at=utc_now())))
    assert [line["id"] for line in lines(export())] == [1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12]


@pytest.mark.parametrize("beginning", ["=1+1", "+49 30", "-2", "@kim", "\tx"])
def test_no_cell_is_a_formula(store: Store, export: Export, beginning: str) -> None:
    take(store, make_post("1", text=f"{beginning} Acme", title=beginning, author=beginning))
    [row] = csv.DictReader(io.StringIO(export("--format", "csv"), newline=""))
    assert row["text"] == f"'{beginning} Acme"
    assert row["title"] == row["author"] == f"'{beginning}"


def test_a_table_keeps_lines_quotes_and_separators(store: Store, export: Export) -> None:
    text = 'Acme; says "broken",\nmüde 🔥'
    take(store, make_post("1", text=text, rating=2.5))
    [row] = csv.DictReader(io.StringIO(export("--format", "csv"), newline=""))
    assert tuple(row) == COLUMNS
    assert (row["text"], row["rating"], row["complaint"], row["tags"]) == (text, "2.5", "0.9", "complaint")


def test_excel_opens_it(store: Store, export: Export, tmp_path: Path) -> None:
    take(store, make_post("1", text="Acme müde"))
    target = tmp_path / "out.csv"
    said = export("--excel", "-o", target)
    content = target.read_bytes()
    assert content.startswith(b"\xef\xbb\xbfid;created_at;")
    assert "müde".encode() in content
    assert "1 mentions" in said


def test_a_file_is_for_its_owner_whole_and_never_written_over(store: Store, export: Export, tmp_path: Path) -> None:
    take(store, make_post("1"))
    target, before = tmp_path / "out.jsonl", os.umask(0)
    try:
        shape = json.loads(export("-o", target, "--json"))
    finally:
        os.umask(before)
    assert shape == {"file": str(target), "mentions": 1, "bytes": target.stat().st_size}
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert not list(tmp_path.glob("*.part"))
    assert "exists already" in export("-o", target, code=USAGE)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--label", "complain"], "did you mean"),
        (["--since", "soon"], "--since soon"),
        (["--excel", "--format", "jsonl"], "--excel"),
    ],
)
def test_what_cannot_be_is_named(export: Export, arguments: list[str], words: str) -> None:
    assert words in export(*arguments, code=USAGE)


def test_memory_does_not_grow_with_the_store(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "PAGE", 100)
    take(store, *(make_post(str(number), "Acme " * 100) for number in range(2000)))

    def peak(most: int) -> int:
        found, none = read_all(store, Filter()), io.StringIO()
        tracemalloc.start()
        for number, _ in enumerate(write_lines(found, none)):
            none.seek(0)
            none.truncate()
            if number == most:
                break
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(200)  # caches of statements
    assert peak(1980) < 1.3 * peak(700)
