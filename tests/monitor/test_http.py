"""The guarded HTTP session against real servers on loopback: limits, redirects, addresses, politeness."""

from __future__ import annotations

import asyncio
import gzip
import shutil
import socket
import ssl
import subprocess
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web as server
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from monitor.addresses import is_public
from monitor.bodies import BodyError, open_body
from monitor.hops import Answer, Hop, next_hop
from monitor.http import BODY_BYTES, GuardedHttp, parse_retry_after
from sources.base import HttpError
from tests.servers import Web

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@dataclass
class FakeClock:
    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


@dataclass
class FakeResolver(AbstractResolver):
    """Answers every name with the addresses given."""

    addresses: Sequence[str]
    asked: list[str] = field(default_factory=list)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=0,
            )
            for address in self.addresses
        ]

    async def close(self) -> None:
        return None


def guarded(
    *,
    allow: Sequence[str] = ("127.0.0.1",),
    clock: Callable[[], datetime] = lambda: NOON,
    seconds: float = 20.0,
    resolver: AbstractResolver | None = None,
    per_host: int = 2,
) -> GuardedHttp:
    return GuardedHttp(
        contact="ops@example.com",
        per_host=per_host,
        allow_hosts=allow,
        clock=clock,
        total_seconds=seconds,
        resolver=resolver,
    )


async def failure(http: GuardedHttp, url: str, method: str = "GET", body: bytes | None = None) -> HttpError:
    with pytest.raises(HttpError) as raised:
        await http.request(method, url, body=body)
    return raised.value


def flags(error: HttpError) -> set[str]:
    return {name for name in ("refused", "unreachable", "maybe_sent") if getattr(error, name)}


@asynccontextmanager
async def raw_server(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], object], tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """A server that speaks whatever bytes `answer` writes; gives its port."""
    listening = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)  # type: ignore[arg-type]  # returns a coroutine
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()


async def test_request_is_honest_and_answer_whole(web: Web) -> None:
    web["/feed"] = (404, {"X-Thing": "a"}, b"gone?")
    async with guarded() as http:
        response = await http.request("GET", web.url("/feed"), headers={"If-None-Match": '"x"'})
    assert (response.status, response.body, response.url) == (404, b"gone?", web.url("/feed"))
    assert response.headers["x-thing"] == "a"
    assert response.moved_to is None
    sent = web.requests[0].headers
    assert sent["user-agent"].startswith("mentiond/")
    assert sent["user-agent"].endswith("(+ops@example.com)")
    assert (sent["accept-encoding"], sent["if-none-match"]) == ("gzip", '"x"')


async def test_credentials_in_the_url_become_a_header(web: Web) -> None:
    web["/"] = (200, {}, b"ok")
    async with guarded() as http:
        response = await http.request("GET", web.url("/").replace("://", "://me:pa%20ss@"))
    assert web.requests[0].headers["authorization"] == "Basic bWU6cGEgc3M="
    assert "me" not in response.url


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("30", 30.0),
        ("315360000", 86400.0),
        ("9" * 200, 86400.0),
        ("-5", 0.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("Sat, 21 Nov 2026 12:02:00 GMT", 120.0),
        ("Sat, 21 Nov 2026 11:00:00 GMT", 0.0),
        ("Wed, 21 Nov 2040 12:00:00 GMT", 86400.0),
        ("soon", None),
        ("", None),
        ("٣٠", None),
        ("nan", None),
        ("Sat, 99 Foo 2026 99:99:99", None),
    ],
)
def test_f15_retry_after_is_read_and_clamped(value: str, seconds: float | None) -> None:
    assert parse_retry_after(value, NOON) == seconds


@given(st.text())
def test_f15_any_retry_after_is_survived(value: str) -> None:
    seconds = parse_retry_after(value, NOON)
    assert seconds is None or 0 <= seconds <= 86400


@pytest.mark.parametrize("status", [429, 503])
async def test_f15_whole_host_is_left_alone(web: Web, status: int) -> None:
    clock = FakeClock()
    web["/a"] = (status, {"Retry-After": "60"}, b"")
    web["/b"] = (200, {}, b"ok")
    async with guarded(clock=clock) as http:
        assert (await http.request("GET", web.url("/a"))).retry_after == 60
        clock.now += timedelta(seconds=20)
        error = await failure(http, web.url("/b"))
        assert (error.retry_after, flags(error), len(web.requests)) == (40, set(), 1)
        clock.now += timedelta(seconds=41)
        assert (await http.request("GET", web.url("/b"))).body == b"ok"


async def test_f15_retry_after_counts_on_429_and_503_only(web: Web) -> None:
    web["/a"] = (200, {"Retry-After": "60"}, b"")
    web["/b"] = (429, {"Retry-After": "garbage"}, b"")
    async with guarded() as http:
        for path in ("/a", "/b", "/a"):
            assert (await http.request("GET", web.url(path))).retry_after is None


async def test_f16_permanent_chain_is_reported(web: Web) -> None:
    web["/1"] = (301, {"Location": "/2"}, b"x")
    web["/2"] = (308, {"Location": web.url("/3#top")}, b"")
    web["/3"] = (200, {}, b"here")
    web["/t"] = (302, {"Location": "/1"}, b"")
    async with guarded() as http:
        moved = await http.request("GET", web.url("/1"))
        assert (moved.body, moved.url, moved.moved_to) == (b"here", web.url("/3"), web.url("/3"))
        assert (await http.request("GET", web.url("/t"))).moved_to is None


async def test_f16_loop_ends_after_five_redirects(web: Web) -> None:
    web["/loop"] = (302, {"Location": "/loop"}, b"")
    async with guarded() as http:
        error = await failure(http, web.url("/loop"))
    assert flags(error) == {"refused"}
    assert len(web.requests) == 6


async def test_f16_five_redirects_are_followed(web: Web) -> None:
    for step in range(5):
        web[f"/{step}"] = (307, {"Location": f"/{step + 1}"}, b"")
    web["/5"] = (200, {}, b"end")
    async with guarded() as http:
        assert (await http.request("GET", web.url("/0"))).body == b"end"


@pytest.mark.parametrize(
    "target",
    [
        "file:///etc/passwd",
        "ftp://example.com/",
        "javascript:alert(1)",
        "http://",
        "http://[::1",
        "http://h:99999/",
        "//",
    ],
)
async def test_f16_redirects_elsewhere_are_refused(web: Web, target: str) -> None:
    web["/"] = (302, {"Location": target}, b"")
    async with guarded() as http:
        assert flags(await failure(http, web.url("/"))) == {"refused"}


async def test_f16_redirect_to_a_private_address_is_refused(web: Web) -> None:
    """The first hop is allowed by name, the address it redirects to is not."""
    port = URL(web.base).port
    web["/"] = (302, {"Location": f"http://127.0.0.1:{port}/secret"}, b"")
    web["/secret"] = (200, {}, b"secret")
    async with guarded(allow=["feeds.test"], resolver=FakeResolver(["127.0.0.1"])) as http:
        error = await failure(http, f"http://feeds.test:{port}/")
    assert flags(error) == {"refused"}
    assert "127.0.0.1" in str(error)
    assert [request.path for request in web.requests] == ["/"]


def test_f16_https_to_http_is_refused() -> None:
    hop = Hop(URL("https://example.com/a"), {})
    with pytest.raises(HttpError, match="from https to http"):
        next_hop(hop, Answer(301, {"location": "http://example.com/a"}, b""))
    assert next_hop(hop, Answer(200, {"location": "http://example.com/a"}, b"")) is None


@pytest.mark.parametrize(
    ("start", "target", "is_kept"),
    [
        ("https://a.example/x", "/y", True),
        ("https://a.example/x", "https://b.example/y", False),
        ("https://a.example/x", "https://a.example:8443/y", False),
        ("http://a.example/x", "https://a.example/x", True),
        ("https://a.example/x", "https://me:pw@b.example/y", False),
    ],
)
def test_f16_credentials_stay_with_their_host(start: str, target: str, is_kept: bool) -> None:
    secret = {"authorization": "Basic x", "x-api-key": "k", "cookie": "c"}
    following = next_hop(Hop(URL(start), {**secret, "if-none-match": "e"}), Answer(302, {"location": target}, b""))
    assert following is not None
    assert following.headers == ({**secret, "if-none-match": "e"} if is_kept else {"if-none-match": "e"})
    assert following.url.user is None


async def test_post_is_not_redirected(web: Web) -> None:
    web["/"] = (302, {"Location": "/x"}, b"see x")
    async with guarded() as http:
        response = await http.request("POST", web.url("/"), body=b"{}")
    assert (response.status, response.body, len(web.requests)) == (302, b"see x", 1)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://[::1]:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://[::127.0.0.1]:{port}/",
        "http://[64:ff9b::7f00:1]:{port}/",
        "http://0.0.0.0:{port}/",
        "http://2130706433:{port}/",
        "http://0x7f000001:{port}/",
        "http://127.1:{port}/",
        "http://169.254.169.254/latest/meta-data/",
    ],
)
async def test_private_addresses_are_refused_as_literals(web: Web, url: str) -> None:
    web["/"] = (200, {}, b"secret")
    async with guarded(allow=[]) as http:
        assert flags(await failure(http, url.format(port=URL(web.base).port))) == {"refused"}
    assert web.requests == []


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["::1", "127.0.0.1", "10.0.0.1"]])
async def test_names_of_private_addresses_are_refused_when_connecting(web: Web, addresses: list[str]) -> None:
    resolver = FakeResolver(addresses)
    async with guarded(allow=["127.0.0.1"], resolver=resolver) as http:
        error = await failure(http, f"http://rebind.test:{URL(web.base).port}/")
    assert (flags(error), resolver.asked, web.requests) == ({"refused"}, ["rebind.test"], [])


async def test_allowed_hosts_are_names_in_any_spelling(web: Web) -> None:
    web["/"] = (200, {}, b"ok")
    async with guarded(allow=["Intranet.Example."], resolver=FakeResolver(["127.0.0.1"])) as http:
        url = f"http://INTRANET.example:{URL(web.base).port}/"
        assert (await http.request("GET", url)).body == b"ok"


@pytest.mark.parametrize("session_for", [GuardedHttp.session_for, GuardedHttp.lasting_session_for])
async def test_sessions_for_libraries_are_guarded_too(
    web: Web, session_for: Callable[[GuardedHttp, str], aiohttp.ClientSession]
) -> None:
    port = URL(web.base).port
    web["/out"] = (302, {"Location": f"http://127.0.0.1:{port}/secret"}, b"")
    async with guarded(allow=["api.test"], resolver=FakeResolver(["127.0.0.1"])) as http:
        with pytest.raises(aiohttp.InvalidURL):
            await session_for(http, f"http://api.test:{port}/").get(f"http://api.test:{port}/out")
        with pytest.raises(aiohttp.ClientConnectorError):
            await session_for(http, web.base).get(web.base)
    assert [request.path for request in web.requests] == ["/out"]


PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "2a00:1450:4001::1", "100.128.0.1", "192.0.1.1"]
PRIVATE = [
    *("127.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "192.0.0.8"),
    *("224.0.0.1", "255.255.255.255", "198.18.0.1", "::", "::1", "::7f00:1", "::ffff:8.8.8.8", "64:ff9b::808:808"),
    *("64:ff9b:1::1", "2002:7f00:1::", "2001::1", "fe80::1%eth0", "fc00::1", "ff02::1", "not an address", ""),
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses(address: str) -> None:
    assert not is_public(address)


@given(st.ip_addresses())
def test_nothing_is_public_that_python_calls_otherwise(address: object) -> None:
    found = ip_address(str(address))
    if not found.is_global or found.is_multicast:
        assert not is_public(str(found))


async def test_f17_unknown_name_is_unreachable() -> None:
    async with guarded() as http:
        error = await failure(http, "http://nowhere.invalid/", "POST", b"{}")
    if "resolve" in str(error) and not error.unreachable:
        pytest.skip("no name server answers here, so that the name is not known to be unknown")
    assert flags(error) == {"unreachable"}


def make_certificate(folder: Path) -> ssl.SSLContext:
    if shutil.which("openssl") is None:
        pytest.skip("TLS faults need the openssl command to make a certificate")
    key, certificate = str(folder / "key.pem"), str(folder / "certificate.pem")
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate]
    subprocess.run([*command, "-days", "1", *subject], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


async def test_f17_untrusted_certificate_is_unreachable(tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with raw_server(answer, make_certificate(tmp_path)) as port, guarded() as http:
        error = await failure(http, f"https://127.0.0.1:{port}/", "POST", b"{}")
    assert flags(error) == {"unreachable"}
    assert "certificate" in str(error)


async def test_f17_no_tls_at_all_is_unreachable(web: Web) -> None:
    async with guarded() as http:
        assert flags(await failure(http, web.base.replace("http:", "https:"))) == {"unreachable"}


async def endless(request: server.Request) -> server.StreamResponse:
    """Sends a byte now and then, for ever, in chunks."""
    response = server.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"x")
        await asyncio.sleep(0.05)


async def test_f18_slow_body_ends_in_time_and_frees_its_slot(web: Web) -> None:
    web["/slow"] = endless
    web["/fast"] = (200, {}, b"ok")
    async with guarded(seconds=0.3, per_host=1) as http:
        started = asyncio.get_running_loop().time()
        error = await failure(http, web.url("/slow"))
        assert asyncio.get_running_loop().time() - started < 2
        assert flags(error) == set()
        assert (await http.request("GET", web.url("/fast"))).body == b"ok"


async def test_f18_total_time_covers_redirects(web: Web) -> None:
    async def late(request: server.Request) -> server.Response:
        await asyncio.sleep(0.15)
        return server.Response(status=302, headers={"Location": request.path})

    web["/late"] = late
    async with guarded(seconds=0.3) as http:
        error = await failure(http, web.url("/late"))
    assert "in time" in str(error)
    assert len(web.requests) <= 3


async def test_f18_never_ending_fast_body_stops_at_the_cap(web: Web) -> None:
    async def flood(request: server.Request) -> server.StreamResponse:
        response = server.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 2**20)

    web["/flood"] = flood
    async with guarded() as http:
        assert flags(await failure(http, web.url("/flood"))) == {"refused"}


def bomb(size: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    block = bytes(2**20)
    return b"".join(packer.compress(block) for _ in range(size // 2**20)) + packer.flush()


async def test_f19_gzip_bomb_stops_at_the_cap_in_bounded_memory(web: Web) -> None:
    web["/bomb"] = (200, {"Content-Encoding": "gzip"}, bomb(200 * 2**20))
    async with guarded() as http:
        tracemalloc.start()
        try:
            error = await failure(http, web.url("/bomb"), "POST")
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert flags(error) == {"refused", "maybe_sent"}
    assert peak < 40 * 2**20


async def test_f19_large_plain_body_stops_at_the_cap(web: Web) -> None:
    web["/large"] = (200, {}, bytes(50 * 2**20))
    web["/full"] = (200, {}, bytes(BODY_BYTES))
    async with guarded() as http:
        assert flags(await failure(http, web.url("/large"))) == {"refused"}
        assert len((await http.request("GET", web.url("/full"))).body) == BODY_BYTES


async def test_compressed_bodies_are_decompressed(web: Web) -> None:
    text = "Größe ".encode() * 9999
    raw = zlib.compressobj(wbits=-15)
    web["/gzip"] = (200, {"Content-Encoding": "gzip"}, gzip.compress(text, mtime=0))
    web["/two"] = (
        200,
        {"Content-Encoding": "GZIP"},
        gzip.compress(text[:99], mtime=0) + gzip.compress(text[99:]) + b"\0\0",
    )
    web["/zlib"] = (200, {"Content-Encoding": "deflate"}, zlib.compress(text))
    web["/raw"] = (200, {"Content-Encoding": "deflate"}, raw.compress(text) + raw.flush())
    async with guarded() as http:
        for path in ("/gzip", "/two", "/zlib", "/raw"):
            assert (await http.request("GET", web.url(path))).body == text


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(b"x" * 999, mtime=0)[:-9]),
        ("gzip", b"\x1f\x8bxxxxxxxxxxxx"),
        ("gzip", b"plain"),
        ("br", b"x"),
    ],
)
async def test_unreadable_bodies_are_errors(web: Web, encoding: str, body: bytes) -> None:
    web["/"] = (200, {"Content-Encoding": encoding}, body)
    async with guarded() as http:
        assert flags(await failure(http, web.url("/"))) == set()
        assert flags(await failure(http, web.url("/"), "POST")) == {"maybe_sent"}


@given(st.lists(st.binary(max_size=300), max_size=6), st.integers(1, 40))
def test_bodies_do_not_depend_on_how_they_arrive(parts: list[bytes], step: int) -> None:
    packed = b"".join(map(gzip.compress, parts))
    body = open_body("gzip", 10_000)
    for start in range(0, len(packed), step):
        body.feed(packed[start : start + step])
    assert body.finish() == b"".join(parts)


def test_f19_streams_of_empty_gzip_files_are_refused() -> None:
    body = open_body("gzip", 10 * 2**20)
    with pytest.raises(BodyError):
        body.feed(gzip.compress(b"", mtime=0) * 3000)


async def test_connections_per_host_are_limited(web: Web) -> None:
    running, most, gate = 0, 0, asyncio.Event()

    async def handler(request: server.Request) -> server.Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 2:
            asyncio.get_running_loop().call_later(0.05, gate.set)
        await gate.wait()
        running -= 1
        return server.Response()

    web["/"] = handler
    async with guarded() as http:
        await asyncio.gather(*(http.request("GET", web.url("/")) for _ in range(8)))
    assert most == 2


async def test_waiting_for_a_connection_does_not_count_as_time(web: Web) -> None:
    async def handler(request: server.Request) -> server.Response:
        await asyncio.sleep(0.1)
        return server.Response()

    web["/"] = handler
    async with guarded(seconds=0.5, per_host=1) as http:
        await asyncio.gather(*(http.request("GET", web.url("/")) for _ in range(8)))
    assert len(web.requests) == 8


async def closed_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        return port


async def test_refused_connection_was_not_sent() -> None:
    async with guarded() as http:
        assert flags(await failure(http, f"http://127.0.0.1:{await closed_port()}/", "POST", b"{}")) == set()


@pytest.mark.parametrize(
    "reply", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\ncut", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\n"]
)
async def test_f33_lost_answers_may_have_been_sent(reply: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply)
        writer.close()

    async with raw_server(answer) as port, guarded() as http:
        assert flags(await failure(http, f"http://127.0.0.1:{port}/", "POST", b"{}")) == {"maybe_sent"}
        assert flags(await failure(http, f"http://127.0.0.1:{port}/")) == set()


async def test_f33_timeout_after_sending_may_have_been_sent(web: Web) -> None:
    web["/"] = endless
    async with guarded(seconds=0.2) as http:
        assert flags(await failure(http, web.url("/"), "POST", b"{}")) == {"maybe_sent"}


async def test_endless_headers_are_refused() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 9000) for n in range(12)) + b"\r\n")
        writer.close()

    async with raw_server(answer) as port, guarded() as http:
        error = await failure(http, f"http://127.0.0.1:{port}/")
    assert "headers" in str(error)


@pytest.mark.parametrize(
    "url",
    ["", "no url", "http://", "file:///etc/passwd", "http://a..b/", "http://x:y:z/", "http://[x]/"],
)
async def test_unusable_urls_are_refused_without_being_shown(url: str) -> None:
    async with guarded(allow=[]) as http:
        assert flags(await failure(http, url)) == {"refused"}


async def test_bad_header_is_refused_and_secrets_are_not_shown(web: Web) -> None:
    async with guarded(seconds=0.3) as http:
        with pytest.raises(HttpError) as raised:
            await http.request("GET", web.url("/?token=s3cret"), headers={"X": "a\r\nb: s3cret"})
    assert raised.value.refused
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(("once", "asked"), [(False, 2), (True, 1)])
async def test_what_is_paid_for_is_never_asked_twice(web: Web, once: bool, asked: int) -> None:
    """aiohttp repeats a GET whose connection broke before the answer, without a word."""

    async def hang_up(request: server.Request) -> server.Response:
        assert request.transport is not None
        request.transport.close()
        return server.Response()

    web["/"] = hang_up
    async with guarded() as http:
        with pytest.raises(HttpError) as raised:
            await http.request("GET", web.url("/"), once=once)
    assert len(web.requests) == asked
    assert raised.value.maybe_sent == once


async def test_what_is_asked_once_is_guarded_as_well(web: Web) -> None:
    async with guarded(allow=[]) as http:
        with pytest.raises(HttpError) as raised:
            await http.request("GET", web.url("/"), once=True)
    assert raised.value.refused
    assert web.requests == []
