"""Times in which routes are quiet: within the hours that mute them, outside of those in which they are active."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from rules.hours import Hours
from rules.routing import Intervals

LONGEST: Final = timedelta(days=31)  # how far ahead is looked


def muted_until(intervals: Sequence[Intervals], hours: Mapping[str, Hours], at: datetime) -> datetime | None:
    """When the first of these routes is heard again; None: one of them is heard now.

    Hours that are not configured any more mute nothing. LONGEST from `at` on means: not before then.
    """
    named = [hours[name] for one in intervals for name in (*one.mute, *one.active) if name in hours]
    moment = at
    while moment < at + LONGEST and _is_muted(intervals, hours, moment):
        changes = [change for one in named if (change := one.next_change(moment)) is not None]
        moment = min(changes, default=at + LONGEST)
    return min(moment, at + LONGEST) if moment > at else None


def _is_muted(intervals: Sequence[Intervals], hours: Mapping[str, Hours], at: datetime) -> bool:
    """Whether all of the routes are quiet."""
    return bool(intervals) and all(
        any(one.contains(at) for one in _known(route.mute, hours))
        or ((active := _known(route.active, hours)) and not any(one.contains(at) for one in active))
        for route in intervals
    )


def _known(names: Iterable[str], hours: Mapping[str, Hours]) -> list[Hours]:
    return [hours[name] for name in names if name in hours]
