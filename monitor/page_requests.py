"""What pages read from requests of strangers, and how often they bother."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import parse_qs, urlsplit

from aiohttp import web

from alerts.words import Lang
from monitor.pushing import read_pushed
from sources.base import Pushed

log = logging.getLogger("mentiond.web")

LARGEST_FORM: Final = 8192  # bytes
LONGEST_NOTE: Final = 500
BAD_A_MINUTE: Final = 60  # tokens that are not ours; above that there is no page for them, only a status


@dataclass(slots=True)
class Throttle:
    """Counts what has no valid signature, so that guessing costs us next to nothing and fills no log."""

    begun: datetime | None = None
    count: int = 0

    def is_too_much(self, now: datetime) -> bool:
        """Count one more; True where a minute has had enough of them. Valid links are never counted."""
        if self.begun is None or not timedelta() <= now - self.begun < timedelta(minutes=1):
            self.begun, self.count = now, 0
        self.count += 1
        if self.count == BAD_A_MINUTE + 1:
            log.warning("many links without a valid signature count=%d seconds=60", BAD_A_MINUTE)
        return self.count > BAD_A_MINUTE


@dataclass(frozen=True, slots=True)
class Press:
    """What a form sent: the button, "" for none, and the note."""

    choice: str = ""
    note: str = ""


async def read_press(request: web.Request) -> Press:
    """Whatever was sent in place of a form is no press."""
    pushed = await read_pushed(request, LARGEST_FORM)
    if not isinstance(pushed, Pushed):
        return Press()
    try:
        sent = parse_qs(pushed.body.decode("utf-8", "replace"), max_num_fields=10)
    except ValueError:
        return Press()
    return Press(sent.get("choice", [""])[0], sent.get("note", [""])[0].strip()[:LONGEST_NOTE])


def is_from(request: web.Request, public_url: str) -> bool:
    """Whether the form was on one of our pages. Our referrer policy makes older browsers say `Origin: null`."""
    if (site := request.headers.get("Sec-Fetch-Site")) is not None:
        return site in ("same-origin", "none")
    parts = urlsplit(public_url)
    return request.headers.get("Origin", "null") in ("null", f"{parts.scheme}://{parts.netloc}")


def lang_of(request: web.Request) -> Lang:
    """Of somebody whom we do not know."""
    return "de" if request.headers.get("Accept-Language", "").lower().startswith("de") else "en"
