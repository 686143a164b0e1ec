"""`mentiond status`: who runs, what the last reload changed, what is wrong, what is owed; from the store alone."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from monitor import presence
from monitor.assembly import utc_now
from monitor.cli import main
from monitor.commands import OK, TROUBLE
from monitor.cursors import record_failure
from monitor.schema import channels
from monitor.store import Store
from tests.acceptance.running import CONSOLE, configuration
from tests.fakes import START
from tests.monitor.builders import in_transaction, owe, register_part

NEWS = {"name": "news", "type": "feed", "url": "https://news.example/feed"}
Says = Callable[..., str]


@pytest.fixture
def status(store: Store, store_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Says:
    url = "sqlite:///mentiond.db" if store.is_sqlite else store_url
    config = tmp_path / "config.yaml"
    config.write_text(json.dumps(configuration([NEWS], [CONSOLE], store={"url": url})))

    def say(*more: str, code: int = OK) -> str:
        capsys.readouterr()
        assert main(["status", "-c", str(config), *more]) == code
        return capsys.readouterr().out

    return say


def healthy(store: Store) -> None:
    state = register_part(store, utc_now())
    assert state.source == "news"
    in_transaction(store, presence.record_start, utc_now())


def test_a_store_that_no_daemon_has_used_says_so(status: Says) -> None:
    assert "none has ever been active on this store" in status(code=TROUBLE)


def test_who_is_active_and_since_when(store: Store, status: Says) -> None:
    healthy(store)
    assert f"daemon    {socket.gethostname()}, process {os.getpid()}, active since" in status()
    shape = json.loads(status("--json"))
    assert (shape["running"], shape["node"]["pid"], shape["troubles"]) == (True, os.getpid(), [])


def test_a_daemon_that_gave_no_sign_of_life_is_not_running(store: Store, status: Says) -> None:
    healthy(store)
    in_transaction(store, presence.record_alive, utc_now() - timedelta(minutes=5))
    assert "not running, or stuck: last sign of life 5m ago" in status(code=TROUBLE)


def test_one_that_ended_as_it_should_says_when(store: Store, status: Says) -> None:
    healthy(store)
    in_transaction(store, presence.record_end, utc_now())
    assert "not running: it ended at" in status(code=TROUBLE)


def test_the_end_of_a_former_node_is_not_that_of_the_active_one(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    healthy(store)
    monkeypatch.setattr(os, "getpid", lambda: 1)
    in_transaction(store, presence.record_end, utc_now())
    found: Any = in_transaction(store, presence.read_presence)
    assert found.ended_at is None


def test_the_last_reload_is_told_also_after_a_restart(store: Store, status: Says) -> None:
    healthy(store)
    in_transaction(store, presence.record_refusal, "config.yaml:3:1: sources: required", utc_now())
    assert "refused at" in status()
    assert "config.yaml:3:1: sources: required" in status()
    in_transaction(store, presence.record_reload, ["watchlists: acme changed", "routes: changed"], utc_now())
    assert "changed watchlists: acme changed; routes: changed" in status()
    assert "refused" not in status()
    in_transaction(store, presence.record_start, utc_now())
    assert "changed watchlists: acme changed; routes: changed" in status()


def test_troubles_what_is_owed_and_sources_behind(store: Store, status: Says) -> None:
    healthy(store)
    owe(store, 3, utc_now() - timedelta(minutes=20), receiver="screen")
    stop = sa.update(channels).values(stopped="invalid_auth", error_since=utc_now())
    in_transaction(store, lambda connection: connection.execute(stop))
    state = register_part(store, utc_now())
    at = utc_now() + timedelta(minutes=5)
    in_transaction(store, record_failure, state, "404 Not Found", at, utc_now(), disable=False)
    said = status(code=TROUBLE)
    assert "troubles  Receiver screen is stopped: invalid_auth" in said
    assert "owed      screen: 3, the oldest for 20m; it is stopped: invalid_auth" in said
    assert "behind    news has been failing since" in said
    shape = json.loads(status("--json", code=TROUBLE))
    assert shape["owed"]["screen"]["count"] == 3
    assert shape["behind"][0]["source"] == "news"


def test_it_is_one_screen_however_much_is_wrong(store: Store, status: Says) -> None:
    healthy(store)
    for number in range(40):
        owe(store, 1, START, receiver=f"r{number}")
    assert len(status(code=TROUBLE).splitlines()) <= 50
