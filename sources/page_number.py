"""Page numbers as places in a walk: hints, for pages shift while people write.

What is written meanwhile moves everything to later pages, so that going on at a number shows some items again. What is
deleted moves it to earlier ones; where the last page was read some time ago, the walk goes on one page before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sources.base import JSON
from sources.shape import whole

FRESH = 120  # seconds for which nothing is thought to have moved


@dataclass(frozen=True, slots=True)
class PageNumber:
    """The page to ask for, from 1. `empty`: how many in a row before it showed nothing."""

    number: int = 1
    empty: int = 0

    @classmethod
    def resume(cls, hint: JSON, now: datetime) -> PageNumber:
        number, at = whole(hint, "number") or 1, whole(hint, "at") or 0
        is_stale = now.timestamp() - at > FRESH
        return cls(max(1, number - 1 if is_stale else number), whole(hint, "empty") or 0)

    def following(self, now: datetime, *, is_empty: bool = False) -> JSON:
        """The hint for the page after this one."""
        hint: dict[str, JSON] = {"number": self.number + 1, "at": int(now.timestamp())}
        return hint | ({"empty": self.empty + 1} if is_empty else {})
