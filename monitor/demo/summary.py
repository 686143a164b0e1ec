"""What the demonstration came to, read from its store."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from statistics import median

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from monitor.schema import alerts, mentions, posts, seen, verdicts


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of posts read, mentions by label (one may carry several) and alerts delivered by receiver.

    `owed`: alerts not delivered. `delay`: median seconds from publication to the console, None where there is nothing.
    """

    read: int
    mentions: int
    labels: Counter[str]
    delivered: Counter[str]
    owed: int
    delay: float | None


def read_summary(connection: Connection) -> Summary:
    """Everything that the store holds."""
    states = connection.execute(sa.select(alerts.c.receiver, alerts.c.state)).all()
    delays = [(sent - published).total_seconds() for published, sent in _console_times(connection)]
    return Summary(
        read=connection.scalar(sa.select(sa.func.count()).select_from(seen)) or 0,
        mentions=connection.scalar(sa.select(sa.func.count()).select_from(mentions)) or 0,
        labels=_labels(connection),
        delivered=Counter(receiver for receiver, state in states if state == "sent"),
        owed=sum(state in ("owed", "dead") for _, state in states),
        delay=median(delays) if delays else None,
    )


def _labels(connection: Connection) -> Counter[str]:
    latest = sa.and_(verdicts.c.mention_id == mentions.c.id, verdicts.c.revision == mentions.c.revision)
    rows = connection.scalars(sa.select(verdicts.c.tags).join(mentions, latest))
    return Counter(tag for tags in rows for tag in tags)


def _console_times(connection: Connection) -> list[tuple[datetime, datetime]]:
    found = (
        sa.select(posts.c.published_at, alerts.c.sent_at)
        .join(mentions, mentions.c.post_id == posts.c.id)
        .join(alerts, alerts.c.mention_id == mentions.c.id)
        .where(alerts.c.receiver == "console", alerts.c.reason == "first", alerts.c.sent_at.is_not(None))
    )
    return [(published, sent) for published, sent in connection.execute(found)]


def summary_lines(summary: Summary, *, show_delay: bool) -> list[str]:
    """For the screen."""
    lines = [
        f"{summary.read} posts read; {summary.mentions} mentions: {_counted(summary.labels)}",
        f"alerts delivered: {_counted(summary.delivered)}",
    ]
    if show_delay and summary.delay is not None:
        lines.append(f"from publication to alert: {summary.delay:.1f} seconds in the median")
    if summary.owed:
        lines.append(f"alerts still owed: {summary.owed}")
    return lines


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {number}" for name, number in counts.most_common()) or "none"
