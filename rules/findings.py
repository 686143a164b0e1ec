"""What the linter says of a query."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rules.query_nodes import Query


class Level(StrEnum):
    """How grave a finding is, gravest first."""

    ERROR = "error"  # the query, or a part of it, can never match
    WARNING = "warning"  # it hardly means what was meant
    HINT = "hint"  # it works, and could be better


@dataclass(frozen=True, slots=True)
class Finding:
    """A remark on a query; `line` and `column` count from 1 and show the part that it is about."""

    level: Level
    message: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding before its place is looked up."""

    level: Level
    message: str
    part: Query
