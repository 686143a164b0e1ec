"""A pass through an API that gives the newest first, page by page, to where the last finished pass began.

Positions are whole numbers that rise: ids, or seconds since 1970. The cursor carries `floor`, the newest position of
the last finished pass; `top`, the newest seen in this one; `next`, where this pass goes on, asked for inclusively;
`page`, what the API itself calls that place, a hint only: page numbers shift, tokens run out. A first pass has no floor
but `since`, in seconds since 1970. Between two passes only `floor` is left. Only a finished pass moves the floor, so
that a pass that is broken off loses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sources.base import JSON, Cursor, Gap


@dataclass(frozen=True, slots=True)
class Place:
    """Where an item stands: its position and its time in seconds since 1970 (where positions are times, twice that)."""

    position: int
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """The cursor, read."""

    floor: int | None = None
    since: int = 0
    top: int | None = None
    next: int | None = None
    page: JSON = None

    @classmethod
    def resume(cls, cursor: Cursor, now: datetime, backlog: timedelta) -> Walk:
        """The walk that goes on; from an empty cursor a first pass, which reads as far back as `backlog`."""
        known: dict[str, Any] = {key: value for key, value in cursor.items() if key in cls.__slots__}
        if "floor" not in known and "since" not in known:
            known = {"since": max(0, int(now.timestamp() - backlog.total_seconds()))}
        return cls(**known)

    def _ends_at(self, place: Place, overlap: int) -> bool:
        return place.at < self.since if self.floor is None else place.position < self.floor - overlap

    def step(
        self, places: Sequence[Place], *, overlap: int = 0, follows: bool, page: JSON = None
    ) -> tuple[Cursor, bool, tuple[Gap, ...]]:
        """After one answer, in the order of the server: the next cursor, whether the pass goes on, what was lost.

        follows: the API has more. page: what it calls the place where that begins.
        """
        seen = [place.position for place in places] + [position for position in (self.top,) if position is not None]
        walk = replace(self, top=max(seen, default=None))
        if not follows or not places or all(self._ends_at(place, overlap) for place in places):
            return walk._finished(), False, ()
        following = places[-1].position
        if self.next is not None and following >= self.next and page in (None, self.page):
            gap = Gap(f"more items at position {self.next} than one answer holds: some of them may be lost")
            return walk._going_on(self.next - 1, None), True, (gap,)
        return walk._going_on(following, page), True, ()

    def beyond(self, page: JSON) -> Cursor:
        """After an answer that showed nothing though more may follow: the cursor that goes on at `page`."""
        return self._going_on(self.next, page)

    def _finished(self) -> Cursor:
        if self.top is None and self.floor is None:
            return {"since": self.since}
        return {"floor": max(value for value in (self.top, self.floor) if value is not None)}

    def _going_on(self, following: int | None, page: JSON) -> Cursor:
        cursor: Cursor = {"since": self.since} if self.floor is None else {"floor": self.floor}
        cursor |= {"top": self.top, "next": following}
        return cursor if page is None else cursor | {"page": page}
