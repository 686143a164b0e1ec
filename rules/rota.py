"""Who is on call: a weekly rotation, handed over on the wall clock of a zone, with overrides for whoever is away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Override:
    """Somebody stands in from `start` to `end` (UTC, without the end)."""

    start: datetime
    end: datetime
    member: str


@dataclass(frozen=True, slots=True)
class Rota:
    """The first of `rotation` begins with the first handover on or after `start`; before that it runs backwards."""

    rotation: tuple[str, ...]
    weekday: int  # of the handover, Monday is 0
    handover: time  # on the wall clock
    start: date
    zone: tzinfo
    overrides: tuple[Override, ...] = ()

    def on_call(self, at: datetime) -> str:
        """The name of who is on call at this moment; of several overrides the first counts."""
        for override in self.overrides:
            if override.start <= at < override.end:
                return override.member
        first = self.start + timedelta(days=(self.weekday - self.start.weekday()) % 7)
        return self.rotation[(self._week_of(at) - first) // WEEK % len(self.rotation)]

    def _week_of(self, at: datetime) -> date:
        """The day of the last handover."""
        local = at.astimezone(self.zone).date()
        day = local - timedelta(days=(local.weekday() - self.weekday) % 7)
        return day if self._instant(day) <= at else day - WEEK

    def _instant(self, day: date) -> datetime:
        """When the handover of that day is. A wall time that the clocks skip is passed at the same moment as an hour
        later, one that they show twice counts the first time."""
        return datetime.combine(day, self.handover, self.zone).astimezone(UTC)
