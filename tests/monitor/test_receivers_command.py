"""`mentiond receivers`: the list, a test message, and a stopped receiver switched on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from monitor.assembly import utc_now
from monitor.cli import main
from monitor.commands import OK, TROUBLE, USAGE
from monitor.outbox import owe_notice, register_channels
from monitor.schema import alerts, channels
from monitor.store import Store
from tests.acceptance.running import CONSOLE, configuration

SOURCE = {"name": "export", "type": "file", "path": "posts.jsonl"}
MAIL = {
    "name": "mail",
    "type": "email",
    "to": ["a@example.com", "b@example.com"],
    "from": "mentiond@example.com",
    "smtp": {"host": "127.0.0.1", "port": 9, "tls": "none"},
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(json.dumps(configuration([SOURCE], [CONSOLE, MAIL])))
    return path


def stored(folder: Path) -> Store:
    store = Store(f"sqlite:///{folder / 'mentiond.db'}")
    store.migrate()
    return store


def listed(config: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["receivers", "-c", str(config), "--json"]) == OK
    return {row["receiver"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}


def test_what_is_owed_and_dead_is_counted(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store, now = stored(tmp_path), utc_now()
    to = ["a@example.com", "b@example.com"]
    store.write_now(lambda connection: register_channels(connection, ["mail"], now))
    store.write_now(lambda connection: owe_notice(connection, "mail", to, "source:x", "gone", now))
    is_b = alerts.c.recipient == "b@example.com"
    store.write_now(lambda connection: connection.execute(sa.update(alerts).where(is_b).values(state="dead")))
    store.close()
    rows = listed(config, capsys)
    assert rows["screen"]["state"] == "new"
    assert (rows["mail"]["owed"], rows["mail"]["dead"], rows["mail"]["sent"]) == (1, 1, 0)
    assert rows["mail"]["oldest_owed"] is not None


def test_a_test_message_goes_out_and_is_stored_nowhere(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["receivers", "test", "screen", "-c", str(config)]) == OK
    sent, said = capsys.readouterr().out.splitlines()
    assert "This is a test" in json.loads(sent)["notice"]
    assert said == "sent   screen: no error"
    assert not (tmp_path / "mentiond.db").exists()


def test_each_address_is_tried_and_trouble_is_told(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["receivers", "test", "mail", "-c", str(config), "--json"]) == TROUBLE
    results = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(result["recipient"], result["ok"]) for result in results] == [
        ("a@example.com", False),
        ("b@example.com", False),
    ]


def test_a_stopped_receiver_is_switched_on(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store, now = stored(tmp_path), utc_now()
    store.write_now(lambda connection: register_channels(connection, ["mail"], now))
    store.write_now(lambda connection: connection.execute(sa.update(channels).values(stopped="535 no", error="535 no")))
    store.close()
    assert listed(config, capsys)["mail"]["state"] == "stopped"
    assert main(["receivers", "enable", "mail", "-c", str(config)]) == OK
    assert listed(config, capsys)["mail"]["state"] == "failing"


@pytest.mark.parametrize("command", ["test", "enable"])
def test_an_unknown_receiver_is_named(config: Path, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["receivers", command, "nobody", "-c", str(config)]) == USAGE
    assert "no receiver is called 'nobody'; there are screen, mail" in capsys.readouterr().err
