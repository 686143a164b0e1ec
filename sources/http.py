"""How sources ask the web, and what they take from it: the one place that makes SourceError of what goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated
from urllib.parse import urlsplit, urlunsplit

from pydantic import AfterValidator

from sources.base import BACKOFF_LONG, BACKOFF_SHORT, Http, HttpError, Response, SourceError

BUSY = frozenset({408, 425, 429})  # client errors that pass by themselves


def is_web_address(value: str) -> bool:
    """Whether it can be asked."""
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    return bool(usable) and value.isprintable() and " " not in value


def _web_address(value: str) -> str:
    if not is_web_address(value):
        raise ValueError("an address that starts with http:// or https://")
    return value


WebAddress = Annotated[str, AfterValidator(_web_address)]


def based(base_url: str | None, url: str) -> str:
    """`url` with scheme, host and port of `base_url`, whose path becomes a prefix; unchanged where there is none."""
    if base_url is None:
        return url
    base, parts = urlsplit(base_url), urlsplit(url)
    return urlunsplit((base.scheme, base.netloc, base.path.rstrip("/") + parts.path, parts.query, ""))


def rebased(base_url: str | None, site: str) -> Callable[[str], str]:
    """As `based`, for addresses on the host of `site` only."""
    host = urlsplit(site).netloc
    return lambda url: based(base_url, url) if urlsplit(url).netloc == host else url


def shown(url: str) -> str:
    """`url` for messages: without user, password, query and fragment, where people put tokens."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def web_link(link: str | None) -> str | None:
    """`link` where it may be shown as one: `javascript:` and the like are dropped."""
    return link if link and link.isprintable() and link.lower().startswith(("http://", "https://")) else None


async def get(http: Http, url: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer with status 200 or 304. Raises SourceError for everything else."""
    response = await request(http, "GET", url, headers=headers)
    if response.status in (200, 304):
        return response
    raise refusal(response, url)


async def request(
    http: Http,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    once: bool = False,
) -> Response:
    """Return any answer. Raises SourceError where there is none."""
    try:
        return await http.request(method, url, headers=headers, body=body, once=once)
    except HttpError as error:
        limit = BACKOFF_LONG if error.refused or error.unreachable else BACKOFF_SHORT
        raise SourceError(f"{shown(url)}: {error}", retry_after=error.retry_after, backoff_limit=limit) from error


def refusal(response: Response, url: str, reason: str = "", retry_after: float | None = None) -> SourceError:
    """The error that a status means; `reason` is what the server said of it, `retry_after` its own form of that."""
    passing = response.status >= 500 or response.status in BUSY
    meaning = _MEANINGS.get(response.status, "unexpected answer")
    said = f": {' '.join(reason.split())[:300]}" if reason.strip() else ""
    return SourceError(
        f"{shown(url)}: {meaning} (HTTP {response.status}){said}",
        permanent=response.status == 410,
        retry_after=retry_after if response.retry_after is None else response.retry_after,
        backoff_limit=BACKOFF_SHORT if passing else BACKOFF_LONG,
    )


_MEANINGS = {
    401: "asks for credentials",
    403: "refuses us",
    404: "no such page",
    410: "gone for good",
    429: "asks us to slow down",
    500: "the server is in trouble",
    502: "the server is in trouble",
    503: "the server is overloaded or in maintenance",
    504: "the server is in trouble",
}
