"""Logs on standard error, in UTC: lines for people on a terminal, JSON for programs elsewhere.

Messages are an event phrase with key=value pairs behind it, such as `source failing source=%s error=%s`; as JSON the
pairs become fields.
"""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from alerts.payload import json_line
from sources.base import JSON

Format = Literal["text", "json"]

_LINE = "%(asctime)s %(levelname)-7s %(name)s %(message)s"
_PLACE = re.compile(r"(?:\b(\w+)=)?%[sd]")
_RESERVED = frozenset({"time", "level", "logger", "event", "exception"})


class JsonLines(logging.Formatter):
    """`{"time", "level", "logger", "event", ...fields, "exception"}`; `exception` where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        event, fields = _parts(record)
        line: dict[str, JSON] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")[:-6] + "Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": event,
        }
        line |= {key: value for key, value in fields.items() if key not in _RESERVED}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json_line(line)


def _parts(record: logging.LogRecord) -> tuple[str, Mapping[str, JSON]]:
    """The event phrase and the pairs behind it; the whole message where it is built in another way."""
    arguments, places = record.args, list(_PLACE.finditer(str(record.msg)))
    if not isinstance(arguments, tuple) or len(arguments) != len(places) or not places:
        return record.getMessage(), {}
    phrase = str(record.msg)[: places[0].start()].strip()
    named = [(place[1] or "detail", _value(given)) for place, given in zip(places, arguments, strict=True)]
    return phrase or record.getMessage(), dict(named)


def _value(given: object) -> JSON:
    return given if isinstance(given, bool | int | float) else str(given)


def configure_logging(*, verbose: bool, form: Format | None = None) -> None:
    """Log to standard error: as `form` says, else text on a terminal and JSON elsewhere. Standard output belongs to
    the console receiver."""
    handler = logging.StreamHandler(sys.stderr)
    is_terminal = sys.stderr is not None and sys.stderr.isatty()
    handler.setFormatter(_text_lines() if (form or ("text" if is_terminal else "json")) == "text" else JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("mentiond").setLevel(logging.DEBUG if verbose else logging.INFO)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # it warns of every tick that the next one makes up for


def _text_lines() -> logging.Formatter:
    formatter = logging.Formatter(_LINE, "%Y-%m-%dT%H:%M:%SZ")
    formatter.converter = time.gmtime
    return formatter
