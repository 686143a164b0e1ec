"""The promise of a first answer: whose, by when, and when somebody is warned that it is about to be broken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from rules.address import OWN_KINDS
from rules.base import Label, Mention
from rules.hours import Hours
from rules.routing import Decision, Sla

DEFAULT: Final = Sla(first_response=timedelta(hours=24), hours=None, warn_before=timedelta(hours=4))
_PROMISED: Final = {Label.CRISIS.value, Label.COMPLAINT.value, Label.QUESTION.value}  # without a word in the routes


@dataclass(frozen=True, slots=True)
class Promise:
    """An SLA with the receivers through which people are warned."""

    sla: Sla
    receivers: tuple[str, ...]

    def stored(self) -> dict[str, Any]:
        """As JSON; durations in seconds."""
        return {
            "first_response": self.sla.first_response.total_seconds(),
            "warn_before": self.sla.warn_before.total_seconds(),
            "hours": self.sla.hours,
            "receivers": list(self.receivers),
        }

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Promise:
        """The promise that `stored` wrote."""
        first_response, warn_before = (timedelta(seconds=stored[name]) for name in ("first_response", "warn_before"))
        return cls(Sla(first_response, stored["hours"], warn_before), tuple(stored["receivers"]))


@dataclass(frozen=True, slots=True)
class Times:
    """When the promise is broken, and when somebody hears of it first."""

    due_at: datetime
    speaks_at: datetime


def promise_of(
    mention: Mention, decisions: Sequence[Decision], hours: Mapping[str, Hours], at: datetime
) -> Promise | None:
    """The strictest of what the routes promise; 24 hours for what asks for an answer from one's own brand."""
    promising = [(decision.sla, decision.receiver) for decision in decisions if decision.sla]
    if promising:
        strictest = min((sla for sla, _ in promising), key=lambda sla: times(sla, hours, at).due_at)
        return Promise(strictest, tuple(receiver for _, receiver in promising))
    is_own = mention.watchlist.kind in OWN_KINDS
    if decisions and is_own and not _PROMISED.isdisjoint(mention.verdict.tags):
        return Promise(DEFAULT, tuple(decision.receiver for decision in decisions))
    return None


def times(sla: Sla, hours: Mapping[str, Hours], start: datetime) -> Times:
    """Counted in business time; hours that the configuration does not have any more are around the clock."""
    section = hours.get(sla.hours or "")

    def after(span: timedelta) -> datetime:
        return section.add_business(start, span) if section else start + span

    due_at, quiet = after(sla.first_response), sla.first_response - sla.warn_before
    return Times(due_at, after(quiet) if quiet > timedelta() else due_at)
