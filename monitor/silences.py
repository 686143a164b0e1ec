"""Silences: who keeps what quiet, until when and why. What they match is dropped when it would have been sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from monitor.schema import silences
from rules.base import Mention
from rules.hours import Hours
from rules.matchers import MatcherError, RouteMatcher, parse_matcher
from rules.routing import matches

NO_HOURS: Mapping[str, Hours] = {}


@dataclass(frozen=True, slots=True)
class Silence:
    """As somebody made it: all of its matchers must hold."""

    id: int
    matchers: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime | None  # None: until somebody expires it
    by: str
    comment: str

    def covers(self, mention: Mention, source_type: str, at: datetime, hours: Mapping[str, Hours] = NO_HOURS) -> bool:
        """Whether it means this mention. Matchers that cannot be read any more (hours that are gone) mean nothing."""
        try:
            parsed = [parse_matcher(text, hours) for text in self.matchers]
        except MatcherError:
            return False
        return matches(parsed, mention, source_type, at)

    @property
    def reason(self) -> str:
        """Why something was dropped."""
        comment = f": {self.comment}" if self.comment else ""
        return f"silence {self.id} by {self.by}{comment}"


def read_matchers(texts: Sequence[str], hours: Mapping[str, Hours] = NO_HOURS) -> tuple[RouteMatcher, ...]:
    """What somebody wants to silence. Raises MatcherError, also for what would silence everything."""
    parsed = tuple(parse_matcher(text, hours) for text in texts)
    if not any(_narrows(matcher) for matcher in parsed):
        raise MatcherError("would silence everything; name what it is about, such as watchlist = acme", 1)
    return parsed


def _narrows(matcher: RouteMatcher) -> bool:
    """Whether a mention that lacks the value altogether is left alone, as in Alertmanager."""
    return matcher.operator in ("=", "=~", ">", ">=", "<", "<=") and not (matcher.pattern and matcher.accepts(""))


def add_silence(
    connection: Connection, matchers: Sequence[str], ends_at: datetime | None, by: str, comment: str, now: datetime
) -> int:
    """From now on; return its number. The matchers have been read (`read_matchers`)."""
    row = {"matchers": list(matchers), "starts_at": now, "ends_at": ends_at, "by": by, "comment": comment}
    added = sa.insert(silences).values(row | {"created_at": now}).returning(silences.c.id)
    number: int = connection.execute(added).scalar_one()
    return number


def expire_silence(connection: Connection, number: int, now: datetime) -> bool:
    """It ends now; False: there is none, or it has ended."""
    ended = sa.update(silences).where(silences.c.id == number, _holds(now)).values(ends_at=now)
    return connection.execute(ended).rowcount == 1


def active_silences(connection: Connection, now: datetime) -> list[Silence]:
    """Those that hold now, the oldest first."""
    return _read(connection, _holds(now))


def all_silences(connection: Connection, limit: int) -> list[Silence]:
    """The last ones, the newest first."""
    return _read(connection, sa.true())[::-1][:limit]


def _read(connection: Connection, which: sa.ColumnElement[bool]) -> list[Silence]:
    columns = (silences.c[name] for name in Silence.__dataclass_fields__)
    rows = connection.execute(sa.select(*columns).where(which).order_by(silences.c.id))
    return [Silence(row.id, tuple(row.matchers), *row[2:]) for row in rows]


def _holds(now: datetime) -> sa.ColumnElement[bool]:
    ends = sa.or_(silences.c.ends_at.is_(None), silences.c.ends_at > now)
    return sa.and_(silences.c.starts_at <= now, ends)
