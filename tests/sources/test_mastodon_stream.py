"""Mastodon's stream beside the contract of streams: what is asked for, what events become, what is remembered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import WSCloseCode
from aiohttp import web as aio
from pydantic import TypeAdapter, ValidationError

from sources import mastodon_events, mastodon_stream
from sources.api import Api
from sources.base import BACKOFF_LONG, BACKOFF_SHORT, Page, SourceError, Stream
from sources.mastodon_events import LONGEST_ID, MOST_ODD, Events
from sources.registry import SourceConfig, build, fingerprint
from sources.websocket import Dialer
from tests.fakes import START, FixedClock, PlainHttp, plain_http, source_tools
from tests.servers import Web, serve_web
from tests.sources.benches.bench import Item, items, json_answer
from tests.sources.benches.mastodon import URL, status
from tests.sources.benches.mastodon_stream import PATH, REASON, TOKEN, event, handler, make_stream, streaming_at
from tests.sources.benches.stream import StreamBench

CONFIG: TypeAdapter[SourceConfig] = TypeAdapter(SourceConfig)
AT = START - timedelta(minutes=1)


@pytest.fixture
def bench(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StreamBench:
    monkeypatch.setattr(mastodon_stream, "PAGE_SECONDS", 0.1)
    return make_stream(web, tmp_path)


@pytest.fixture
async def http() -> AsyncIterator[PlainHttp]:
    async with plain_http() as opened:
        yield opened


def stream(bench: StreamBench, http: PlainHttp, **keys: Any) -> Stream:
    parts = build(CONFIG.validate_python({"name": "fedi"} | bench.keys | keys), source_tools(http))
    (made,) = (part for part in parts.values() if isinstance(part, Stream))
    return made


async def first_with(source: Stream, text: str) -> Page:
    async with asyncio.timeout(5), aclosing(source.listen({})) as pages:
        async for page in pages:
            if any(post.text == text for post in page.posts):
                return page
    raise AssertionError("the stream ended without an error")


async def refusal(source: Stream) -> SourceError:
    with pytest.raises(SourceError) as caught:
        async with asyncio.timeout(5), aclosing(source.listen({})) as pages:
            async for _ in pages:
                pass
    return caught.value


# -- what is asked for -----------------------------------------------------------------------------------------------


async def test_one_connection_subscribes_to_every_hashtag_with_the_token(
    bench: StreamBench, http: PlainHttp, web: Web
) -> None:
    bench.post(*items(1, 1))
    page = await first_with(stream(bench, http), "text 1")
    asked = [request for request in web.requests if request.path == PATH]
    assert [request.headers["authorization"] for request in asked] == [f"Bearer {TOKEN}"]
    assert [json.loads(said) for said in bench.heard] == [
        {"type": "subscribe", "stream": "hashtag", "tag": "acme"},
        {"type": "subscribe", "stream": "hashtag", "tag": "globex"},
    ]
    assert (page.cursor, page.more, page.body, page.reached) == ({}, False, True, START)


@pytest.mark.parametrize("scheme", ["wss", "ws", "https"])
async def test_the_stream_is_where_the_instance_says_and_as_secret_as_the_instance(
    bench: StreamBench, http: PlainHttp, web: Web, scheme: str
) -> None:
    async with serve_web() as other:
        other[f"/live{PATH}"] = handler(bench)
        web["/api/v2/instance"] = json_answer(streaming_at(f"{scheme}{other.base[4:]}/live/"))
        bench.post(*items(1, 1))
        source = stream(bench, http, base_url=None, instances=({"url": f"{web.base}/", "token": TOKEN},))
        await first_with(source, "text 1")
    assert [request.path for request in web.requests] == ["/api/v2/instance"]


@pytest.mark.parametrize("named", [None, "", "nonsense", "wss://", "wss://[x", "wss://a b", 7])
async def test_an_instance_that_names_no_host_streams_itself(
    bench: StreamBench, http: PlainHttp, web: Web, named: object
) -> None:
    web["/api/v2/instance"] = json_answer(streaming_at(named))
    bench.post(*items(1, 1))
    await first_with(stream(bench, http, base_url=None, instances=({"url": web.base, "token": TOKEN},)), "text 1")


def test_each_instance_with_a_token_is_one_more_part_where_it_is_asked_for(bench: StreamBench, http: PlainHttp) -> None:
    instances = ({"url": "https://a.test", "token": "t"}, "https://b.test", {"url": "https://c.test/", "token": "t"})
    written = bench.keys | {"name": "fedi", "instances": instances, "hashtags": ("acme",)}
    polled = ["a.test#acme", "b.test#acme", "c.test#acme"]
    config = CONFIG.validate_python(written)
    assert list(build(config, source_tools(http))) == [*polled, "a.test/stream", "c.test/stream"]
    assert fingerprint(config, "a.test/stream") != fingerprint(config, "c.test/stream")
    assert list(build(CONFIG.validate_python(written | {"streaming": False}), source_tools(http))) == polled


@pytest.mark.parametrize("keys", [{"instances": (URL,)}, {"hashtags": (), "search": ("acme",)}])
def test_streaming_without_hashtags_or_a_token_is_refused(bench: StreamBench, keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="`streaming` needs"):
        CONFIG.validate_python(bench.keys | {"name": "fedi"} | keys)


# -- refusals --------------------------------------------------------------------------------------------------------


async def test_a_token_that_is_refused_at_the_handshake_switches_the_part_off(
    bench: StreamBench, http: PlainHttp
) -> None:
    source = stream(bench, http, instances=({"url": URL, "token": "old"},))
    error = await refusal(source)
    assert (error.permanent, "Invalid access token" in str(error), "old" in str(error)) == (True, True, False)
    with pytest.raises(SourceError, match="Invalid access token"):
        await source.probe()


@pytest.mark.parametrize(("status", "pause"), [(500, None), (502, None), (503, 40.0), (429, 40.0)])
async def test_a_handshake_that_fails_for_now_is_tried_again_soon(
    bench: StreamBench, http: PlainHttp, web: Web, status: int, pause: float | None
) -> None:
    async def refuse(request: aio.Request) -> aio.Response:
        return aio.Response(status=status, headers={REASON: "not now", "Retry-After": "40"})

    web[PATH] = refuse
    error = await refusal(stream(bench, http))
    assert (error.permanent, error.retry_after, error.backoff_limit) == (False, pause, BACKOFF_SHORT)
    assert "not now" in str(error)


@pytest.mark.parametrize(("status", "is_permanent", "limit"), [(401, True, BACKOFF_LONG), (400, False, BACKOFF_LONG)])
async def test_a_subscription_that_is_refused_ends_the_stream(
    bench: StreamBench, http: PlainHttp, status: int, is_permanent: bool, limit: timedelta
) -> None:
    bench.odd = [json.dumps({"error": "not this one", "status": status})]
    source = stream(bench, http)
    error = await refusal(source)
    assert (error.permanent, error.backoff_limit) == (is_permanent, limit)
    assert "not this one" in str(error)
    with pytest.raises(SourceError, match="not this one"):
        await source.probe()


async def test_a_server_that_is_gone_takes_no_subscription(bench: StreamBench, http: PlainHttp, web: Web) -> None:
    async def leave(request: aio.Request) -> aio.WebSocketResponse:
        socket = aio.WebSocketResponse()
        await socket.prepare(request)
        await socket.close(code=WSCloseCode.GOING_AWAY)
        return socket

    web[PATH] = leave
    async with Dialer(http.session_for, Api(http, FixedClock())).open(web.url(PATH)) as socket:
        assert (await socket.read(1, 5)).ended is not None
        with pytest.raises(SourceError, match="going away"):
            await socket.send({"type": "subscribe"})


# -- events ----------------------------------------------------------------------------------------------------------


class Telling:
    """The events of one connection, without one."""

    def __init__(self) -> None:
        self.events = Events("fedi", "mastodon.test", lambda status, why: SourceError(f"{status} {why}"))

    def say(self, *messages: str | bytes) -> Page:
        return self.events.page([m.encode() if isinstance(m, str) else m for m in messages], START)


@pytest.fixture
def telling() -> Telling:
    return Telling()


def written(name: str, number: int, text: str, **changes: Any) -> str:
    return event(name, json.dumps(status(Item(number, AT, text), id=str(number), **changes)))


def uri(number: int) -> str:
    return f"{URL}/ap/users/117020566092212359/statuses/{number}"


def test_a_status_of_two_hashtags_comes_twice_and_is_one_post(telling: Telling) -> None:
    page = telling.say(written("update", 1, "#acme #globex"), written("update", 1, "#acme #globex"))
    (post,) = page.posts
    assert (post.external_id, post.author, post.text) == (uri(1), "kim@mastodon.test", "#acme #globex")
    assert page.edited == ()


def test_an_edit_replaces_what_its_page_had_and_is_told_as_one(telling: Telling) -> None:
    page = telling.say(written("update", 1, "befor"), written("status.update", 1, "before"))
    assert ([post.text for post in page.posts], page.edited) == (["before"], (uri(1),))
    page = telling.say(written("status.update", 9, "never shown as it was"))
    assert page.edited == (uri(9),)


def test_a_deletion_takes_what_the_connection_has_shown_and_nothing_else(telling: Telling) -> None:
    telling.say(written("update", 1, "one"), written("update", 2, "two"))
    page = telling.say(event("delete", "1"), event("delete", "1"), event("delete", "7"))
    assert (page.deleted, page.posts, page.notices) == ((uri(1),), (), ())


def test_what_is_gone_before_its_page_is_only_deleted(telling: Telling) -> None:
    page = telling.say(written("update", 1, "a"), written("status.update", 1, "b"), event("delete", "1"))
    assert (page.posts, page.edited, page.deleted) == ((), (), (uri(1),))


def test_little_is_remembered_however_much_is_shown(telling: Telling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mastodon_events, "MOST_SHOWN", 100)
    telling.say(*(written("update", number, "x") for number in range(100)))
    telling.say(written("status.update", 0, "again"), written("update", 100, "x"))
    assert len(telling.events.shown) == 100
    page = telling.say(event("delete", "0"), event("delete", "1"), event("delete", "100"))
    assert page.deleted == (uri(0), uri(100))


def test_an_id_beyond_all_bounds_is_not_remembered(telling: Telling) -> None:
    page = telling.say(event("update", json.dumps(status(Item(1, AT, "x"), id="1" * (LONGEST_ID + 1)))))
    assert len(page.posts) == 1
    assert telling.events.shown == {}


def test_other_events_are_passed_over(telling: Telling) -> None:
    page = telling.say('{"stream": ["user"], "event": "filters_changed"}', event("announcement.delete", "7"))
    assert (page.posts, page.deleted, page.notices, telling.events.ended) == ((), (), (), None)


ODD = [
    event("update", "no json"),
    event("update", "[" * 100_000),
    event("update", "null"),
    event("update", '{"id": 7}'),
    json.dumps({"event": "update", "payload": {"id": "1"}}),
    json.dumps({"event": "update"}),
    json.dumps({"event": "delete", "payload": 7}),
    json.dumps({"event": ["update"], "payload": "{}"}),
    json.dumps({"error": ""}),
]


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_an_event_that_cannot_be_read_is_left_out_with_a_notice(telling: Telling, odd: str) -> None:
    page = telling.say(odd, written("update", 1, "one"))
    assert ([post.text for post in page.posts], len(page.notices)) == (["one"], 1)
    assert telling.say(odd).notices == ("1 events could not be read and were left out",)
    assert telling.events.ended is None


def test_another_protocol_is_noticed_over_several_pages(telling: Telling) -> None:
    for _ in range(MOST_ODD - 1):
        telling.say("{}")
    assert telling.events.ended is None
    telling.say("{}")
    assert "changed its shape" in str(telling.events.ended)


def test_a_page_of_nothing_says_so(telling: Telling) -> None:
    page = telling.say()
    assert (page.body, page.cursor, page.more, page.reached) == (False, {}, False, START)
