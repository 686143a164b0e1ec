"""What keeps an alert from being sent, seen at the moment when it would be: muted routes, silences, inhibition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import CaseState
from monitor.loading import JOINED, read_mention
from monitor.schema import cases, mentions, posts, verdicts
from monitor.silences import Silence, active_silences
from rules.base import Watchlist
from rules.hours import Hours
from rules.inhibition import InhibitRule, Routed, is_inhibited
from rules.intervals import muted_until as heard_again
from rules.routing import Intervals

LONGEST_HOLD: Final = timedelta(hours=12)  # then it is looked at again: hours may be configured anew
SOURCES_READ: Final = 1000  # mentions that may inhibit, the newest first


@dataclass(frozen=True, slots=True)
class Rules:
    """As configured."""

    hours: Mapping[str, Hours] = field(default_factory=dict)
    inhibit: tuple[InhibitRule, ...] = ()
    source_types: Mapping[str, str] = field(default_factory=dict)  # by source
    watchlists: Mapping[str, Watchlist] = field(default_factory=dict)


NO_RULES: Final = Rules()


def muted_until(
    intervals: Sequence[Mapping[str, Sequence[str]]], hours: Mapping[str, Hours], now: datetime
) -> datetime | None:
    """When the first of an alert's routes is heard again, LONGEST_HOLD from now at the latest; None: one is heard now.

    `intervals` are those of each route: quiet during `mute`, and outside of `active`. Hours that are gone mute nothing.
    """
    routes = [Intervals(tuple(route.get("mute", ())), tuple(route.get("active", ()))) for route in intervals]
    until = heard_again(routes, hours, now)
    return until and min(until, now + LONGEST_HOLD)


@dataclass(slots=True)
class Quiet:
    """What is muted, silenced and inhibited at one moment; everything is looked up once."""

    connection: Connection
    rules: Rules
    now: datetime
    silences: list[Silence] = field(init=False)
    _sources: list[tuple[InhibitRule, list[Routed]]] | None = None
    _muted: dict[str, datetime | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.silences = active_silences(self.connection, self.now)

    def __bool__(self) -> bool:
        """Whether anything can be silenced or inhibited at all."""
        return bool(self.silences or self.rules.inhibit)

    def muted_until(self, intervals: Sequence[Mapping[str, Sequence[str]]]) -> datetime | None:
        """When an alert with these intervals is heard again; None: it is heard now."""
        key = repr(intervals)
        if key not in self._muted:
            self._muted[key] = muted_until(intervals, self.rules.hours, self.now)
        return self._muted[key]

    def find(self, which: sa.ColumnElement[bool]) -> dict[int, str]:
        """By mention, of those that the condition means: why nobody is to hear of it now."""
        found = {}
        for routed in self._read(which):
            reason = self._reason(routed)
            if reason is not None:
                found[routed.mention.id] = reason
        return found

    def _reason(self, routed: Routed) -> str | None:
        for silence in self.silences:
            if silence.covers(routed.mention, routed.source_type, self.now, self.rules.hours):
                return silence.reason
        for rule, sources in self._inhibiting():
            for source in sources:
                if source.mention.id != routed.mention.id and is_inhibited(rule, source, routed, self.now):
                    return f"inhibited by mention {source.mention.id}, whose case is open"
        return None

    def _inhibiting(self) -> list[tuple[InhibitRule, list[Routed]]]:
        if self._sources is None:
            self._sources = [(rule, self._sources_of(rule)) for rule in self.rules.inhibit]
        return self._sources

    def _sources_of(self, rule: InhibitRule) -> list[Routed]:
        """Mentions young enough whose case is open, as far as SQL can tell apart what the rule's source means."""
        is_open = sa.func.coalesce(cases.c.state, CaseState.NEW.value).in_(
            [CaseState.NEW.value, CaseState.CLAIMED.value]
        )
        tags = sa.cast(verdicts.c.tags, sa.Text)
        wanted = [tags.contains(f'"{one.value}"') for one in rule.source if one.name == "label" and one.operator == "="]
        recent = sa.and_(mentions.c.created_at > self.now - rule.for_, is_open, *wanted)
        return list(self._read(recent, newest=SOURCES_READ))

    def _read(self, which: sa.ColumnElement[bool], newest: int | None = None) -> Iterator[Routed]:
        query = (
            sa.select(posts, mentions, verdicts)
            .select_from(JOINED.outerjoin(cases, cases.c.mention_id == mentions.c.id))
            .where(which)
            .order_by(mentions.c.id.desc())
            .limit(newest)
        )
        for row in self.connection.execute(query):
            yield self._routed(row)

    def _routed(self, row: sa.Row[Any]) -> Routed:
        mention = read_mention(row, self.rules.watchlists)
        source_type = self.rules.source_types.get(mention.post.source, "")
        return Routed(mention, source_type, row._mapping[mentions.c.created_at])
