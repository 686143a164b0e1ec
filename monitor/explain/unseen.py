"""A post that was never seen: which sources could hide it, and what to try."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy.engine import Connection

from monitor.commands.output import show_time
from monitor.config import Config
from monitor.cursors import RETIRED, PartState, all_parts, recent_gaps
from monitor.explain.shapes import Suspect
from sources.base import SourceSettings

GAPS_SHOWN = timedelta(days=7)
LATE = timedelta(minutes=5)  # past its time, a poll has not begun
BEHIND = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Unseen:
    """What is said of a target that nothing is stored of."""

    suspects: tuple[Suspect, ...]
    hints: tuple[str, ...]


def look_for(connection: Connection, config: Config, target: str, now: datetime) -> Unseen:
    """The sources that read the target's own site come first."""
    host = _host(target)
    near = [settings for settings in config.sources if host and _reads(settings, host)]
    others = [settings for settings in config.sources if settings not in near]
    return Unseen(tuple(find_suspects(connection, (*near, *others), now)), tuple(_hints(config, near, target, host)))


def find_suspects(connection: Connection, sources: Sequence[SourceSettings], now: datetime) -> list[Suspect]:
    """What is wrong with each of the sources, in their order."""
    states: dict[str, list[PartState]] = {}
    for state in all_parts(connection):
        states.setdefault(state.source, []).append(state)
    gaps = recent_gaps(connection, now - GAPS_SHOWN)
    return [one for settings in sources for one in _suspect(settings, states, gaps, now)]


def _host(target: str) -> str:
    try:
        return (urlsplit(target).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _reads(settings: SourceSettings, host: str) -> bool:
    """Whether the source plainly reads this site: by its own address, or because its type is named after it."""
    own = _host(str(getattr(settings, "url", "") or getattr(settings, "base_url", "") or ""))
    named_after: str = getattr(settings, "type", "?")
    return own == host or own.endswith(f".{host}") or host.endswith(f".{own or '?'}") or named_after in host.split(".")


def _suspect(
    settings: SourceSettings,
    states: Mapping[str, Sequence[PartState]],
    gaps: Sequence[tuple[str, str, datetime, str]],
    now: datetime,
) -> Iterator[Suspect]:
    parts = [state for state in states.get(settings.name, ()) if state.disabled != RETIRED]
    if not parts:
        yield Suspect(settings.name, "has never been polled: is the daemon running with this configuration?")
    for state in parts:
        name = f"{state.source}/{state.part}" if state.part else state.source
        yield from (Suspect(name, what) for what in _troubles(state, settings.every, now))
        for source, part, at, detail in gaps:
            if (source, part) == (state.source, state.part):
                yield Suspect(name, f"has a gap, noticed at {show_time(at)}: {detail}")


def _troubles(state: PartState, every: timedelta, now: datetime) -> Iterator[str]:
    if state.disabled is not None:
        yield f"is switched off: {state.disabled}; `mentiond sources enable {state.source}` turns it on"
    elif state.error is not None:
        since, due = show_time(state.error_since), show_time(state.due_at)
        yield f"has been failing since {since}: {state.error}; the next try is at {due}"
    elif state.is_waiting(now):
        yield f"asked to be left alone until {show_time(state.asked_until)}"
    elif now - state.due_at > LATE:
        yield f"should have been polled at {show_time(state.due_at)} and was not: is the daemon running?"
    if state.finished_at is None and state.disabled is None:
        yield "has not finished its first pass: older posts are still to come"
    elif state.reached_at is not None and now - state.reached_at > max(BEHIND, 3 * every):
        yield f"is behind: it has been read up to {show_time(state.reached_at)}"


def _hints(config: Config, near: Sequence[SourceSettings], target: str, host: str) -> Iterator[str]:
    command = f"mentiond explain {shlex.quote(target)}"
    if not near:
        yield f"What a source shows of it now, and why it matched nothing: {command} --source NAME"
    if host and not near:
        yield f"No source is of {host} by its address: if none brings that site, add one."
    for settings in near:
        yield f"What {settings.name} shows of it now, and why it matched nothing: {command} --source {settings.name}"
        yield f"What {settings.name} brings at this moment: mentiond sources try {settings.name}"
    query = shlex.quote(config.watchlists[0].query)
    yield f"Whether a query finds it, without storing it: mentiond query {query} --feed ADDRESS-OF-A-FEED"
    days = config.store.retention.days
    yield f"Posts are kept for {days} days, and those of erased authors never."
