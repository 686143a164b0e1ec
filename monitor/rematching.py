"""Watchlists applied to what is stored already: mentions that would be there had the query been so all the time.

Page by page, each in a transaction of its own, beside a running daemon. Uniqueness of (post, watchlist) makes it the
same to do it twice. Nobody is told, unless everything that is found is offered in one summary for each receiver.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import Reason
from monitor.judge import Judge
from monitor.loading import POST_FIELDS
from monitor.mentions import Draft, News, announce, offer_held, store_untold
from monitor.schema import alerts, mentions, posts
from monitor.store import Store
from rules.base import Match, Matcher
from sources.base import Post, PostKind

PAGE = 200  # posts read and judged at a time
SUBJECT: Final = "rematch:"  # how the subjects of its summaries begin

Known = frozenset[tuple[str, str, str]]  # source, external id, watchlist: mentions that are there


class ClassifierFailedError(Exception):
    """Without verdicts nothing is stored: a verdict that comes late would tell people."""


@dataclass(slots=True)
class Rematched:
    """What came of it."""

    posts: int = 0  # that were looked at
    mentions: Counter[str] = field(default_factory=Counter)  # new ones, by watchlist
    receivers: frozenset[str] = frozenset()  # who are owed a summary


@dataclass(frozen=True, slots=True)
class Stored:
    """A post as it is stored."""

    id: int
    revision: int
    content_hash: str
    post: Post


@dataclass(frozen=True, slots=True)
class _FreshMatcher:
    """Leaves out mentions that are there already: they are not judged again."""

    matcher: Matcher
    known: Known

    def match(self, post: Post) -> list[Match]:
        found = self.matcher.match(post)
        return [match for match in found if (post.source, post.external_id, match.watchlist) not in self.known]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rematch:
    """One run. `judge` matches only the watchlists that are meant."""

    store: Store
    judge: Judge
    recipients: Mapping[str, Sequence[str]]
    since: datetime  # posts fetched from then on
    now: datetime
    tells: bool  # in one summary for each receiver
    count: Callable[[], None] = lambda: None

    def run(self) -> Rematched:
        """Blocking. Raises ClassifierFailedError; what was stored until then stays, and doing it again goes on."""
        done, after = Rematched(), 0
        while page := self.store.read_now(partial(self._read, after=after)):
            after = page[-1].id
            drafts = self._judge(page)
            if drafts:
                done.mentions += self.store.write_now(partial(self._write, drafts=drafts))
            done.posts += len(page)
            for _ in page:
                self.count()
        if self.tells:
            done.receivers = self.store.write_now(partial(_offer, now=self.now))
        return done

    def _read(self, connection: Connection, after: int) -> list[Stored]:
        columns = (posts.c.id, posts.c.revision, posts.c.content_hash, *(posts.c[name] for name in POST_FIELDS))
        wanted = sa.and_(posts.c.id > after, posts.c.fetched_at >= self.since, posts.c.deleted_at.is_(None))
        rows = connection.execute(sa.select(*columns).where(wanted).order_by(posts.c.id).limit(PAGE)).all()
        return [
            Stored(
                row.id,
                row.revision,
                row.content_hash,
                Post(**{name: getattr(row, name) for name in POST_FIELDS} | {"kind": PostKind(row.kind)}),
            )
            for row in rows
        ]

    def _judge(self, page: Sequence[Stored]) -> list[tuple[Stored, Draft]]:
        known = self.store.read_now(partial(_known, ids=[one.id for one in page]))
        judge = replace(self.judge, matcher=_FreshMatcher(self.judge.matcher, known))
        found: list[tuple[Stored, Draft]] = []
        for source in dict.fromkeys(one.post.source for one in page):  # ids are unique within a source
            here = [one for one in page if one.post.source == source]
            judged = judge.judge([one.post for one in here])
            found += [(one, draft) for one, drafts in zip(here, judged, strict=True) for draft in drafts]
        if not all(draft.mention.verdict.is_classified for _, draft in found):
            raise ClassifierFailedError("the classifier failed, see the log; what was stored until then stays")
        return found

    def _write(self, connection: Connection, drafts: Sequence[tuple[Stored, Draft]]) -> Counter[str]:
        """Of what was judged, all that still holds: the posts are locked, edits wait or have come before."""
        ids = sorted({one.id for one, _ in drafts})
        here = sa.select(posts.c.id, posts.c.content_hash).where(posts.c.id.in_(ids), posts.c.deleted_at.is_(None))
        hashes = {row.id: row.content_hash for row in connection.execute(here.order_by(posts.c.id).with_for_update())}
        known = _known(connection, ids)
        fresh = [
            (one, draft)
            for one, draft in drafts
            if hashes.get(one.id) == one.content_hash
            and (one.post.source, one.post.external_id, draft.mention.watchlist.name) not in known
        ]
        held_for = f"{SUBJECT}{self.now:%Y-%m-%dT%H:%M:%SZ}" if self.tells else None
        news = [News(draft, one.id, one.revision, Reason.FIRST, held_for=held_for) for one, draft in fresh]
        if self.tells:
            announce(connection, news, self.recipients, self.now)
        else:
            store_untold(connection, news, self.now)
        matched = sa.update(posts).where(posts.c.id.in_([one.id for one, _ in fresh]), ~posts.c.matched)
        connection.execute(matched.values(matched=True))
        return Counter(draft.mention.watchlist.name for _, draft in fresh)


def _known(connection: Connection, ids: Collection[int]) -> Known:
    query = sa.select(posts.c.source, posts.c.external_id, mentions.c.watchlist)
    query = query.join(mentions, mentions.c.post_id == posts.c.id).where(posts.c.id.in_(ids))
    return frozenset((row.source, row.external_id, row.watchlist) for row in connection.execute(query))


def _offer(connection: Connection, now: datetime) -> frozenset[str]:
    """Owe the summaries, also of a run that was broken off."""
    held = alerts.alias()
    waits = sa.and_(held.c.held_for.startswith(SUBJECT, autoescape=True), held.c.state == "held")
    offered = sa.select(alerts.c.id).where(alerts.c.subject == held.c.held_for, alerts.c.receiver == held.c.receiver)
    query = sa.select(held.c.held_for, held.c.receiver).where(waits, ~offered.exists()).distinct()
    rows = connection.execute(query).all()
    for subject in sorted({row.held_for for row in rows}):
        offer_held(connection, subject, now)
    return frozenset(row.receiver for row in rows)
