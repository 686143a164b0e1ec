"""Where a walk through statuses stands, by ids of which nothing is known but their order.

Ids are strings: rows of digits on Mastodon, ULIDs on GoToSocial. The longer one is the later one, among equally long
ones the order is that of the alphabet (docs.joinmastodon.org, API guidelines). They follow the time at which a status
was written, so one that arrives late from another instance lies before ids that were read already. A pass therefore
begins some way back: `marks` are ids that were met, with their times, from which the beginning is chosen.

The cursor: `marks`; `since`, in seconds since 1970, of a first pass; `min_id` of a pass that goes forward, or `max_id`
and `found`, the marks of it, of one that goes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sources.base import JSON, Cursor
from sources.shape import text, whole

MARKS = 8  # within the overlap


@dataclass(frozen=True, slots=True)
class Mark:
    """A status that was met: its time in seconds since 1970 and its id."""

    at: int
    id: str

    @property
    def order(self) -> tuple[int, str]:
        return len(self.id), self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """The cursor, read. Marks are in their order."""

    overlap: timedelta
    since: int
    marks: tuple[Mark, ...] = ()
    min_id: str | None = None
    max_id: str | None = None
    found: tuple[Mark, ...] = ()

    @classmethod
    def resume(cls, cursor: Cursor, now: datetime, backlog: timedelta, overlap: timedelta) -> Trail:
        """The walk that goes on; from an empty cursor a first pass, which reads as far back as `backlog`."""
        since = whole(cursor, "since")
        return cls(
            overlap=overlap,
            since=max(0, int(now.timestamp() - backlog.total_seconds())) if since is None else since,
            marks=_marks(cursor.get("marks")),
            min_id=text(cursor, "min_id") or None,
            max_id=text(cursor, "max_id") or None,
            found=_marks(cursor.get("found")),
        )

    @property
    def start(self) -> str | None:
        """Where a pass forward goes on; None: no mark lies far enough back to go forward from it."""
        early = [mark.id for mark in self.marks if mark.at <= self._horizon]
        return self.min_id or (early[-1] if early else None)

    @property
    def _horizon(self) -> int:
        """Times from which on statuses are read again."""
        newest = max((mark.at for mark in self.marks), default=self.since)
        return newest - int(self.overlap.total_seconds())

    def forward(self, met: Sequence[Mark]) -> tuple[Cursor, bool]:
        """The cursor after the statuses that follow `start`, and whether there are more of them."""
        if not met:
            return self._rest(self.marks), False
        walk = replace(self, marks=_sorted((*self.marks, *met)), min_id=max(met, key=lambda mark: mark.order).id)
        return walk._rest(walk.marks) | {"min_id": walk.min_id}, True

    def back(self, met: Sequence[Mark]) -> tuple[Cursor, bool]:
        """The cursor after the statuses that come before `max_id`, and whether this pass goes further back."""
        found = _sorted((*self.found, *met))
        bound = self._horizon if self.marks else self.since
        oldest = min(met, key=lambda mark: mark.order, default=None)
        if oldest is None or oldest.at < bound or oldest.id == self.max_id:
            return self._rest(found or self.marks), False
        cursor = self._rest(self.marks) | {"max_id": oldest.id}
        return cursor | {"found": _written(replace(self, marks=found)._thinned())}, True

    def _rest(self, marks: tuple[Mark, ...]) -> Cursor:
        """What is left between two passes."""
        walk = replace(self, marks=marks)
        return {"since": self.since, "marks": _written(walk._thinned())} if marks else {"since": self.since}

    def _thinned(self) -> tuple[Mark, ...]:
        """The newest mark, and some before it as far back as a pass will begin."""
        apart, kept = self.overlap.total_seconds() / MARKS, list[Mark]()
        for mark in reversed(self.marks):
            if not kept or kept[-1].at - mark.at >= apart:
                kept.append(mark)
            if mark.at <= self._horizon:
                if kept[-1] is not mark:
                    kept.append(mark)
                break
        return tuple(reversed(kept))


def _sorted(marks: Sequence[Mark]) -> tuple[Mark, ...]:
    return tuple(sorted(set(marks), key=lambda mark: mark.order))


def _written(marks: Sequence[Mark]) -> JSON:
    return [[mark.at, mark.id] for mark in marks]


def _marks(written: JSON) -> tuple[Mark, ...]:
    made = [Mark(whole(one, 0) or 0, text(one, 1)) for one in written] if isinstance(written, list) else []
    return _sorted([mark for mark in made if mark.id])
