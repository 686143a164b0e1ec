"""What every source that others push to promises, whoever they are: it believes only the sender and never breaks."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from pydantic import TypeAdapter

from sources.base import JSON, Hook, HttpError, Page, Reply, Source, Stream
from sources.registry import SOURCE_TYPES, SourceConfig, build
from sources.tools import WHOLE
from tests.fakes import START, FailingHttp, FixedClock, FixedInbox, source_tools
from tests.sources.benches.bench import HOSTILE
from tests.sources.senders import SENDERS, Sender, tampered

CONFIG: TypeAdapter[SourceConfig] = TypeAdapter(SourceConfig)
HOOK_TYPES = {"meta", "webhook"}
RUBBISH = [
    b"",
    b"\xff\xfe\x00",
    b"<html>",
    b'{"cut": [1, 2',
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"text=form&encoded=1",
    b"9" * 10_000,
    b'"text"',
    b"null",
    b"{}\n{]\n",
]
HOSTILE_VALUES: tuple[JSON, ...] = (
    {},
    [],
    [None, 1, "x", [], {}],
    {"text": HOSTILE, "author": {"name": ["x"]}, "url": "javascript:alert(1)", "published_at": 1e300},
    {"entry": 5},
    {"object": "page", "entry": [5, None, {"changes": 3}, {"id": [], "changes": [7, {"field": [], "value": "x"}]}]},
    {"object": HOSTILE, "entry": [{"messaging": [{}, {"message": {"mid": {}, "text": HOSTILE}}]}]},
)
HOSTILE_BODIES = [json.dumps(value).encode() for value in HOSTILE_VALUES]
HOSTILE_BODIES.append(b'{"text": "x", "rating": NaN, "followers": -1e999, "external_id": "\\ud800"}')


@pytest.fixture(params=SENDERS)
def sender(request: pytest.FixtureRequest) -> Sender:
    return SENDERS[request.param]


def made(sender: Sender, inbox: FixedInbox | None = None) -> tuple[Hook, Source]:
    tools = source_tools(FailingHttp(HttpError("no network")), clock=FixedClock(), inbox=inbox)
    source = build(CONFIG.validate_python(sender.keys), tools)[WHOLE]
    assert not isinstance(source, Stream)
    assert isinstance(source, Hook)
    return source, source


@pytest.fixture
def hook(sender: Sender) -> Hook:
    return made(sender)[0]


def is_refused(reply: Reply, *statuses: int) -> bool:
    return reply.key is None and reply.status in (statuses or (401,)) and bool(reply.text)


def test_every_hook_has_a_sender_here() -> None:
    assert {sender.keys["type"] for sender in SENDERS.values()} == HOOK_TYPES <= set(SOURCE_TYPES)


def test_what_the_sender_signed_is_kept(sender: Sender, hook: Hook) -> None:
    reply = hook.accept(sender.push())
    assert (reply.status, bool(reply.key)) == (200, True)
    assert "POST" in hook.methods
    assert hook.largest >= 2**16


def test_what_nobody_signed_is_refused(sender: Sender, hook: Hook) -> None:
    assert is_refused(hook.accept(tampered(sender.push(), headers={})))


def test_what_another_signed_is_refused(sender: Sender, hook: Hook) -> None:
    assert is_refused(hook.accept(sender.push(secret=sender.other)))


def _spoilt(value: str) -> Iterator[str]:
    yield ""
    yield "x"
    yield value[:-2]
    yield value + "00"
    yield value[::-1]
    yield "ÿ" + value[1:]
    yield value.replace("=", " = ") + ","
    yield "9" * 10_000
    yield "\udcff" * 3


def test_a_spoilt_proof_is_refused(sender: Sender, hook: Hook) -> None:
    pushed = sender.push()
    for name in set(pushed.headers) - {"content-type", "webhook-id"}:
        for value in _spoilt(pushed.headers[name]):
            assert is_refused(hook.accept(tampered(pushed, headers={**pushed.headers, name: value}))), (name, value)


def test_the_signature_is_over_the_raw_bytes(sender: Sender, hook: Hook) -> None:
    if not sender.signs_body:
        pytest.skip("a token does not cover the body")
    body = json.loads(sender.body)
    written = json.dumps(body, ensure_ascii=False).encode(), json.dumps(body).encode(), sender.body + b"\n"
    for same in set(written) - {sender.body}:
        assert hook.accept(sender.push(same)).status == 200
        assert is_refused(hook.accept(tampered(sender.push(), body=same)))


def test_an_old_push_and_one_from_the_future_are_refused(sender: Sender, hook: Hook) -> None:
    if not sender.signs_time:
        pytest.skip("says no time")
    for seconds in (-299, 299):
        assert hook.accept(sender.push(at=START + timedelta(seconds=seconds))).status == 200
    for seconds in (-301, 301, -86_400 * 365):
        assert is_refused(hook.accept(sender.push(at=START + timedelta(seconds=seconds))))


def test_the_same_push_has_the_same_key_and_another_has_another(sender: Sender, hook: Hook) -> None:
    key = hook.accept(sender.push()).key
    assert hook.accept(sender.push()).key == key
    assert key is not None
    assert len(key) < 600
    if "webhook-id" not in sender.push().headers:
        assert hook.accept(sender.push(sender.body + b" ")).key not in (None, key)


@pytest.mark.parametrize("body", RUBBISH, ids=range(len(RUBBISH)))
def test_what_is_not_json_is_refused_though_it_is_signed(sender: Sender, hook: Hook, body: bytes) -> None:
    assert is_refused(hook.accept(sender.push(body)), 400)


@pytest.mark.parametrize("body", [*RUBBISH, *HOSTILE_BODIES], ids=range(len(RUBBISH) + len(HOSTILE_BODIES)))
async def test_whatever_is_in_the_inbox_is_read_past(sender: Sender, body: bytes) -> None:
    inbox = FixedInbox()
    hook, source = made(sender, inbox)
    hook.accept(sender.push(body))
    inbox.push(body)
    inbox.push(sender.body)
    page = await source.fetch({})
    assert page.cursor == {"after": 2}
    assert any("Acme ist kaputt 💥" in post.text for post in page.posts)
    for post in page.posts:
        f"{post.text}{post.title}{post.author}{post.external_id}{post.url}".encode()


async def test_what_could_not_be_read_is_said(sender: Sender) -> None:
    inbox = FixedInbox()
    inbox.push(b'{"nothing": "of use"}')
    page = await made(sender, inbox)[1].fetch({})
    assert page.posts == ()
    [notice] = page.notices
    assert "delivery 1" in notice


async def test_an_empty_inbox_is_an_empty_page(sender: Sender) -> None:
    page = await made(sender)[1].fetch({"after": 7})
    assert page == Page(posts=(), cursor={"after": 7}, body=False)


async def test_the_inbox_is_read_in_pages(sender: Sender) -> None:
    inbox = FixedInbox()
    for _ in range(45):
        inbox.push(sender.body)
    source, cursor, pages = made(sender, inbox)[1], {}, []  # type: ignore[var-annotated]
    while not pages or pages[-1].more:
        pages.append(await source.fetch(cursor))
        cursor = pages[-1].cursor
    assert len(pages) == 3
    assert cursor == {"after": 45}


async def test_a_probe_names_the_place(sender: Sender) -> None:
    assert "/hooks/mine" in await made(sender)[1].probe()


def test_a_decision_over_a_megabyte_takes_less_than_half_a_second(sender: Sender, hook: Hook) -> None:
    bodies = [b'{"text": "' + b"x" * 2**20 + b'"}', b"[" + b'{"a":1},' * 130_000 + b"1]", b"\xff" * 2**20]
    for body in bodies:
        begun = time.process_time()
        hook.accept(sender.push(body))
        assert time.process_time() - begun < 0.5
