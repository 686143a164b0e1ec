"""Digests: what a receiver gathers instead of being told at once, and the slot of time in which it is told.

A mention that waits is an alert in state `held` for the slot's subject; the slot has one alert per recipient, due at
its end. Uniqueness of the alert key makes it one digest per slot; whoever joins locks that row, so that nothing joins a
digest that somebody has begun to send.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import GATHERED, Reason
from monitor.owed import owed_row
from monitor.schema import alerts, channels, insert_new
from rules.base import UNCLASSIFIED, Label, Verdict

DROPPED = {"state": "dropped", "error": "the post was deleted at its source"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Slot:
    """A stretch of time with one digest at its end."""

    subject: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """When a receiver is told what it gathered: every so often, counted from midnight UTC, or once a local day.

    Plain values, which stand in the row of its channel for whoever writes alerts and has no configuration.
    """

    every: float | None = None  # seconds
    daily: str | None = None  # "08:00", local time in `zone`, where there is no `every`
    zone: str = "UTC"
    takes_crises: bool = False

    def takes(self, verdict: Verdict) -> bool:
        """Whether this waits for the digest: a crisis does not, nor what may be one because nothing has judged it."""
        urgent = () if self.takes_crises else (Label.CRISIS.value, UNCLASSIFIED)
        return not any(tag in urgent for tag in verdict.tags)

    def slot_after(self, moment: datetime) -> Slot:
        """The slot that ends first after the moment."""
        if self.every is not None:
            every = timedelta(seconds=self.every)
            due_at = moment + every - (moment - _EPOCH) % every
            return Slot(f"{GATHERED}{due_at:%Y-%m-%dT%H:%M:%SZ}", due_at)
        zone, at = ZoneInfo(self.zone), time.fromisoformat(self.daily or "00:00")
        day = moment.astimezone(zone).date()
        while (due_at := datetime.combine(day, at, zone).astimezone(UTC)) <= moment:
            day += _DAY
        return Slot(f"{GATHERED}{day.isoformat()}", due_at)


def is_slot(subject: str) -> bool:
    """Whether this is the subject of a slot; a digest may also be of a pass."""
    return subject.startswith(GATHERED)


@dataclass(slots=True)
class Gathering:
    """Finds the digest that each recipient of a transaction's mentions gets."""

    connection: Connection
    now: datetime
    _digests: Mapping[str, Digest] = field(init=False)  # by receiver
    _joined: dict[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        query = sa.select(channels.c.receiver, channels.c.digest).where(channels.c.digest.is_not(None))
        self._digests = {receiver: Digest(**digest) for receiver, digest in self.connection.execute(query)}

    def takes(self, receiver: str, verdict: Verdict) -> bool:
        """Whether this waits for a digest of the receiver."""
        return receiver in self._digests and self._digests[receiver].takes(verdict)

    def subject(self, receiver: str, recipient: str) -> str:
        """Of the digest that the recipient gets next."""
        to = (receiver, recipient)
        if to not in self._joined:
            self._joined[to] = _join(self.connection, self._digests[receiver], receiver, recipient, self.now)
        return self._joined[to]


def _join(connection: Connection, digest: Digest, receiver: str, recipient: str, now: datetime) -> str:
    """The subject of the first slot from now on whose digest nobody has begun to send.

    A slot that is already told comes up again when the clock was set back: then it is the next one, so that a local day
    has one digest. A digest that was dropped because all of it was deleted is owed anew.
    """
    moment = now
    while True:
        slot = digest.slot_after(moment)
        owed = owed_row(slot.subject, receiver, recipient, Reason.DIGEST, 0, now) | {"due_at": slot.due_at}
        connection.execute(insert_new(connection, alerts), [owed])
        mine = sa.and_(*(alerts.c[name] == owed[name] for name in ("subject", "receiver", "recipient", "reason", "n")))
        row = connection.execute(
            sa.select(alerts.c.id, alerts.c.state, alerts.c.attempts).where(mine).with_for_update()
        ).one()
        if row.attempts == 0 and row.state in ("owed", "dropped"):
            if row.state == "dropped":
                connection.execute(sa.update(alerts).where(alerts.c.id == row.id).values(state="owed", error=None))
            return slot.subject
        moment = slot.due_at


def drop_empty_digests(connection: Connection) -> None:
    """Summaries that are owed and have nothing left to offer."""
    held = alerts.alias()
    same = (held.c.held_for == alerts.c.subject, held.c.receiver == alerts.c.receiver)
    left = sa.select(held.c.id).where(*same, held.c.recipient == alerts.c.recipient, held.c.state == "held")
    empty = sa.and_(alerts.c.reason == Reason.DIGEST.value, alerts.c.state == "owed", ~left.exists())
    connection.execute(sa.update(alerts).where(empty).values(DROPPED))
