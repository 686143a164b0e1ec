"""Apprise: who a recipient is, what a service is told, and what is not told of an address."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web as aioweb
from pydantic import ValidationError

from alerts import apprise
from alerts.apprise import Apprise, AppriseSettings
from alerts.base import Context, Proposal, ReceiverError
from rules.base import Personal, PersonalKind, Span
from tests.alerts.samples import HOSTILE, alert, alert_of, case, digest, mention, notice, post
from tests.servers import Web

SECRET = "s3cr3t-t0ken"


def receiver(*urls: str, **settings: Any) -> Apprise:
    said = {"name": "teams", "type": "apprise", "urls": urls, **settings}
    return Apprise(AppriseSettings.model_validate_json(json.dumps(said)))


def local(web: Web, path: str) -> str:
    return web.url(path).replace("http://", "json://")


def told(web: Web) -> list[dict[str, Any]]:
    return [json.loads(request.body) for request in web.requests]


def test_each_address_is_a_recipient_that_tells_nothing_of_it() -> None:
    urls = [f"discord://{SECRET}/x", f"WORKFLOWS://host/{SECRET}/y", f"https://host.example/{SECRET}"]
    settings = AppriseSettings.model_validate_json(json.dumps({"name": "a", "type": "apprise", "urls": urls}))
    assert settings.recipients == ("1:discord", "2:workflows", "3:https")
    assert SECRET not in repr(settings)


@pytest.mark.parametrize("urls", [[], [SECRET], [f"//{SECRET}"], [f"json://{SECRET} x"], [f" json://{SECRET}"], [7]])
def test_what_is_no_address_is_refused_without_telling_it(urls: list[Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        receiver(*urls)
    assert SECRET not in str(caught.value)


async def test_only_the_recipient_gets_the_alert(web: Web) -> None:
    web["/a"] = web["/b"] = (200, {}, b"")
    both = receiver(local(web, "/a"), local(web, "/b"), lang="de")
    await both.send(alert(recipient="2:json"))
    assert [request.path.partition("?")[0] for request in web.requests] == ["/b"]
    (said,) = told(web)
    assert said["title"].startswith("Beschwerde über acme")
    assert "kaputt" in said["message"]
    with pytest.raises(ReceiverError, match="no address '3:json' any more") as caught:
        await both.send(alert(recipient="3:json"))
    assert caught.value.permanent and not caught.value.channel


async def test_an_address_that_apprise_does_not_know_stops_the_channel_and_is_not_told() -> None:
    unknown = receiver(f"nosuchservice://{SECRET}/x")
    for ask in (lambda: unknown.send(alert(recipient="1:nosuchservice")), unknown.probe):
        with pytest.raises(ReceiverError) as caught:
            await ask()
        assert caught.value.permanent and caught.value.channel
        assert str(caught.value) == "1:nosuchservice is no address that Apprise knows"


class Heard(logging.Handler):
    """What reaches the handlers of the daemon (pytest's own are also put on loggers that pass nothing on)."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith("aiohttp"):  # the server of the test
            self.lines.append(record.getMessage())


@pytest.fixture
def heard() -> Iterator[Heard]:
    handler, root = Heard(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)


async def test_nothing_of_an_address_is_logged(web: Web, heard: Heard) -> None:
    with pytest.raises(ReceiverError) as caught:
        await receiver(local(web, f"/{SECRET}")).send(alert(recipient="1:json"))
    assert str(caught.value) == "1:json: answered 404"
    assert SECRET not in "\n".join(heard.lines)


@pytest.mark.parametrize(
    ("status", "maybe_sent"), [(400, False), (404, False), (429, False), (500, True), (302, False)]
)
async def test_every_refusal_is_tried_again(web: Web, status: int, maybe_sent: bool) -> None:
    web["/a"] = (status, {"Location": "/b"}, b"")
    with pytest.raises(ReceiverError, match=f"1:json: answered {status}") as caught:
        await receiver(local(web, "/a")).send(alert(recipient="1:json"))
    assert (caught.value.permanent, caught.value.maybe_sent) == (False, maybe_sent)
    assert len(web.requests) == 1


async def test_a_service_that_hangs_holds_one_thread_and_no_longer_than_the_timeout(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived, release = asyncio.Event(), asyncio.Event()

    async def hang(request: aioweb.Request) -> aioweb.Response:
        arrived.set()
        await release.wait()
        return aioweb.Response()

    web["/a"] = hang
    monkeypatch.setattr(apprise, "SEND_TIMEOUT", 4.2)
    slow = receiver(local(web, "/a"))
    first = asyncio.create_task(slow.send(alert(recipient="1:json")))
    await arrived.wait()
    with pytest.raises(ReceiverError, match="still at the attempt before") as caught:
        await slow.send(alert(recipient="1:json"))
    assert not caught.value.maybe_sent
    with pytest.raises(ReceiverError) as caught:
        await first
    assert caught.value.maybe_sent and not caught.value.permanent
    release.set()


async def test_f35_a_post_calls_nobody_and_links_nowhere(web: Web) -> None:
    web["/a"] = (200, {}, b"")
    text = "@everyone @here <@123> <!channel> acme [bank](https://evil.example) ![](https://evil.example/x.png) ```"
    await receiver(local(web, "/a")).send(alert_of(text + HOSTILE, recipient="1:json"))
    said = told(web)[0]["message"]
    for sign in ("@everyone", "@here", "<", ">", "](", "```"):
        assert sign not in said
    assert "@\u2060everyone" in said


async def test_personal_data_is_covered_unless_it_may_be_shown(web: Web) -> None:
    web["/a"] = (200, {}, b"")
    found = mention(post(title="", text="Acme, ruft 0171/1234567 an"))
    spans = (Personal(PersonalKind.PHONE, Span("text", 11, 23)),)
    owed = alert(replace(found, personal=spans), recipient="1:json")
    await receiver(local(web, "/a")).send(owed)
    await receiver(local(web, "/a"), show_personal=True).send(owed)
    hidden, shown = [said["message"] for said in told(web)]
    assert "0171" not in hidden and "••••" in hidden
    assert "0171/1234567" in shown


@pytest.fixture
async def teams(certificate: Path, tmp_path: Path) -> AsyncIterator[tuple[str, list[Any]]]:
    """An HTTPS server in place of Power Automate: its address as Apprise wants it, and what was posted."""
    posted: list[Any] = []

    async def take(request: aioweb.Request) -> aioweb.Response:
        posted.append(await request.json())
        return aioweb.Response(status=202)

    application = aioweb.Application()
    application.router.add_post("/{path:.*}", take)
    runner = aioweb.AppRunner(application)
    await runner.setup()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    await aioweb.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    yield f"workflows://127.0.0.1:{runner.addresses[0][1]}/flow/{SECRET}/?verify=no", posted
    await runner.cleanup()


async def test_teams_gets_every_kind_of_alert_within_its_thousand_characters(teams: tuple[str, list[Any]]) -> None:
    address, posted = teams
    to_teams = receiver(address, lang="de")
    context = Context(case(), (), Proposal("Guten Tag Jörg, " + "das tut uns leid. " * 30, "Kim fragen"))
    owed = [alert(contexts={7: context}), alert_of("acme " * 5_000), digest(), notice("x" * 5_000)]
    for one in owed:
        await to_teams.send(replace(one, recipient="1:workflows"))
    assert len(posted) == len(owed)
    for card in posted:
        text = json.dumps(card, ensure_ascii=False)
        assert len(text) < 3_000
        assert "https://mentiond.example.com/mentions/7" in text
