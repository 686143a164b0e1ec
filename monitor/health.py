"""What is wrong with an installation at one moment, in words for the operator; nothing here acts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.cursors import RETIRED, PartState
from monitor.figures import Figures

STUCK_AFTER = timedelta(minutes=15)  # an alert that has been due for so long


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong. `subject` is the same as long as it lasts; `since` when it began, as far as we know."""

    subject: str  # such as "source:heise" or "store"
    text: str
    since: datetime
    is_critical: bool = False  # mentiond as a whole does not do its work


def find_troubles(figures: Figures, silent_after: timedelta) -> list[Trouble]:
    """Sources that have been silent for `silent_after`, alerts that are stuck, channels that are stopped."""
    parts = [part for part in figures.parts if part.disabled != RETIRED]
    silent = list(_silent(parts, figures.at, silent_after))
    troubles = [*silent, *_stopped(figures), *_stuck(figures), *_late(figures)]
    if parts and len(silent) + sum(part.disabled is not None for part in parts) == len(parts):
        since = max((trouble.since for trouble in silent), default=figures.at)
        troubles.insert(0, Trouble("sources", "every source is silent: nothing is heard of anybody", since, True))
    return troubles


def _silent(parts: list[PartState], now: datetime, after: timedelta) -> Iterator[Trouble]:
    for part in parts:
        heard = last_heard(part)
        if part.disabled is None and heard is not None and now - heard > after:
            name = f"{part.source}/{part.part}" if part.part else part.source
            why = f": {part.error}" if part.error else ""
            yield Trouble(
                f"silent:{name}", f"Source {name} has been silent since {heard:%Y-%m-%d %H:%M} UTC{why}", heard
            )


def last_heard(part: PartState) -> datetime | None:
    """When the source last answered as it should, or when it began to fail; None: it has only just been added."""
    known = [moment for moment in (part.finished_at, part.pass_started_at, part.body_at) if moment]
    return max(known) if known else part.error_since


def _stopped(figures: Figures) -> Iterator[Trouble]:
    for name, channel in figures.channels.items():
        if channel.stopped is not None:
            since = channel.error_since or figures.at
            yield Trouble(f"receiver:{name}", f"Receiver {name} is stopped: {channel.stopped}", since)


def _stuck(figures: Figures) -> Iterator[Trouble]:
    for name, waiting in figures.owed.items():
        if figures.at - waiting.oldest > STUCK_AFTER:
            alerts = "1 alert" if waiting.count == 1 else f"{waiting.count} alerts, the oldest"
            text = f"Receiver {name} is owed {alerts} since {waiting.oldest:%H:%M} UTC"
            yield Trouble(f"owed:{name}", text, waiting.oldest)


def _late(figures: Figures) -> Iterator[Trouble]:
    if figures.late_escalations:
        text = f"{figures.late_escalations} escalations should have gone on a minute ago"
        yield Trouble("escalations", text, figures.at, is_critical=True)
