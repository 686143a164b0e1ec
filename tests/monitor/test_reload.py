"""A configuration that changes while the daemon runs: what is compared, what is refused, what is taken up."""

from __future__ import annotations

import asyncio
import copy
import json
from pathlib import Path
from typing import Any

import pytest

from monitor import reload
from monitor.config import Config, load
from monitor.reload import Reloader, compare, next_config
from tests.acceptance.running import CONSOLE, configuration, until

SOURCE = {"name": "export", "type": "file", "path": "posts.jsonl"}
BASE = configuration([SOURCE], [CONSOLE])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


def put(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value))


def take_away(path: Path) -> None:
    path.unlink()


def write(path: Path, value: Any) -> Config:
    put(path, value)
    return load(path, {"TOKEN": "one"})


def changed(**keys: Any) -> dict[str, Any]:
    return copy.deepcopy(BASE) | keys


ACME, GLOBEX = BASE["watchlists"][0], {"name": "globex", "kind": "competitor", "query": "globex"}


@pytest.mark.parametrize(
    ("new", "lines", "to_rematch"),
    [
        (BASE, (), ()),
        (changed(watchlists=[ACME, GLOBEX]), ("watchlists: globex added",), ("globex",)),
        (changed(watchlists=[ACME | {"query": "acme OR akme"}]), ("watchlists: acme changed",), ("acme",)),
        (changed(watchlists=[ACME | {"kind": "product"}]), ("watchlists: acme changed",), ()),
        (changed(watchlists=[ACME | {"name": "a", "was": "acme"}]), ("watchlists: acme is now a",), ()),
        (changed(watchlists=[GLOBEX]), ("watchlists: globex added, acme removed",), ("globex",)),
        (changed(timezone="Europe/Berlin"), ("timezone: changed",), ()),
    ],
)
def test_what_is_different_is_told(
    path: Path, new: dict[str, Any], lines: tuple[str, ...], to_rematch: tuple[str, ...]
) -> None:
    changes = compare(write(path, BASE), write(path, new))
    assert (changes.lines, changes.to_rematch, changes.needs_restart) == (lines, to_rematch, ())


@pytest.mark.parametrize(
    ("new", "key"),
    [
        (changed(store={"url": "sqlite:///other.db"}), "store.url"),
        (changed(server={"listen": "127.0.0.1:9999"}), "server.listen"),
        (changed(languages=["en"]), "languages"),
    ],
)
def test_what_only_a_new_process_takes_up_is_named(path: Path, new: dict[str, Any], key: str) -> None:
    assert compare(write(path, BASE), write(path, new)).needs_restart == (key,)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reload, "LOOK_EVERY", 0.01)


async def test_f39_a_broken_file_is_refused_once_and_a_mended_one_is_taken(path: Path, quick: None) -> None:
    reloader, told = Reloader(path, {}, write(path, BASE)), list[str]()
    waiting = asyncio.create_task(next_config(reloader, told.append))
    put(path, changed(watchlists=[ACME | {"query": "acme OR ("}]))
    await until(lambda: bool(told), "the refusal")
    assert "the old one keeps running" in told[0]
    assert f"{path}:1:" in told[0]
    await asyncio.sleep(0.1)
    assert len(told) == 1
    take_away(path)  # an editor that writes another file and renames it
    await asyncio.sleep(0.05)
    put(path, changed(watchlists=[ACME, GLOBEX]))
    config, changes = await asyncio.wait_for(waiting, 10)
    assert [watchlist.name for watchlist in config.watchlists] == ["acme", "globex"]
    assert changes.lines == ("watchlists: globex added",)
    assert len(told) == 1


async def test_what_needs_a_restart_is_refused(path: Path, quick: None) -> None:
    reloader, told = Reloader(path, {}, write(path, BASE)), list[str]()
    waiting = asyncio.create_task(next_config(reloader, told.append))
    put(path, changed(store={"url": "sqlite:///other.db"}, timezone="Europe/Berlin"))
    await until(lambda: bool(told), "the refusal")
    assert "needs a restart for store.url" in told[0]
    waiting.cancel()


async def test_a_signal_reads_secrets_again(path: Path) -> None:
    environ = {"TOKEN": "one"}
    slack = {"name": "care", "type": "slack", "token": "${TOKEN}", "channel": "#care"}
    config = write(path, configuration([SOURCE], [CONSOLE, slack]))
    reloader = Reloader(path, environ, config)
    waiting = asyncio.create_task(next_config(reloader, print))
    environ["TOKEN"] = "two"
    await asyncio.sleep(0)
    reloader.ask()
    _, changes = await asyncio.wait_for(waiting, 10)
    assert changes.lines == ("receivers: care changed",)


async def test_the_same_file_written_again_is_no_change(path: Path, quick: None) -> None:
    reloader, told = Reloader(path, {}, write(path, BASE)), list[str]()
    waiting = asyncio.create_task(next_config(reloader, told.append))
    put(path, dict(reversed(BASE.items())))
    done, _ = await asyncio.wait({waiting}, timeout=0.3)
    assert not done
    assert not any(told)
    waiting.cancel()
