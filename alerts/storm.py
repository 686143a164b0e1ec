"""The storm brake of a receiver, as configured: `20/5m` or `off`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final, TypeAlias

from pydantic import PlainValidator, WithJsonSchema

from sources.base import parse_duration


@dataclass(frozen=True, slots=True)
class Storm:
    """The brake of a receiver: above `count` messages of one watchlist `within` this time, one message takes all."""

    count: int
    within: timedelta


def _parse_storm(value: object) -> Storm | None:
    if value is False or value == "off":  # as YAML reads off, or quoted
        return None
    match = re.fullmatch(r"([1-9]\d{0,5})/(\d+[smhd])", value) if isinstance(value, str) else None
    within = parse_duration(match[2]) if match else timedelta()
    if match is None or not within:
        raise ValueError("a number of messages in a time, such as 20/5m, or off")
    return Storm(int(match[1]), within)


StormBrake: TypeAlias = Annotated[
    Storm | None,
    PlainValidator(_parse_storm),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": r"^\d+/\d+[smhd]$"}, {"const": False}]}),
]
CHAT_STORM: Final = Storm(20, timedelta(minutes=5))  # where people read every message
