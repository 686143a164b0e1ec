"""What is stored is for the owner's eyes; secrets stand by reference; nobody's name is in logs or metrics."""

from __future__ import annotations

import json
import logging
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from alerts.base import ReceiverError
from monitor.cli import main
from monitor.commands import OK
from monitor.figures import read_figures
from monitor.metrics import Metrics
from monitor.store import Store
from sources.base import SourceError
from tests.acceptance.running import CONSOLE, configuration
from tests.fakes import ScriptedReceiver
from tests.monitor.builders import build_works, in_transaction, make_delivery, make_page, make_post, owe

NEWS = {"name": "news", "type": "feed", "url": "https://news.example/feed"}
HOOK = {"name": "crm", "type": "webhook", "url": "https://crm.example/x", "secret": "${CRM}"}
MAIL: dict[str, Any] = {
    "name": "mail",
    "type": "email",
    "to": ["a@example.com"],
    "from": "b@example.com",
    "smtp": {"host": "localhost", "username": "u", "password": "hunter2"},
}


@pytest.fixture
def no_umask() -> Iterator[None]:
    """The process takes no permission away."""
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


@pytest.mark.usefixtures("no_umask")
async def test_every_file_of_a_store_is_for_its_owner(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/mentiond.db")
    store.migrate()
    async with store.exclusive():
        owe(store, 1)
        assert modes(tmp_path) == {f"mentiond.db{end}": 0o600 for end in ("", "-shm", "-wal", ".lock")}
    store.close()


def test_a_store_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "mentiond.db").touch(0o640)
    (tmp_path / "mentiond.db").chmod(0o640)
    store = Store(f"sqlite:///{tmp_path}/mentiond.db")
    store.migrate()
    store.close()
    assert stat.S_IMODE((tmp_path / "mentiond.db").stat().st_mode) == 0o640


# -- check -------------------------------------------------------------------------------------------------------------


def remarks(
    folder: Path, capsys: pytest.CaptureFixture[str], *receivers: Any, mode: int = 0o600, **more: Any
) -> list[Any]:
    path = folder / "config.yaml"
    path.write_text(json.dumps(configuration([NEWS], [CONSOLE, *receivers], **more), indent=1))
    path.chmod(mode)
    capsys.readouterr()
    assert main(["check", "-c", str(path), "--json"]) == OK
    found = map(json.loads, capsys.readouterr().out.splitlines())
    return [line for line in found if line["kind"] in ("secret", "file")]


def test_a_secret_in_plain_text_is_named_with_its_mend(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [remark] = remarks(tmp_path, capsys, MAIL)
    assert (remark["kind"], remark["name"], remark["level"]) == ("secret", "mail", "warning")
    assert "${NAME}" in remark["detail"]
    assert "${file:PATH}" in remark["detail"]
    assert "hunter2" not in str(remark)
    assert "hunter2" in (tmp_path / "config.yaml").read_text().splitlines()[remark["line"] - 1]


def test_the_password_of_a_database_is_a_secret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = {"url": "postgresql://me:hunter2@db/mentiond"}
    [remark] = remarks(tmp_path, capsys, store=store)
    assert (remark["kind"], remark["name"]) == ("secret", "store")
    assert "hunter2" not in str(remark)


def test_secrets_by_reference_are_as_they_should_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM", "whsec_bWVudGlvbmQtYWNjZXB0YW5jZQ==")
    (tmp_path / "password").write_text("hunter2\n")
    by_file = {**MAIL, "smtp": {"host": "localhost", "username": "u", "password": "${file:password}"}}
    assert remarks(tmp_path, capsys, HOOK, by_file, mode=0o644) == []


def test_files_that_everybody_can_read_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database = tmp_path / "mentiond.db"
    database.touch()
    database.chmod(0o644)
    found = remarks(tmp_path, capsys, MAIL, mode=0o644)
    assert [remark["kind"] for remark in found] == ["secret", "file", "file"]
    assert f"chmod 600 {tmp_path / 'config.yaml'}" in found[1]["detail"]
    assert f"chmod 600 {database}*" in found[2]["detail"]
    database.chmod(0o600)
    assert [remark["kind"] for remark in remarks(tmp_path, capsys, MAIL)] == ["secret"]


def test_people_see_them_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    remarks(tmp_path, capsys, MAIL)
    assert main(["check", "-c", str(tmp_path / "config.yaml")]) == OK
    assert "smtp.password: warning: is a secret in plain text" in capsys.readouterr().out


# -- logs and metrics --------------------------------------------------------------------------------------------------


async def test_nobody_is_named_in_logs_or_metrics(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    works, metrics = build_works(store), Metrics()
    works.pipeline.metrics = metrics
    await works.finish_first_pass()
    post = make_post(
        "zb-guid",
        "Acme is broken, call Zaphod at +49 30 901820",
        author="Zaphod",
        title="Acme broke Zaphod",
        url="https://news.example/zaphod/1",
        thread="zaphod-thread",
    )
    assert await works.poll(make_page(post))
    assert await works.poll(make_page(make_post("zb-guid", "Acme is broken again, says Zaphod", author="Zaphod")))
    assert not await works.poll(SourceError("503"))
    works.classifier.failure = RuntimeError("no model")
    works.clock.advance(works.part.every)
    assert await works.poll(make_page(make_post("zb-2", "Acme asks Zaphod", author="Zaphod")))
    receiver = ScriptedReceiver(ReceiverError("503 busy"))
    delivery = make_delivery(store, receiver, works.clock, metrics=metrics)
    await delivery.turn()
    await delivery.run_once()
    assert receiver.accepted
    said = caplog.text.lower()
    assert "page stored source=news" in said
    assert "receiver failing" in said
    told = metrics.show(in_transaction(store, read_figures, works.clock())).decode().lower()
    assert 'source="news"' in told
    for word in ("zaphod", "zb-", "901820", "broken"):
        assert word not in said
        assert word not in told


LOOK = """
import sys
import sqlalchemy as sa
from monitor.schema import alerts
from monitor.store import Store
store = Store(sys.argv[1])
print(store.write_now(lambda connection: connection.scalar(sa.select(sa.func.count()).select_from(alerts))))
store.close()
"""


def test_what_is_written_is_seen_by_others_after_they_have_come_and_gone(tmp_path: Path) -> None:
    """Closing any descriptor of a file drops every lock that the process has on it: SQLite's too."""
    url = f"sqlite:///{tmp_path}/mentiond.db"
    store = Store(url)
    store.migrate()
    owe(store, 1)
    store.read_now(lambda connection: connection.scalar(sa.select(1)))  # a connection beside the first

    def seen_elsewhere() -> int:
        ran = subprocess.run([sys.executable, "-c", LOOK, url], capture_output=True, text=True, check=True)
        return int(ran.stdout)

    assert seen_elsewhere() == 1
    owe(store, 1, first=1)
    assert seen_elsewhere() == 2
    store.close()
