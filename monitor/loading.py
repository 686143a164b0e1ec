"""Alerts as receivers get them: a row with its mentions and everything that is known around them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import (
    DIGEST_CARRIED,
    DIGEST_SHOWN,
    Alert,
    CaseView,
    Context,
    Member,
    Proposal,
    Reason,
    Sighting,
)
from monitor.corrected import with_corrections
from monitor.groups import view_groups
from monitor.schema import alerts, group_members, mentions, posts, verdicts
from monitor.updates import MESSAGES, revisions
from rules.base import Label, Match, Mention, Personal, PersonalKind, Sentiment, Span, Verdict, Watchlist, WatchlistKind
from sources.base import Post, PostKind

NO_WATCHLISTS: Mapping[str, Watchlist] = MappingProxyType({})
POST_FIELDS = tuple(Post.__dataclass_fields__)

JOINED = mentions.join(posts, posts.c.id == mentions.c.post_id).join(
    verdicts, sa.and_(verdicts.c.mention_id == mentions.c.id, verdicts.c.revision == mentions.c.revision)
)


def _no_cases(connection: Connection, mention_ids: Sequence[int]) -> Mapping[int, CaseView]:
    return {}


def _no_copies(connection: Connection, mention_ids: Sequence[int]) -> Mapping[int, tuple[Sighting, ...]]:
    return {}


def _no_proposal(mention: Mention, context: Context) -> Proposal:
    return Proposal()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is looked up around the mentions of an alert: by mention, for those that people are shown."""

    watchlists: Mapping[str, Watchlist] = field(default_factory=dict)  # as configured now, by name
    members: Mapping[str, Member] = field(default_factory=dict)  # of teams, by name
    cases: Callable[[Connection, Sequence[int]], Mapping[int, CaseView]] = _no_cases
    copies: Callable[[Connection, Sequence[int]], Mapping[int, tuple[Sighting, ...]]] = _no_copies
    propose: Callable[[Mention, Context], Proposal] = _no_proposal


NOTHING_AROUND = Surroundings()


def load_alerts(
    connection: Connection, ids: Sequence[int], public_url: str, around: Surroundings = NOTHING_AROUND
) -> list[Alert]:
    """Rows with everything that rendering needs, in the order of their ids.

    Their revisions are read first: what is shown then is that revision or a later one, never an earlier.
    """
    rows = connection.execute(sa.select(alerts).where(alerts.c.id.in_(ids)).order_by(alerts.c.id)).all()
    reached = revisions(connection, [(row.mention_id, row.group_id) for row in rows])
    groups = view_groups(connection, [row.group_id for row in rows if row.group_id is not None])
    told = _tell(connection, rows, around.watchlists)
    contexts = _contexts(connection, [mention for some, _ in told for mention in some[:DIGEST_SHOWN]], around)
    loaded = []
    for row, (some, count) in zip(rows, told, strict=True):
        known = {mention.id: contexts[mention.id] for mention in some[:DIGEST_SHOWN]}
        origin = _origin(connection, row)
        shown = origin if origin is not None and row.reason == Reason.UPDATE else row
        loaded.append(
            replace(
                _bare_alert(row, shown, public_url),
                mentions=some,
                count=count,
                contexts=known,
                group=groups.get(row.group_id),
                called=tuple(around.members.get(name, Member(name)) for name in shown.called),
                reference=origin.reference if origin is not None else "",
                revision=reached[row.mention_id, row.group_id],
            )
        )
    return loaded


def _bare_alert(row: sa.Row[Any], shown: sa.Row[Any], public_url: str) -> Alert:
    """Of an update `shown` is the message that it renders anew: why it came, whom it called, whether it came twice."""
    path = f"/mentions/{row.mention_id}" if row.mention_id else f"/alerts/{row.id}"
    return Alert(
        id=row.id,
        key="|".join((row.subject, row.receiver, row.recipient, row.reason, str(row.n))),
        receiver=row.receiver,
        recipient=row.recipient,
        reason=Reason(row.reason),
        n=row.n,
        mentions=(),
        count=0,
        routes=tuple(shown.routes),
        url=public_url.rstrip("/") + path if public_url else "",
        created_at=shown.created_at,
        attempt=max(1, row.attempts),
        possibly_sent_twice=shown.possibly_sent,
        notice=row.notice,
    )


Told: TypeAlias = tuple[tuple[Mention, ...], int]  # as many mentions as an alert carries, and how many there are


def _tell(connection: Connection, rows: Sequence[sa.Row[Any]], watchlists: Mapping[str, Watchlist]) -> list[Told]:
    """What each of the rows tells."""
    ids = {row.mention_id for row in rows if row.mention_id is not None}
    singles = {one.id: one for one in read_mentions(connection, mentions.c.id.in_(ids), watchlists, len(ids))}
    told: list[Told] = []
    for row in rows:
        if row.mention_id is None:
            told.append(_gathered(connection, row, watchlists))
        else:
            told.append(((singles[row.mention_id],), 1) if row.mention_id in singles else ((), 0))
    return told


def _gathered(connection: Connection, row: sa.Row[Any], watchlists: Mapping[str, Watchlist]) -> Told:
    if row.group_id is not None:
        of = sa.select(group_members.c.mention_id).where(group_members.c.group_id == row.group_id)
    elif row.reason == Reason.DIGEST:
        of = sa.select(alerts.c.mention_id).where(held_for(row))
    else:
        return (), 0
    which = mentions.c.id.in_(of)
    told = read_mentions(connection, which, watchlists, DIGEST_CARRIED)
    if len(told) < DIGEST_CARRIED:
        return told, len(told)
    return told, connection.scalar(sa.select(sa.func.count()).select_from(mentions).where(which)) or len(told)


def held_for(row: sa.Row[Any]) -> sa.ColumnElement[bool]:
    """The alerts that a digest offers to its recipient."""
    to = sa.and_(alerts.c.receiver == row.receiver, alerts.c.recipient == row.recipient)
    return sa.and_(alerts.c.held_for == row.subject, to, alerts.c.state == "held")


def _contexts(connection: Connection, shown: Sequence[Mention], around: Surroundings) -> dict[int, Context]:
    ids = sorted({mention.id for mention in shown})
    if not ids:
        return {}
    cases, copies = around.cases(connection, ids), around.copies(connection, ids)
    found = {}
    for mention in shown:
        known = Context(cases.get(mention.id), copies.get(mention.id, ()))
        found[mention.id] = Context(known.case, known.copies, around.propose(mention, known))
    return found


def _origin(connection: Connection, row: sa.Row[Any]) -> sa.Row[Any] | None:
    """The first message that is out for the same, at the same place, and that its receipt finds again."""
    if row.reason == Reason.FIRST or (row.mention_id is None and row.group_id is None):
        return None
    same: sa.ColumnElement[bool] = alerts.c.subject == row.subject
    if row.reason != Reason.UPDATE and row.mention_id is not None:
        around = sa.select(group_members.c.group_id).where(group_members.c.mention_id == row.mention_id)
        same = sa.or_(alerts.c.mention_id == row.mention_id, alerts.c.group_id.in_(around))
    is_known = sa.and_(alerts.c.reference.is_not(None), alerts.c.reference != "")
    here = (alerts.c.receiver == row.receiver, alerts.c.recipient == row.recipient, alerts.c.state == "sent")
    query = sa.select(alerts).where(same, *here, is_known, alerts.c.reason.in_(MESSAGES))
    return connection.execute(query.order_by(alerts.c.sent_at, alerts.c.id).limit(1)).one_or_none()


def read_mentions(
    connection: Connection, which: sa.ColumnElement[bool], watchlists: Mapping[str, Watchlist], limit: int
) -> tuple[Mention, ...]:
    """Stored mentions, oldest first, as they were corrected."""
    query = (
        sa.select(posts, mentions, verdicts)
        .select_from(JOINED)
        .where(which)
        .order_by(posts.c.published_at, mentions.c.id)
        .limit(limit)
    )
    return with_corrections(connection, [read_mention(row, watchlists) for row in connection.execute(query)])


def read_mention(row: sa.Row[Any], watchlists: Mapping[str, Watchlist] = NO_WATCHLISTS) -> Mention:
    """A mention from a row of posts, mentions and verdicts (JOINED)."""
    values = row._mapping
    post = {field: values[posts.c[field]] for field in POST_FIELDS}
    name, kind = values[mentions.c.watchlist], WatchlistKind(values[mentions.c.watchlist_kind])
    return Mention(
        post=Post(**post | {"kind": PostKind(post["kind"])}),
        watchlist=watchlists.get(name, Watchlist(name, kind, query="")),
        match=Match(name, _spans(values[mentions.c.spans]), tuple(values[mentions.c.terms])),
        verdict=_verdict(values),
        id=values[mentions.c.id],
        personal=tuple(
            Personal(PersonalKind(kind), Span(name, start, end))
            for name, start, end, kind in values[mentions.c.personal]
        ),
    )


def _spans(stored: Iterable[Sequence[Any]]) -> tuple[Span, ...]:
    return tuple(Span(*span) for span in stored)


def _verdict(values: Mapping[Any, Any]) -> Verdict:
    return Verdict(
        probabilities={Label(label): p for label, p in values[verdicts.c.probabilities].items()},
        tags=tuple(values[verdicts.c.tags]),
        sentiment=Sentiment(values[verdicts.c.sentiment]),
        lang=values[verdicts.c.lang],
        cues={Label(label): tuple(words) for label, words in values[verdicts.c.cues].items()},
        sure=values[verdicts.c.sure],
        model=values[verdicts.c.model],
    )
