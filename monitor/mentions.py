"""Writing mentions: match, verdict and the alerts that they owe, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import Reason
from monitor.copies import leave_out_told
from monitor.digests import Gathering
from monitor.opening import UNKNOWN, Arrival, Opening, open_cases
from monitor.owed import owed_row
from monitor.placing import Placing, intervals_of
from monitor.schema import alerts, cases, insert_new, mentions, verdicts
from monitor.updates import touch
from rules.base import Label, Mention, Personal, Verdict
from rules.routing import Decision, group_labels


@dataclass(frozen=True, slots=True)
class Draft:
    """A mention on its way into the store, with where it goes."""

    mention: Mention
    decisions: tuple[Decision, ...]
    source_type: str = ""  # for groups by it
    opening: Opening = UNKNOWN


@dataclass(frozen=True, slots=True)
class News:
    """A mention of a stored post that somebody is to hear of; without `mention_id` it is stored first."""

    draft: Draft
    post_id: int
    revision: int
    reason: Reason
    mention_id: int | None = None
    held_for: str | None = None  # subject of the digest that will offer it

    @property
    def receivers(self) -> list[str]:
        """Who hears of it at once."""
        return [] if self.held_for else [decision.receiver for decision in self.draft.decisions]


def announce(
    connection: Connection, news: Sequence[News], recipients: Mapping[str, Sequence[str]], now: datetime
) -> None:
    """Store what is not stored yet, with its case, then the alerts that are owed: one for each receiver and recipient.

    Whoever had the last case of that person or thread is called. Copies of what a receiver knows are not told again.
    """
    if not news:
        return
    news, originals = leave_out_told(connection, news)
    ids = _insert_mentions(connection, [one for one in news if one.mention_id is None], now)
    told = [(one.mention_id or ids[one.post_id, one.draft.mention.watchlist.name], one) for one in news]
    owners = open_cases(connection, [_arrival(mention_id, one) for mention_id, one in told], now)
    rows, placing, gathering = [], Placing(connection, now), Gathering(connection, now)
    for mention_id, one in told:
        for row in alert_rows(mention_id, one, recipients, placing, gathering):
            is_single = row["mention_id"] is not None and mention_id in owners
            rows.append(row | {"called": [owners[mention_id]] if is_single else []})
    if rows:
        connection.execute(insert_new(connection, alerts), rows)
    placing.finish()
    touch(connection, originals, now)  # their messages show the copies


def store_untold(connection: Connection, news: Sequence[News], now: datetime) -> None:
    """Store mentions, with their cases but without clocks, of which nobody is to hear."""
    ids = _insert_mentions(connection, news, now)
    told = [(ids[one.post_id, one.draft.mention.watchlist.name], one) for one in news]
    open_cases(connection, [replace(_arrival(mention_id, one), is_held=True) for mention_id, one in told], now)


def _arrival(mention_id: int, news: News) -> Arrival:
    return Arrival(
        mention_id,
        news.draft.mention.post,
        news.draft.mention.watchlist.name,
        news.draft.mention.verdict.tags[0],
        news.draft.opening,
        is_routed=bool(news.draft.decisions),
        is_held=news.held_for is not None,
        is_edit=news.reason is Reason.EDITED,
    )


def _insert_mentions(connection: Connection, news: Sequence[News], now: datetime) -> dict[tuple[int, str], int]:
    """Return (post_id, watchlist) -> id."""
    rows = [
        _match_row(one.draft.mention) | {"post_id": one.post_id, "revision": one.revision, "created_at": now}
        for one in news
    ]
    if not rows:
        return {}
    returning = sa.insert(mentions).returning(mentions.c.post_id, mentions.c.watchlist, mentions.c.id)
    ids = {(row.post_id, row.watchlist): row.id for row in connection.execute(returning, rows)}
    made = [
        verdict_row(ids[one.post_id, one.draft.mention.watchlist.name], one.revision, one.draft.mention.verdict)
        for one in news
    ]
    connection.execute(sa.insert(verdicts), made)
    return ids


def revise(connection: Connection, post_id: int, revision: int, draft: Draft) -> News | None:
    """Renew the mention of an edited post in place; None where nothing in it is news."""
    mention = draft.mention
    where = sa.and_(mentions.c.post_id == post_id, mentions.c.watchlist == mention.watchlist.name)
    mention_id = connection.scalar(sa.select(mentions.c.id).where(where))
    if mention_id is None:
        return News(draft, post_id, revision, Reason.EDITED)
    earlier = connection.scalars(sa.select(verdicts.c.tags).where(verdicts.c.mention_id == mention_id))
    is_news = brings_label(mention.verdict, earlier)
    connection.execute(sa.update(mentions).where(where).values(_match_row(mention) | {"revision": revision}))
    store_verdict(connection, mention_id, revision, mention.verdict)
    return News(draft, post_id, revision, Reason.EDITED, mention_id) if is_news else None


def brings_label(verdict: Verdict, earlier: Iterable[Sequence[str]]) -> bool:
    """Whether the verdict carries a label that none of the earlier tags had."""
    carried = {tag for tags in earlier for tag in tags}
    return any(tag in set(Label) and tag not in carried for tag in verdict.tags)


def offer_held(connection: Connection, subject: str, now: datetime) -> None:
    """Owe each receiver and recipient one summary of what is held for this subject."""
    held = sa.and_(alerts.c.held_for == subject, alerts.c.state == "held")
    told = sa.select(alerts.c.receiver, alerts.c.recipient).where(held).distinct()
    rows = [owed_row(subject, receiver, to, Reason.DIGEST, 0, now) for receiver, to in connection.execute(told)]
    if rows:
        connection.execute(insert_new(connection, alerts), rows)


def store_verdict(connection: Connection, mention_id: int, revision: int, verdict: Verdict) -> None:
    """Store the verdict on one revision in place of an earlier one on the same."""
    where = sa.and_(verdicts.c.mention_id == mention_id, verdicts.c.revision == revision)
    connection.execute(sa.delete(verdicts).where(where))
    connection.execute(sa.insert(verdicts).values(verdict_row(mention_id, revision, verdict)))


def alert_rows(
    mention_id: int, news: News, recipients: Mapping[str, Sequence[str]], placing: Placing, gathering: Gathering
) -> list[dict[str, Any]]:
    """The alerts that one mention owes: what it joins instead of being told by itself owes its own already."""
    rows = []
    for decision in news.draft.decisions:
        to = recipients[decision.receiver]
        row = _bare_row(mention_id, news, decision, placing.now)
        if news.held_for:
            rows += [row | {"recipient": recipient, "held_for": news.held_for, "state": "held"} for recipient in to]
        elif gathering.takes(decision.receiver, news.draft.mention.verdict):
            subjects = {recipient: gathering.subject(decision.receiver, recipient) for recipient in to}
            rows += [row | {"recipient": at, "held_for": subject, "state": "held"} for at, subject in subjects.items()]
        elif (placed := _placed(row, mention_id, news, decision, placing)) is not None:
            rows += [placed | {"recipient": recipient} for recipient in to]
    return rows


def _bare_row(mention_id: int, news: News, decision: Decision, now: datetime) -> dict[str, Any]:
    """What one receiver is owed, wherever it is told."""
    subject, n = f"mention:{mention_id}", news.revision if news.reason is Reason.EDITED else 0
    row = owed_row(subject, decision.receiver, "", news.reason, n, now)
    row |= {"mention_id": mention_id, "routes": list(decision.routes), "intervals": intervals_of(decision.intervals)}
    if decision.repeat_interval is not None:
        row["repeat_every"] = decision.repeat_interval.total_seconds()
    return row


def _placed(
    row: dict[str, Any], mention_id: int, news: News, decision: Decision, placing: Placing
) -> dict[str, Any] | None:
    """The message that tells the mention; None: one that is owed already takes it."""
    place = placing.place(mention_id, news.draft.mention.watchlist.name, decision, _group_of(news, decision))
    if place.group_id is None:
        return row
    shared: dict[str, Any] = {"subject": f"group:{place.group_id}", "mention_id": None, "group_id": place.group_id}
    shared |= {"reason": Reason.FIRST.value, "n": 0, "due_at": place.due_at}
    return row | shared if place.is_new else None


def _group_of(news: News, decision: Decision) -> tuple[tuple[str, str], ...] | None:
    """What the mention's group has in common; None: it is told by itself, as is what an edit brought."""
    if decision.group_by is None or news.reason is not Reason.FIRST:
        return None
    return group_labels(decision.group_by, news.draft.mention, news.draft.source_type)


def _match_row(mention: Mention) -> dict[str, Any]:
    return {
        "watchlist": mention.watchlist.name,
        "watchlist_kind": mention.watchlist.kind.value,
        "spans": [[span.field, span.start, span.end] for span in mention.match.spans],
        "terms": list(mention.match.terms),
        "personal": personal_row(mention.personal),
    }


def personal_row(found: Iterable[Personal]) -> list[list[Any]]:
    """Personal data as it is stored."""
    return [[one.span.field, one.span.start, one.span.end, one.kind.value] for one in found]


def verdict_row(mention_id: int, revision: int, verdict: Verdict) -> dict[str, Any]:
    """The verdict on one revision of a mention as a row."""
    return {
        "mention_id": mention_id,
        "revision": revision,
        "probabilities": {label.value: round(p, 4) for label, p in verdict.probabilities.items()},
        "tags": list(verdict.tags),
        "sentiment": verdict.sentiment.value,
        "lang": verdict.lang,
        "cues": {label.value: list(words) for label, words in verdict.cues.items()},
        "sure": verdict.sure,
        "model": verdict.model,
        "unclassified": not verdict.is_classified,
    }


def rename_watchlist(connection: Connection, old: str, new: str) -> None:
    """Move the mentions of a watchlist that has a new name, unless that has some already."""
    if connection.scalar(sa.select(mentions.c.id).where(mentions.c.watchlist == new).limit(1)) is None:
        for table in (mentions, cases):
            connection.execute(sa.update(table).where(table.c.watchlist == old).values(watchlist=new))
