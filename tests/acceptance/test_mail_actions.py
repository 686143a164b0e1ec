"""From a post to a mail to a press of its button, with the real program; kills in between double nothing."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from monitor.schema import case_events
from monitor.store import Store
from tests.acceptance.running import Feed, Installation, configuration, feed_source, item, mailbox, until
from tests.acceptance.test_push import free_port
from tests.monitor.builders import rows_of
from tests.servers import Web
from tests.smtp_server import SmtpServer, readable, serve_smtp

KIM = {"care": {"members": [{"name": "Kim", "mail": "kim@example.com"}]}}


@dataclass(slots=True)
class Office:
    """Where mails arrive and from where their links are opened."""

    smtp: SmtpServer
    client: aiohttp.ClientSession
    port: int

    def link(self, label: str) -> str:
        """The one behind a button of the last mail."""
        [found] = re.findall(rf"^{label}: (\S+)\r?$", readable(self.smtp.mails[-1].message), re.MULTILINE)
        assert found.startswith(f"http://127.0.0.1:{self.port}/")
        return str(found)

    async def press(self, link: str) -> tuple[int, str]:
        """(0, "") where nobody answered."""
        with suppress(aiohttp.ClientError):
            async with self.client.post(link, data={"choice": "yes"}) as answer:
                return answer.status, await answer.text()
        return 0, ""

    async def look(self, link: str) -> tuple[int, str]:
        with suppress(aiohttp.ClientError):
            async with self.client.get(link) as answer:
                return answer.status, await answer.text()
        return 0, ""


@pytest.fixture
async def office(installed: Installation, feed: Feed, web: Web) -> AsyncIterator[Office]:
    """A configuration that mails one address, and a first post."""
    timeout = aiohttp.ClientTimeout(total=30)
    async with serve_smtp() as smtp, aiohttp.ClientSession(trust_env=False, timeout=timeout) as client:
        port = free_port()
        server = {"listen": f"127.0.0.1:{port}", "public_url": f"http://127.0.0.1:{port}"}
        receiver = mailbox(smtp.port, "kim@example.com")
        installed.write(configuration([feed_source(web)], [receiver], server=server, teams=KIM))
        feed.items.append(item(1, "My Acme is broken"))
        yield Office(smtp, client, port)


def events(installed: Installation) -> list[tuple[Any, ...]]:
    """The history of the first case."""
    store = Store(f"sqlite:///{installed.folder}/mentiond.db")
    try:
        return [(row.action, row.by, row.through) for row in rows_of(store, case_events, mention_id=1)]
    finally:
        store.close()


async def test_a_press_in_a_mail_claims_the_case_and_looking_does_not(installed: Installation, office: Office) -> None:
    async with installed.daemon() as daemon:
        await until(lambda: len(office.smtp.mails) == 1, "the mail")
        claim = office.link("I take it")
        for _ in range(2):
            status, shown = await office.look(claim)
            assert status == 200 and "Take this case?" in shown and "My <mark>Acme</mark> is broken" in shown
        assert events(installed) == []
        status, shown = await office.press(claim)
        assert status == 200 and "Kim has it since" in shown
        assert events(installed) == [("claim", "Kim", "mail")]
        status, shown = await office.look(office.link("Open in mentiond"))
        assert status == 200 and "Kim took it" in shown
        assert (await office.look(f"http://127.0.0.1:{office.port}/mentions/1"))[0] == 403
        assert await daemon.ask(signal.SIGTERM) == 0
        log = daemon.log.read_text(encoding="utf-8")
    assert "/actions/,/mentions/,/alerts/" in log
    assert claim.rpartition("/")[2] not in log


async def test_f37_a_press_is_taken_once_whenever_the_daemon_dies(installed: Installation, office: Office) -> None:
    async with installed.daemon() as daemon:
        await until(lambda: len(office.smtp.mails) == 1, "the mail")
        claim = office.link("I take it")
        pressing = asyncio.create_task(office.press(claim))
        await asyncio.sleep(0)  # it is on its way
        assert await daemon.ask(signal.SIGKILL) == -signal.SIGKILL
        await pressing
    async with installed.daemon() as daemon:
        statuses: list[int] = []
        while not statuses or statuses[-1] == 0:
            statuses.append((await office.press(claim))[0])
            await asyncio.sleep(0.1)
        assert statuses[-1] in (200, 409)
        assert (await office.press(claim))[0] == 409
        assert events(installed) == [("claim", "Kim", "mail")]
        await daemon.ask(signal.SIGTERM)


async def test_without_a_public_address_mails_have_no_buttons_and_nothing_listens(
    installed: Installation, feed: Feed, web: Web
) -> None:
    async with serve_smtp() as smtp:
        installed.write(configuration([feed_source(web)], [mailbox(smtp.port, "kim@example.com")]))
        feed.items.append(item(1, "My Acme is broken"))
        ended = await installed.once()
        assert ended.code == 0, ended.err
        assert "I take it" not in readable(smtp.mails[0].message)
        said = await installed.mentiond("check", "-c", installed.config, "--json")
    assert next(line for line in said.lines if line["kind"] == "receiver")["level"] == "hint"
