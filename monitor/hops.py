"""The steps of an HTTP request through redirects: where each goes, and what it may take along."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace

from yarl import URL

from sources.base import HttpError

FOLLOWED = (301, 302, 303, 307, 308)
# What another host may see after a redirect. Everything else may be a credential, whatever its name.
_HARMLESS = ("accept", "accept-language", "a-im", "cache-control", "if-none-match", "if-modified-since")


@dataclass(frozen=True, slots=True)
class Hop:
    """Where one request of a chain goes; the URL carries no credentials, they stand in the headers."""

    url: URL
    headers: dict[str, str]  # lower-case names

    @property
    def host(self) -> tuple[str, int]:
        return host_name(self.url), self.url.port or 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back from one hop; the body of a followed redirect is not read."""

    status: int
    headers: dict[str, str]
    body: bytes


def host_name(url: URL) -> str:
    """The host as it is compared: lower case, in ASCII, without the final dot."""
    return (url.raw_host or "").rstrip(".")


def first_hop(url: str, headers: Mapping[str, str]) -> Hop:
    """A request as it is asked for, credentials moved out of the URL. Raises HttpError."""
    try:
        parsed = URL(url)
    except ValueError as error:
        raise HttpError("this is no usable URL", refused=True) from error
    lowered = {name.lower(): value for name, value in headers.items()}
    if parsed.user is not None or parsed.password is not None:
        pair = f"{parsed.user or ''}:{parsed.password or ''}".encode()
        lowered.setdefault("authorization", "Basic " + base64.b64encode(pair).decode())
        parsed = parsed.with_user(None) if parsed.absolute else parsed
    return _checked(Hop(parsed, lowered))


def _checked(hop: Hop) -> Hop:
    if hop.url.scheme not in ("http", "https"):
        raise HttpError(f"only http and https are fetched, not {hop.url.scheme[:20]!r}", refused=True)
    if not hop.url.raw_host:
        raise HttpError("the URL names no host", refused=True)
    return hop


def next_hop(hop: Hop, answer: Answer) -> Hop | None:
    """Where a redirect leads, None where the answer is none. Raises HttpError."""
    location = answer.headers.get("location", "").strip()
    if answer.status not in FOLLOWED or not location:
        return None
    try:
        target = hop.url.join(URL(location))
        url = target.with_user(None).with_fragment(None) if target.absolute else target
    except ValueError as error:
        raise HttpError(f"{host_name(hop.url)} redirects to no usable URL", refused=True) from error
    following = _checked(replace(hop, url=url))
    if hop.url.scheme == "https" and url.scheme == "http":
        raise HttpError(f"{host_name(hop.url)} redirects from https to http", refused=True)
    if _is_same_origin(hop.url, url):
        return following
    return replace(following, headers={name: value for name, value in hop.headers.items() if name in _HARMLESS})


def _is_same_origin(one: URL, other: URL) -> bool:
    is_upgrade = one.scheme == "http" and one.port == 80 and other.port == 443
    return host_name(one) == host_name(other) and (one.origin() == other.origin() or is_upgrade)
