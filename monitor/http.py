"""The guarded HTTP session: every outbound request of sources and webhook receivers goes through it.

Its limits protect against hostile and broken servers (design, section 10): time, size, redirects and, at the moment a
connection is made, the very address that is connected to, so that neither DNS nor a redirect leads inside. It is also
polite: few connections per host, an honest User-Agent, and a host that answers 429 or 503 with Retry-After (RFC 9110
section 10.2.3) is left alone until then.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any, Self
from weakref import WeakValueDictionary

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from monitor.addresses import is_public
from monitor.bodies import BodyError, open_body
from monitor.hops import FOLLOWED, Answer, Hop, first_hop, host_name, next_hop
from sources.base import Clock, HttpError, Response

TOTAL_SECONDS = 20.0  # one request with its redirects; waiting for a free connection does not count
CONNECT_SECONDS = 5.0  # TCP and TLS
BODY_BYTES = 10 * 2**20  # decompressed
HEADER_BYTES = 64 * 2**10
REDIRECTS = 5
LONGEST_PAUSE = 24 * 3600.0  # seconds

_LINE_BYTES = 16 * 2**10
_REFUSED = -1  # errno of an address that is not allowed: aiohttp keeps the number where it merges several errors
_PERMANENT = (301, 308)
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)  # of one hop; the total is ours
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class GuardedHttp:
    """Implements sources.base.Http. Built within a running event loop; close it or use it as a context manager.

    contact: an address for the User-Agent. per_host: connections per host and port. allow_hosts: names or addresses of
    hosts that may be private. total_seconds and resolver are there for tests.
    """

    def __init__(
        self,
        *,
        contact: str | None,
        per_host: int,
        allow_hosts: Sequence[str],
        clock: Clock,
        total_seconds: float = TOTAL_SECONDS,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._per_host = per_host
        self._allowed = frozenset(map(_normalize_host, allow_hosts))
        self._clock = clock
        self._total = total_seconds
        self._slots: WeakValueDictionary[tuple[str, int], asyncio.Semaphore] = WeakValueDictionary()
        self._paused: dict[tuple[str, int], datetime] = {}
        agent = f"mentiond/{version('mentiond')}" + (f" (+{contact})" if contact else "")
        self._guarded = self._open(agent, resolver, per_host, socket_factory=_open_public_socket)
        self._unguarded = self._open(agent, resolver, per_host, middlewares=(self._stay_on_allowed_hosts,))
        self._lasting = self._open(agent, resolver, 0, socket_factory=_open_public_socket)
        self._lasting_unguarded = self._open(agent, resolver, 0, middlewares=(self._stay_on_allowed_hosts,))

    def _open(
        self,
        agent: str,
        resolver: AbstractResolver | None,
        per_host: int,
        *,
        socket_factory: Any = None,
        middlewares: Sequence[aiohttp.ClientMiddlewareType] = (),
    ) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, limit_per_host=per_host, resolver=resolver, socket_factory=socket_factory
            ),
            headers={"User-Agent": agent},
            timeout=aiohttp.ClientTimeout(total=self._total, sock_connect=CONNECT_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            max_line_size=_LINE_BYTES,
            max_field_size=_LINE_BYTES,
            trace_configs=[_trace_sending()],
            middlewares=middlewares,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        for session in (self._guarded, self._unguarded, self._lasting, self._lasting_unguarded):
            await session.close()

    def session_for(self, url: str) -> aiohttp.ClientSession:
        """The aiohttp session for a host, for libraries that speak HTTP themselves.

        It guards addresses, connections per host and time, but neither the size of bodies nor Retry-After.
        """
        return self._session(URL(url))

    def lasting_session_for(self, url: str) -> aiohttp.ClientSession:
        """The same for connections that are kept open for hours: they take no place among the `per_host`."""
        return self._lasting_unguarded if host_name(URL(url)) in self._allowed else self._lasting

    def pause(self, url: str, seconds: float) -> None:
        """Leave the host of `url` (name and port) alone for so long, 24 h at the most."""
        until = self._clock() + timedelta(seconds=min(max(seconds, 0.0), LONGEST_PAUSE))
        host = first_hop(url, {}).host
        self._paused[host] = max(until, self._paused.get(host, until))

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        once: bool = False,
    ) -> Response:
        """Return any answer, 4xx and 5xx included. Redirects are followed for GET only. Raises HttpError."""
        hop = first_hop(url, headers or {})
        left = self._total
        statuses: list[int] = []
        while True:
            clock = asyncio.get_running_loop().time
            async with self._slot(hop):
                started = clock()
                answer = await self._ask(method, hop, body, left, once)
                left -= clock() - started
            following = next_hop(hop, answer) if method == "GET" else None
            if following is None:
                return _response(hop, answer, statuses, self._pause(hop, answer))
            statuses.append(answer.status)
            if len(statuses) > REDIRECTS:
                raise HttpError(f"{host_name(hop.url)}: more than {REDIRECTS} redirects", refused=True)
            hop = following

    def _slot(self, hop: Hop) -> asyncio.Semaphore:
        slot = self._slots.get(hop.host)
        if slot is None:
            slot = self._slots[hop.host] = asyncio.Semaphore(self._per_host)
        return slot

    async def _ask(self, method: str, hop: Hop, body: bytes | None, seconds: float, once: bool) -> Answer:
        self._check_pause(hop)
        exchange = SimpleNamespace(sent=False)
        with _errors_explained(hop, exchange, is_safe=method in _SAFE_METHODS and not once):
            async with (
                asyncio.timeout(seconds),
                self._session(hop.url).request(
                    method,
                    hop.url,
                    headers={**hop.headers, "accept-encoding": "gzip"},
                    data=body,
                    allow_redirects=False,
                    auto_decompress=False,
                    timeout=_TIMEOUT,
                    trace_request_ctx=exchange,
                    middlewares=(ask_once,) if once else (),  # no redirect is followed past `_session`
                ) as response,
            ):
                return await _read(response, is_redirect=method == "GET" and response.status in FOLLOWED)

    def _session(self, url: URL) -> aiohttp.ClientSession:
        return self._unguarded if host_name(url) in self._allowed else self._guarded

    async def _stay_on_allowed_hosts(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """A library that follows redirects by itself must not leave the allowed hosts unguarded."""
        if host_name(request.url) not in self._allowed:
            raise aiohttp.InvalidUrlClientError(request.url.host or "", "redirected off http.allow_hosts")
        return await handler(request)

    def _check_pause(self, hop: Hop) -> None:
        until = self._paused.get(hop.host)
        if until is None:
            return
        remaining = min((until - self._clock()).total_seconds(), LONGEST_PAUSE)
        if remaining > 0:
            message = f"{host_name(hop.url)} asked to be left alone for another {remaining:.0f} s"
            raise HttpError(message, retry_after=remaining)
        del self._paused[hop.host]

    def _pause(self, hop: Hop, answer: Answer) -> float | None:
        """What Retry-After asks for, in seconds; the host (name and port) is left alone for as long."""
        if answer.status not in (429, 503):
            return None
        now = self._clock()
        seconds = parse_retry_after(answer.headers.get("retry-after", ""), now)
        if seconds:
            self._paused[hop.host] = now + timedelta(seconds=seconds)
        return seconds


def parse_retry_after(value: str, now: datetime) -> float | None:
    """Seconds to wait, clamped to 0-24 h, from seconds or an HTTP date; None where it is neither."""
    value = value.strip()
    if re.fullmatch(r"[+-]?[0-9]{1,300}(\.[0-9]*)?", value):
        return min(max(float(value), 0.0), LONGEST_PAUSE)
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return min(max((date - now).total_seconds(), 0.0), LONGEST_PAUSE)


def _open_public_socket(address: tuple[Any, Any, int, str, tuple[Any, ...]]) -> socket.socket:
    """aiohttp calls this for every address just before it connects to it, literal addresses included."""
    family, kind, protocol, _, endpoint = address
    if not is_public(str(endpoint[0])):
        raise OSError(_REFUSED, f"{endpoint[0]} is not a public address (http.allow_hosts lists exceptions)")
    return socket.socket(family, kind, protocol)


async def ask_once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keeps aiohttp from sending a GET again when the connection broke: by an error that it does not know."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise  # nothing was sent
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError(str(error)) from error


def _trace_sending() -> aiohttp.TraceConfig:
    """Notes when a request begins to go out: from then on a failure may have come after the server acted."""

    async def note(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        if context.trace_request_ctx is not None:
            context.trace_request_ctx.sent = True

    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(note)
    return trace


def _normalize_host(host: str) -> str:
    try:
        return host_name(URL.build(scheme="http", host=host.strip("[]")))
    except ValueError:
        return host.lower()


def _response(hop: Hop, answer: Answer, statuses: list[int], retry_after: float | None) -> Response:
    url = str(hop.url)
    is_moved = bool(statuses) and all(status in _PERMANENT for status in statuses)
    return Response(
        status=answer.status,
        headers=answer.headers,
        body=answer.body,
        url=url,
        moved_to=url if is_moved else None,
        retry_after=retry_after,
    )


async def _read(response: aiohttp.ClientResponse, *, is_redirect: bool) -> Answer:
    if sum(len(name) + len(value) for name, value in response.raw_headers) > HEADER_BYTES:
        raise BodyError(f"the headers are larger than {HEADER_BYTES:,} bytes", too_large=True)
    headers = {name.lower(): value for name, value in response.headers.items()}
    if is_redirect and "location" in headers:
        return Answer(response.status, headers, b"")
    body = open_body(headers.get("content-encoding", ""), BODY_BYTES)
    async for chunk in response.content.iter_any():
        body.feed(chunk)
    return Answer(response.status, headers, body.finish())


@contextmanager
def _errors_explained(hop: Hop, exchange: SimpleNamespace, *, is_safe: bool) -> Iterator[None]:
    """Whatever goes wrong below comes out as HttpError; its text names the host only, for URLs carry secrets."""
    try:
        yield
    except (TimeoutError, aiohttp.ClientError, BodyError, OSError, ValueError) as error:
        raise HttpError(
            f"{host_name(hop.url)}: {_reason(error)}",
            refused=_is_refused(error),
            unreachable=_is_unreachable(error),
            maybe_sent=exchange.sent and not is_safe,
        ) from error


def _is_refused(error: Exception) -> bool:
    if isinstance(error, BodyError):
        return error.too_large
    if isinstance(error, aiohttp.ClientConnectorError):
        return error.os_error.errno == _REFUSED
    return isinstance(error, ValueError)  # a URL or a header that cannot be sent


def _is_unreachable(error: Exception) -> bool:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return error.os_error.errno != socket.EAI_AGAIN  # our own resolver is in trouble, and will be back
    return isinstance(error, aiohttp.ClientSSLError)


def _reason(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorDNSError():
            return f"the name does not resolve ({error.os_error.strerror or error.os_error})"
        case aiohttp.ClientConnectorCertificateError():
            return f"its certificate is not valid ({error.certificate_error})"
        case aiohttp.ClientConnectorError():
            return f"no connection ({error.os_error.strerror or error.os_error})"
        case TimeoutError():
            return "no whole answer in time"
        case aiohttp.InvalidURL():
            return "this is no usable URL"
        case BodyError():
            return str(error)
        case _:
            return f"the connection failed ({type(error).__name__})"
