"""One contract for every receiver."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter

from alerts.base import Alert, Receipt, Receiver, ReceiverError, ReceiverSettings
from alerts.registry import ReceiverConfig, Tools, build
from rules.base import Personal, PersonalKind, Span
from tests.alerts.samples import HOSTILE, alert, alert_of, digest, mention, notice, post
from tests.servers import Web
from tests.slack_server import TOKEN, Answer, SlackServer
from tests.smtp_server import SmtpServer, readable

TYPES = ("console", "slack", "email", "webhook", "apprise")
SECRET = "whsec_c2VjcmV0IG9mIG1pbmU="


@dataclass
class Bench:
    """A receiver, the settings it came from, everything that arrived, and the means to be refused."""

    settings: dict[str, Any]
    receiver: Receiver
    arrived: Callable[[], list[str]]
    refuse: Callable[[str], None]  # "later", "message", "channel"


def configure(**settings: Any) -> Any:
    return TypeAdapter[Any](ReceiverConfig).validate_json(json.dumps({"name": "care", **settings}))


@pytest.fixture(params=TYPES)
def bench(
    request: pytest.FixtureRequest,
    tools: Tools,
    written: list[str],
    slack_server: SlackServer,
    smtp_server: SmtpServer,
    web: Web,
) -> Bench:
    makers: dict[str, Callable[[], tuple[dict[str, Any], Callable[[], list[str]], Callable[[str], None]]]] = {
        "console": lambda: ({"type": "console"}, lambda: written, lambda kind: None),
        "slack": lambda: _slack(slack_server),
        "email": lambda: _email(smtp_server),
        "webhook": lambda: _webhook(web),
        "apprise": lambda: _apprise(web),
    }
    settings, arrived, refuse = makers[request.param]()
    return Bench(settings, make(settings, tools), arrived, refuse)


@dataclass
class Addressed:
    """A receiver whose alerts are all for one of its recipients."""

    receiver: Receiver
    recipient: str

    async def send(self, owed: Alert) -> Receipt:
        return await self.receiver.send(replace(owed, recipient=self.recipient))

    async def probe(self) -> str:
        return await self.receiver.probe()


def make(settings: dict[str, Any], tools: Tools) -> Receiver:
    receiver = build(configure(**settings), tools)
    return Addressed(receiver, "1:json") if settings["type"] == "apprise" else receiver


def _slack(server: SlackServer) -> tuple[dict[str, Any], Callable[[], list[str]], Callable[[str], None]]:
    answers = {
        "later": Answer("limited", 30),
        "message": Answer("error", "msg_too_long"),
        "channel": Answer("error", "is_archived"),
    }
    settings = {"type": "slack", "token": TOKEN, "channel": "#care", "base_url": server.base}
    return settings, lambda: server.texts, lambda kind: server.then(answers[kind])


def _email(server: SmtpServer) -> tuple[dict[str, Any], Callable[[], list[str]], Callable[[str], None]]:
    def refuse(kind: str) -> None:
        if kind == "channel":
            server.mail_from = "553 not your address"
        else:
            server.rcpt["kim@example.com"] = {"later": "450 greylisted", "message": "550 no such user"}[kind]

    smtp = {"host": server.host, "port": server.port, "tls": "none"}
    settings = {"type": "email", "to": ["kim@example.com"], "from": "mentiond@example.com", "smtp": smtp}
    return settings, lambda: [readable(mail.message) for mail in server.mails], refuse


def _webhook(web: Web) -> tuple[dict[str, Any], Callable[[], list[str]], Callable[[str], None]]:
    web["/hook"] = (204, {}, b"")
    statuses = {"later": 503, "message": 422, "channel": 410}

    def refuse(kind: str) -> None:
        web["/hook"] = (statuses[kind], {"Retry-After": "30"}, b"")

    settings = {"type": "webhook", "url": web.url("/hook"), "secret": SECRET}
    return settings, lambda: [r.body.decode() for r in web.requests if r.method == "POST"], refuse


def _apprise(web: Web) -> tuple[dict[str, Any], Callable[[], list[str]], Callable[[str], None]]:
    web["/notify"] = (200, {}, b"")
    statuses = {"later": 503, "message": 422, "channel": 410}

    def refuse(kind: str) -> None:
        web["/notify"] = (statuses[kind], {}, b"")

    def arrived() -> list[str]:
        said = [json.loads(request.body) for request in web.requests]
        return [f"{one['title']}\n{one['message']}" for one in said]

    return {"type": "apprise", "urls": [web.url("/notify").replace("http", "json")]}, arrived, refuse


def test_every_registered_type_stands_under_the_contract() -> None:
    union = get_args(get_args(ReceiverConfig)[0])
    assert {get_args(model.model_fields["type"].annotation)[0] for model in union} == set(TYPES)
    assert all(issubclass(model, ReceiverSettings) for model in union)


async def test_sends_once_and_says_why(bench: Bench) -> None:
    receipt = await bench.receiver.send(alert())
    assert isinstance(receipt, Receipt)
    (shown,) = bench.arrived()
    for word in ("Acme", "kaputt", "acme", "nervt", "question|complaint", "mentiond.example.com/mentions/7"):
        assert word in shown


async def test_every_kind_of_alert_arrives(bench: Bench) -> None:
    for owed in (
        alert(),
        digest(),
        digest(1),
        digest(0),
        notice(),
        alert(mention(post(lang=None, author=None, url=None, title="", text=""))),
    ):
        await bench.receiver.send(owed)
    assert len(bench.arrived()) == 6


async def test_f35_a_hostile_post_arrives_inert_and_whole(bench: Bench) -> None:
    await bench.receiver.send(alert_of(HOSTILE, possibly_sent_twice=True))
    (shown,) = bench.arrived()
    for steering in ("\x1b", "\x9b", "\u202e", "\x00", "\ud800", "\r\nBcc:", "\nBcc:"):
        assert steering not in shown
    assert "victim@example.com" in shown


async def test_f34_any_length_arrives(bench: Bench) -> None:
    texts = ["", " \u200b\u2060 ", "a" * 3_001, "ä&<>" * 10_001, "👋🏽🇩🇪" * 5_000, "مرحبا acme " * 4_000]
    texts += ["acme " * 9_000, "e" + "\u0301" * 50_000, "\n" * 50_000 + "acme", "`" * 4_000]
    for text in texts:
        await bench.receiver.send(alert_of(text))
    assert len(bench.arrived()) == len(texts)


@pytest.mark.parametrize(
    ("kind", "permanent", "channel"),
    [("later", False, False), ("message", True, False), ("channel", True, True)],
)
async def test_refusals_say_what_to_do(bench: Bench, kind: str, permanent: bool, channel: bool) -> None:
    if bench.settings["type"] == "console":
        pytest.skip("standard output refuses nothing; its troubles are in test_console.py")
    if bench.settings["type"] == "apprise":
        permanent = channel = False  # its library only says that it did not work
    bench.refuse(kind)
    with pytest.raises(ReceiverError) as caught:
        await bench.receiver.send(alert())
    assert (caught.value.permanent, caught.value.channel) == (permanent, channel)
    assert not (caught.value.maybe_sent and permanent)
    assert str(caught.value)


async def test_nobody_there_is_transient_and_not_sent(bench: Bench, tools: Tools) -> None:
    if bench.settings["type"] == "console":
        pytest.skip("standard output is always there")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    changes: dict[str, dict[str, Any]] = {
        "slack": {"base_url": f"http://127.0.0.1:{port}"},
        "webhook": {"base_url": f"http://127.0.0.1:{port}"},
        "apprise": {"urls": [f"json://127.0.0.1:{port}/notify"]},
        "email": {"smtp": {"host": "127.0.0.1", "port": port, "tls": "none"}},
    }
    receiver = make(bench.settings | changes[bench.settings["type"]], tools)
    asked = [lambda: receiver.send(alert()), receiver.probe]
    if bench.settings["type"] == "apprise":  # its probe asks nobody
        assert await asked.pop()()
    for ask in asked:
        with pytest.raises(ReceiverError) as caught:
            await ask()
        assert (caught.value.permanent, caught.value.maybe_sent) == (False, False)


async def test_a_probe_posts_nothing(bench: Bench) -> None:
    assert await bench.receiver.probe()
    assert bench.arrived() == []


async def test_json_of_console_and_webhook_is_the_same(tools: Tools, written: list[str], web: Web) -> None:
    web["/hook"] = (200, {}, b"")
    owed = alert_of(HOSTILE)
    await build(configure(type="console", format="json"), tools).send(owed)
    await build(configure(type="webhook", url=web.url("/hook"), secret=SECRET), tools).send(owed)
    assert json.loads(written[0]) == json.loads(web.requests[0].body)
    assert json.loads(written[0])["mention"]["post"]["text"] == HOSTILE


async def test_personal_data_is_covered_unless_it_may_be_shown(bench: Bench, tools: Tools) -> None:
    found = mention(post(title="", text="Acme, ruft mich an: 0171/1234567"))
    owed = alert(replace(found, personal=(Personal(PersonalKind.PHONE, Span("text", 20, 32)),)))
    await bench.receiver.send(owed)
    await make(bench.settings | {"show_personal": True}, tools).send(owed)
    hidden, shown = bench.arrived()
    assert "1234567" not in hidden and "••••" in hidden
    assert "0171/1234567" in shown
