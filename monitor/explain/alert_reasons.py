"""Why an alert is in the state that it is in, as one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import GATHERED, Reason
from monitor.commands.output import show_time
from monitor.outbox import Channel
from monitor.schema import alerts, channels
from monitor.suppression import Quiet


@dataclass(slots=True)
class Reasons:
    """Knows the channels, and what is quiet now."""

    connection: Connection
    quiet: Quiet
    now: datetime
    _channels: Mapping[str, Channel] = field(init=False)

    def __post_init__(self) -> None:
        columns = (channels.c[name] for name in Channel.__dataclass_fields__)
        self._channels = {row.receiver: Channel(*row) for row in self.connection.execute(sa.select(*columns))}

    def why(self, row: sa.Row[Any], quiet_now: str | None) -> str:
        """Of a row of `alerts`; `quiet_now`: why its mention would be kept quiet if it were sent now."""
        match row.state:
            case "sent":
                twice = "; an earlier try may have arrived as well" if row.possibly_sent else ""
                return f"sent at {show_time(row.sent_at)}{twice}"
            case "dropped":
                return f"not sent, and will not be: {row.error or 'nobody wrote down why'}"
            case "dead":
                again = "`mentiond alerts --dead --retry` owes all dead letters once more"
                return f"given up after {_tries(row.attempts)}: {row.error or 'no reason given'}; {again}"
            case "held":
                return self._held(row)
            case _:
                return self._owed(row, quiet_now)

    def told_at(self, row: sa.Row[Any]) -> datetime | None:
        """When its receiver heard: of what was held, with its digest."""
        if row.state == "held":
            digest = self._digest(row)
            return digest.sent_at if digest is not None and digest.state == "sent" else None
        return row.sent_at if row.state == "sent" else None

    def _digest(self, row: sa.Row[Any]) -> sa.Row[Any] | None:
        same = (alerts.c.subject == row.held_for, alerts.c.reason == Reason.DIGEST.value)
        to = (alerts.c.receiver == row.receiver, alerts.c.recipient == row.recipient)
        return self.connection.execute(sa.select(alerts).where(*same, *to)).one_or_none()

    def _held(self, row: sa.Row[Any]) -> str:
        what, digest = "the digest" if row.held_for.startswith(GATHERED) else _PASS, self._digest(row)
        if digest is None:
            return f"held for {what} ({row.held_for}), which goes out when that pass has ended"
        if digest.state == "sent":
            return f"told within {what} ({row.held_for}), alert {digest.id}, sent at {show_time(digest.sent_at)}"
        if digest.state == "owed":
            return f"held for {what} ({row.held_for}), alert {digest.id}, due {show_time(digest.due_at)}"
        return f"held for {what} ({row.held_for}), alert {digest.id}, which is {digest.state}: {digest.error or '-'}"

    def _owed(self, row: sa.Row[Any], quiet_now: str | None) -> str:
        channel = self._channels.get(row.receiver)
        if channel is None:
            return f"owed, but no receiver {row.receiver} has ever run: start the daemon with it"
        if channel.stopped is not None:
            mend = f"mend it, then `mentiond receivers enable {row.receiver}`"
            return f"owed, but the receiver {row.receiver} is stopped: {channel.stopped}; {mend}"
        if row.lease_token is not None and row.lease_until is not None and row.lease_until > self.now:
            return "being sent at this moment"
        muted = self.quiet.muted_until(row.intervals)
        if muted is not None:
            return f"held back until {show_time(muted)}: every route that leads to it is muted until then"
        if row.due_at > self.now:
            return f"owed, not before {show_time(row.due_at)}: {_waits_for(row)}"
        if quiet_now is not None:
            return f"owed, and will be dropped when it is its turn: {quiet_now}"
        if channel.error is not None:
            again = show_time(channel.next_at)
            return f"owed; the receiver fails: {channel.error}; {_tries(row.attempts)} so far, the next at {again}"
        return f"owed and due since {show_time(row.due_at)}: it goes out as soon as the daemon gets to it"


_PASS = "the summary of a source's first pass, or of an archive published again"


def _waits_for(row: sa.Row[Any]) -> str:
    if row.failed_since is not None:
        return f"{_tries(row.attempts)} so far, the last error was: {row.error}"
    if row.error:
        return str(row.error)
    return {
        Reason.FIRST: "it waits for others of its group",
        Reason.DIGEST: "that is when its slot ends",
        Reason.REPEAT: "that is when it is repeated, if the case is still open",
        Reason.UPDATE: "a message is not edited more often than that",
    }.get(Reason(row.reason), "that is its time")


def _tries(count: int) -> str:
    return "1 try" if count == 1 else f"{count} tries"
