"""What the contract needs of a source's server: items that a test puts there, and how the API says no."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from aiohttp import web as aio

from tests.fakes import START, FixedInbox
from tests.servers import Handler

Answer = tuple[int, dict[str, str], bytes]

HOSTILE = "\x00\ud800 <script>alert(1)</script> \u202e [Acme](javascript:x) <!channel> " + "x" * 100_000


@dataclass(slots=True)
class Item:
    """Something that was posted: numbers rise with time. Pages show the newest first, as most APIs do."""

    number: int
    at: datetime
    text: str


def items(first: int, last: int, *, newest: datetime = START - timedelta(minutes=1)) -> list[Item]:
    """Items one second apart, the last of them at `newest`."""
    return [Item(n, newest - timedelta(seconds=last - n), f"text {n}") for n in range(first, last + 1)]


@dataclass(slots=True)
class Bench:
    """The server of one source. `items` is what it holds now; its handlers show them as the API would.

    bodies: what their shape follows. lossless: a burst is read whole, however large; else it leaves a gap.
    shows_edits: an edited item comes again. shows_late: so does one that appears late, dated back within the overlap.
    refusals: how this API says no, by status; what is not in there is an empty body with that status.
    strange: bodies of a changed shape, each with status 200; asks: whether there is a server to ask at all.
    reserves: what an answer costs is set aside by a page before it, and no page is asked for twice.
    """

    keys: dict[str, Any]
    items: list[Item] = field(default_factory=list)
    bodies: Literal["recorded", "documented"] = "documented"
    page: int = 20  # items that one answer holds
    lossless: bool = True
    shows_edits: bool = True
    shows_late: bool = True
    has_credentials: bool = False
    asks: bool = True
    reserves: bool = False
    refusals: Mapping[int, Answer] = field(default_factory=dict)
    strange: tuple[bytes, ...] = (b"{}", b"[]", b"null", b'{"surprise": 1}', b"[1, 2]")
    inbox: FixedInbox = field(default_factory=FixedInbox)
    publish: Callable[[], None] = lambda: None  # for sources without a server: writes `items` where they look
    close: Callable[[], None] = lambda: None  # ends a server of its own

    def newest_first(self) -> list[Item]:
        return sorted(self.items, key=lambda item: item.number, reverse=True)

    def refusal(self, status: int) -> Answer:
        return self.refusals.get(status, (status, {"Retry-After": "40"} if status in (429, 503) else {}, b""))


def json_answer(value: Any, status: int = 200, **headers: str) -> Answer:
    """A JSON body; header names with _ for -."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return status, {"Content-Type": "application/json"} | named, json.dumps(value).encode()


def says(status: int, headers: dict[str, str], body: bytes) -> Handler:
    """A handler that always answers so."""

    async def answer(request: aio.Request) -> aio.Response:
        return aio.Response(status=status, headers=headers, body=body)

    return answer
