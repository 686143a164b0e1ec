"""The HTTP server for pushes, asked by a real client: what is answered, and what is in the store before that."""

from __future__ import annotations

import asyncio
import gzip
import logging
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import pytest

from monitor import inbox, pushing, web
from monitor.schema import inbox as inbox_rows
from monitor.store import Store, StoreError
from sources.base import Pushed, Reply
from tests.fakes import FixedClock
from tests.monitor.builders import column, register_part, rows_of
from tests.servers import serve_at_any_port

LARGEST = 1000


@dataclass(slots=True)
class KeyedHook:
    """Takes what names a key in `x-key`, refuses the rest; keeps what it was asked."""

    largest: int = LARGEST
    methods: tuple[str, ...] = ("GET", "POST")
    pushed: list[Pushed] = field(default_factory=list)

    def accept(self, pushed: Pushed) -> Reply:
        self.pushed.append(pushed)
        if pushed.method == "GET":
            return Reply(text=pushed.query.get("challenge", ""))
        key = pushed.headers.get("x-key")
        return Reply(text="kept", key=key) if key else Reply(status=401, text="no key")


@dataclass(slots=True)
class Site:
    """A running server with one hook, and a client."""

    address: str
    hook: KeyedHook
    store: Store
    client: aiohttp.ClientSession

    async def push(self, body: bytes | AsyncIterator[bytes], key: str = "a", **headers: str) -> tuple[int, str]:
        named = {"X-Key": key} | {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.client.post(f"{self.address}/hooks/chat", data=body, headers=named) as answer:
            return answer.status, await answer.text()

    @property
    def bodies(self) -> list[bytes]:
        return column(self.store, inbox_rows.c.body)


@pytest.fixture
async def site(store: Store) -> AsyncIterator[Site]:
    register_part(store, FixedClock()(), "chat")
    hook = KeyedHook()
    async with (
        serve_at_any_port(web.Hooks({"chat": hook}, store, FixedClock()).routes()) as address,
        aiohttp.ClientSession(trust_env=False, timeout=aiohttp.ClientTimeout(total=20)) as client,
    ):
        yield Site(address, hook, store, client)


async def in_pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    """A body without a length, sent chunk by chunk."""
    for piece in pieces:
        yield piece


async def test_a_body_is_in_the_store_before_it_is_acknowledged(site: Site) -> None:
    body = b'{"text": "M\xc3\xbcller \x00"}'
    assert await site.push(body, Content_Type="application/json; charset=utf-8") == (200, "kept")
    [row] = rows_of(site.store, inbox_rows)
    assert (row.source, row.key, row.body) == ("chat", "a", body)
    assert row.content_type == "application/json; charset=utf-8"


async def test_the_same_key_twice_is_kept_once_and_acknowledged_twice(site: Site) -> None:
    assert await site.push(b"one") == (200, "kept")
    assert await site.push(b"one") == (200, "kept")
    assert await site.push(b"two", key="b") == (200, "kept")
    assert site.bodies == [b"one", b"two"]


async def test_the_hook_sees_method_query_and_lower_case_headers(site: Site) -> None:
    async with site.client.get(f"{site.address}/hooks/chat?challenge=%3Cb%3E1&a=b", headers={"X-Some": "V"}) as answer:
        assert (answer.status, await answer.text()) == (200, "<b>1")
        assert answer.content_type == "text/plain"
    [pushed] = site.hook.pushed
    assert (pushed.method, pushed.query, pushed.headers["x-some"]) == ("GET", {"challenge": "<b>1", "a": "b"}, "V")
    assert site.bodies == []


async def test_what_the_hook_refuses_is_not_kept(site: Site) -> None:
    assert await site.push(b"one", key="") == (401, "no key")
    assert site.bodies == []


@pytest.mark.parametrize("path", ["/hooks/other", "/hooks/", "/hooks/chat/more", "/", "/hooks/..%2fchat"])
async def test_an_unknown_hook_is_404(site: Site, path: str) -> None:
    async with site.client.post(site.address + path, data=b"{}", headers={"X-Key": "a"}) as answer:
        assert answer.status == 404
    assert site.bodies == []


async def test_another_method_is_405_and_says_which_are_taken(site: Site) -> None:
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        async with site.client.request(method, f"{site.address}/hooks/chat", headers={"X-Key": "a"}) as answer:
            assert (answer.status, answer.headers["Allow"]) == (405, "GET, POST")
    assert site.hook.pushed == []


async def test_a_body_of_the_largest_size_is_taken(site: Site) -> None:
    assert (await site.push(b"x" * LARGEST))[0] == 200
    assert (await site.push(in_pieces(b"y" * 600, b"y" * 400), key="b"))[0] == 200
    assert [len(body) for body in site.bodies] == [LARGEST, LARGEST]


async def test_a_larger_body_is_413_with_and_without_a_length(site: Site) -> None:
    assert (await site.push(b"x" * (LARGEST + 1)))[0] == 413
    assert (await site.push(in_pieces(b"x" * 600, b"x" * 401)))[0] == 413
    assert site.bodies == []
    assert site.hook.pushed == []


async def test_a_compressed_body_is_415_since_signatures_are_over_what_was_sent(site: Site) -> None:
    assert (await site.push(gzip.compress(b"{}"), Content_Encoding="gzip"))[0] == 415
    assert site.bodies == []


async def test_a_slow_body_is_408(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pushing, "BODY_SECONDS", 0.2)
    never = asyncio.Event()

    async def stuck() -> AsyncIterator[bytes]:
        yield b'{"half": '
        await never.wait()

    assert (await site.push(stuck()))[0] == 408
    assert site.bodies == []


async def test_a_body_that_breaks_off_is_not_kept(site: Site) -> None:
    host, port = site.address.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /hooks/chat HTTP/1.1\r\nHost: x\r\nX-Key: a\r\nContent-Length: 100\r\n\r\nhalf")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await site.push(b"whole", key="b"))[0] == 200  # the server goes on
    assert site.bodies == [b"whole"]


async def test_a_full_inbox_is_503_with_retry_after(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "LONGEST_QUEUE", 1)
    assert (await site.push(b"one"))[0] == 200
    async with site.client.post(f"{site.address}/hooks/chat", data=b"two", headers={"X-Key": "b"}) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "30")
    assert site.bodies == [b"one"]


async def test_a_store_that_fails_is_503_and_said_once_until_it_works_again(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(inbox, "keep", _fail)
        for _ in range(3):
            async with site.client.post(f"{site.address}/hooks/chat", data=b"one", headers={"X-Key": "a"}) as answer:
                assert (answer.status, answer.headers["Retry-After"]) == (503, "30")
    assert [record.message for record in caplog.records] == ["pushed body refused source=chat error=disk full"]
    assert site.bodies == []
    assert (await site.push(b"one"))[0] == 200
    assert site.bodies == [b"one"]


def _fail(*_: object) -> bool:
    raise StoreError("disk full")


async def test_refusals_are_logged_once_each_until_something_is_accepted(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "mentiond.web")
    for _ in range(3):
        await site.push(b"x", key="")
        await site.push(b"x" * 2000)
    assert [record.message for record in caplog.records] == [
        "push refused source=chat status=401 reason=no key",
        "push refused source=chat status=413 reason=a body may have 1,000 bytes",
    ]
    await site.push(b"x")
    await site.push(b"x", key="")
    assert len(caplog.records) == 3


async def test_a_hundred_pushes_at_once_are_all_kept(site: Site) -> None:
    bodies = [f"body {number}".encode() for number in range(100)]
    answers = await asyncio.gather(*(site.push(body, key=str(number)) for number, body in enumerate(bodies)))
    assert {status for status, _ in answers} == {200}
    assert sorted(site.bodies) == sorted(bodies)


async def test_the_same_push_twenty_times_at_once_is_kept_once(site: Site) -> None:
    answers = await asyncio.gather(*(site.push(b"one") for _ in range(20)))
    assert {status for status, _ in answers} == {200}
    assert site.bodies == [b"one"]


async def test_a_port_that_is_taken_is_a_clear_error(store: Store) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(web.ListenError, match=rf"cannot listen on 127\.0\.0\.1:{port}: .*change `server\.listen`"):
            web.open_listener(f"127.0.0.1:{port}")
