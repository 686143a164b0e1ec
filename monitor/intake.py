"""The one short transaction in which a page becomes mentions and owed alerts, and its cursor moves.

Uniqueness decides what is new, never a read before: the cursor moves under the condition of its version, `seen` rows
are inserted where there is none, an edit is an update under the condition of the old hash. Only what these return gets
alerts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import Reason
from monitor import own_posts
from monitor.bulk import insert_rows
from monitor.cases import answer_at_source, withdraw
from monitor.chunks import chunks
from monitor.copies import hand_over
from monitor.cursors import PartState, pass_subject
from monitor.digests import DROPPED, drop_empty_digests
from monitor.groups import leave_unsent
from monitor.inbox import blank_read, stay_due
from monitor.known import change_hash, insert_seen, keep_seen
from monitor.mentions import Draft, News, announce, offer_held, personal_row, revise
from monitor.own_posts import Answer
from monitor.schema import alerts, corrections, cursors, gaps, mentions, posts, revisions, seen, verdicts
from monitor.stories import Stories
from monitor.tombstones import forgotten_among
from monitor.updates import touch
from rules.personal import find as find_personal
from sources.base import Page, Post
from sources.text import CLEANER_VERSION

# Statements of every page: to build one anew takes longer than to run it.
_OF_PART = (cursors.c.source == sa.bindparam("of_source"), cursors.c.part == sa.bindparam("of_part"))
_MOVE = sa.update(cursors).where(*_OF_PART, cursors.c.version == sa.bindparam("of_version"))
_COUNT = sa.update(cursors).where(*_OF_PART).values(posts=cursors.c.posts + sa.bindparam("more"))
_OF_POST = tuple(Post.__dataclass_fields__)


class StaleCursorError(Exception):
    """The cursor moved since the page was fetched: the page is dropped whole."""


@dataclass(frozen=True, slots=True)
class Change:
    """A post of the page that the look-up took for new (`old_hash` None) or edited, with the mentions it makes."""

    post: Post
    content_hash: str
    old_hash: str | None
    drafts: tuple[Draft, ...]
    is_held: bool = False
    person: str | None = None  # who wrote it, across posts

    @property
    def is_refresh(self) -> bool:
        """Only the cleaner's version differs: the row is renewed, nobody hears of it."""
        return not is_current(self.old_hash)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Everything that one page writes."""

    state: PartState  # as read before the fetch
    page: Page
    changes: tuple[Change, ...]
    known: Mapping[str, str]  # external id -> content hash of what the look-up found unchanged
    recipients: Mapping[str, Sequence[str]]  # receiver -> addresses
    every: timedelta
    keep_unmatched: bool
    now: datetime
    own: tuple[Post, ...] = ()  # what the brand's own accounts wrote
    stories: Stories | None = None  # None: no post is taken for a copy
    source_type: str = ""  # at which accounts may have been erased


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a page brought."""

    new: int
    edited: int
    mentions: int
    receivers: frozenset[str]  # those who are owed something now
    gaps: tuple[str, ...]  # that were not known yet
    tags: tuple[tuple[str, str], ...] = ()  # (watchlist, tag) of what somebody may hear of


def is_current(old_hash: str | None) -> bool:
    """Whether a stored hash, if there is one, says something of the post: those of another cleaner do not."""
    return old_hash is None or old_hash.startswith(f"{CLEANER_VERSION}:")


def commit_page(connection: Connection, intake: Intake) -> Outcome:
    """Write the page. Raises StaleCursorError; any exception leaves nothing behind."""
    _move_cursor(connection, intake)
    intake = _without_forgotten(connection, intake)
    _rename(connection, intake)
    _forget_deleted(connection, intake)
    new = _insert_seen(connection, intake)
    edited = _update_seen(connection, intake)
    _touch_known(connection, intake)
    _mark_answered(connection, intake)
    _hear_own(connection, intake)
    news = _store_mentions(connection, intake, new, edited)
    touch(connection, _mentions_of(connection, intake, edited), intake.now)
    if not intake.page.more and _may_have_held(intake):
        offer_held(connection, pass_subject(intake.state), intake.now)
    gaps_found = _record_gaps(connection, intake)
    if new:
        connection.execute(_COUNT, _place(intake.state) | {"more": len(new)})
    receivers = frozenset(receiver for one in news for receiver in one.receivers)
    told = [one.draft.mention for one in news]
    tags = tuple((mention.watchlist.name, tag) for mention in told for tag in mention.verdict.tags)
    return Outcome(len(new), len(edited), len(news), receivers, gaps_found, tags)


def _may_have_held(intake: Intake) -> bool:
    """Only a first pass and one of several pages can have held anything back before this page."""
    state = intake.state
    is_alone = state.finished_at is not None and state.pass_started_at is None
    return not is_alone or any(change.is_held for change in intake.changes)


def _place(state: PartState) -> dict[str, Any]:
    return {"of_source": state.source, "of_part": state.part}


def _move_cursor(connection: Connection, intake: Intake) -> None:
    state, page = intake.state, intake.page
    values: dict[str, Any] = _place(state) | {
        "of_version": state.version,
        "version": state.version + 1,
        "pass_started_at": (state.pass_started_at or intake.now) if page.more else None,
        "pass_number": state.pass_number + (0 if page.more else 1),
        "asked_until": None,
        "failures": 0,
        "error": None,
        "error_since": None,
    }
    if page.cursor != state.cursor:
        values["cursor"] = page.cursor
    if page.body:
        values["body_at"] = intake.now
    if page.reached is not None or not page.more:
        values["reached_at"] = page.reached or intake.now
    if page.left:
        values["left"] = page.left
    if not page.more:
        values |= {"finished_at": intake.now, "due_at": intake.now + intake.every}
    if connection.execute(_MOVE, values).rowcount == 0:
        raise StaleCursorError(f"{state.source}: the cursor of {state.part!r} moved meanwhile")
    after = page.cursor.get("after")
    if not page.more and isinstance(after, int):
        stay_due(connection, state.source, after, intake.now)


def _rename(connection: Connection, intake: Intake) -> None:
    source = intake.state.source
    for old, new in _in_order(intake.page.renamed):
        for table in (seen, posts):
            taken = sa.select(table.c.external_id).where(table.c.source == source, table.c.external_id == new)
            row = sa.and_(table.c.source == source, table.c.external_id == old)
            connection.execute(sa.update(table).where(row, ~taken.exists()).values(external_id=new))


def _in_order(renamed: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """A name that another row is to have is given up first."""
    left = dict(renamed)
    while left:
        for old in [old for old, new in left.items() if new not in left] or list(left):
            yield old, left.pop(old)


def _forget_deleted(connection: Connection, intake: Intake) -> None:
    for chunk in chunks(intake.page.deleted):
        gone = sa.and_(posts.c.source == intake.state.source, posts.c.external_id.in_(chunk))
        told = sa.select(mentions.c.id).join(posts).where(gone)
        hand_over(connection, list(connection.scalars(told)), intake.now)
        withdraw(connection, list(connection.scalars(told)), intake.now)
        unsent = alerts.c.state.in_(("owed", "held", "dead"))
        connection.execute(sa.update(alerts).where(alerts.c.mention_id.in_(told), unsent).values(DROPPED))
        leave_unsent(connection, told)
        connection.execute(sa.update(verdicts).where(verdicts.c.mention_id.in_(told)).values(cues={}))
        connection.execute(sa.update(mentions).where(mentions.c.id.in_(told)).values(spans=[], personal=[]))
        connection.execute(sa.delete(corrections).where(corrections.c.mention_id.in_(told)))  # its words are in there
        connection.execute(sa.delete(revisions).where(revisions.c.post_id.in_(sa.select(posts.c.id).where(gone))))
        words = {"title": "", "text": "", "raw": "", "author": None}
        connection.execute(sa.update(posts).where(gone).values(words | {"deleted_at": intake.now}))
        touch(connection, list(connection.scalars(told)), intake.now)  # messages that are out lose its words
    if intake.page.deleted:
        drop_empty_digests(connection)


def _without_forgotten(connection: Connection, intake: Intake) -> Intake:
    """The page as if those who were erased had not written; of what was pushed, the body is not kept either."""
    source, written = intake.state.source, (*intake.page.posts, *intake.own, *(one.post for one in intake.changes))
    if not written:
        return intake
    places = (source, intake.source_type)
    gone = forgotten_among(connection, places, (post.author for post in written))
    if not gone:
        return intake
    blank_read(connection, source)
    kept = tuple(post for post in intake.page.posts if post.author not in gone)
    ids = {post.external_id for post in written if post.author in gone}
    return replace(
        intake,
        page=replace(intake.page, posts=kept),
        changes=tuple(one for one in intake.changes if one.post.external_id not in ids),
        known={name: known for name, known in intake.known.items() if name not in ids},
        own=tuple(post for post in intake.own if post.author not in gone),
    )


def _insert_seen(connection: Connection, intake: Intake) -> set[str]:
    """Return the ids that were in neither `seen` nor `posts`."""
    hashes = {one.post.external_id: one.content_hash for one in intake.changes if one.old_hash is None}
    return insert_seen(connection, intake.state.source, hashes, intake.now)


def _update_seen(connection: Connection, intake: Intake) -> set[str]:
    """Return the ids whose stored hash was the one that the look-up saw."""
    edited = set()
    for change in intake.changes:
        if change.old_hash is None:
            continue
        place = (intake.state.source, change.post.external_id)
        if change_hash(connection, *place, change.old_hash, change.content_hash) and not change.is_refresh:
            edited.add(change.post.external_id)
    return edited


def _touch_known(connection: Connection, intake: Intake) -> None:
    hashes = dict(intake.known)
    hashes |= {change.post.external_id: change.content_hash for change in intake.changes if change.old_hash is not None}
    keep_seen(connection, intake.state.source, hashes, intake.now)


def _mark_answered(connection: Connection, intake: Intake) -> None:
    """An answer at the source is no edit of the post, but whoever looks at it wants to know."""
    for chunk in chunks([post.external_id for post in intake.page.posts if post.answered]):
        row = sa.and_(posts.c.source == intake.state.source, posts.c.external_id.in_(chunk))
        marked = sa.update(posts).where(row, posts.c.answered.is_not(True)).values(answered=True)
        ids = list(connection.scalars(marked.returning(posts.c.id)))
        asked = list(connection.scalars(sa.select(mentions.c.id).where(mentions.c.post_id.in_(ids)))) if ids else []
        answer_at_source(connection, asked, Answer("", intake.now), intake.now)


def _hear_own(connection: Connection, intake: Intake) -> None:
    """A reply by the brand closes the cases that it answers."""
    for post in own_posts.keep(connection, intake.own, intake.now):
        answer = Answer(post.author or "", post.published_at)
        answer_at_source(connection, own_posts.answered_by(connection, post), answer, intake.now)


def _store_mentions(connection: Connection, intake: Intake, new: set[str], edited: set[str]) -> list[News]:
    """Store matched posts with their mentions, verdicts and alerts; return what somebody may hear of."""
    fresh = [change for change in intake.changes if change.post.external_id in new]
    fresh = [change for change in fresh if change.drafts or intake.keep_unmatched]
    ids = _insert_posts(connection, fresh, 1, intake.now)
    if intake.stories is not None:
        matched = [(change.post, ids[change.post.external_id]) for change in fresh if change.drafts]
        intake.stories.place(connection, matched, intake.now)
    news: list[News] = []
    for change in intake.changes:  # in the order of the page, which is that of the alerts
        if (post_id := ids.get(change.post.external_id)) is not None:
            held_for = pass_subject(intake.state) if change.is_held else None
            news += [News(draft, post_id, 1, Reason.FIRST, held_for=held_for) for draft in change.drafts]
        elif change.post.external_id in edited:
            news += _store_edit(connection, intake, change)
    announce(connection, news, intake.recipients, intake.now)
    return news


def _mentions_of(connection: Connection, intake: Intake, ids: set[str]) -> list[int]:
    """Of posts by their external ids."""
    found: list[int] = []
    for chunk in chunks(sorted(ids)):
        these = sa.and_(posts.c.source == intake.state.source, posts.c.external_id.in_(chunk))
        found += connection.scalars(sa.select(mentions.c.id).join(posts).where(these))
    return found


def _insert_posts(connection: Connection, changes: Sequence[Change], revision: int, now: datetime) -> dict[str, int]:
    """Return external_id -> id."""
    rows = [
        _post_row(change)
        | {"content_hash": change.content_hash, "revision": revision, "matched": bool(change.drafts), "fetched_at": now}
        for change in changes
    ]
    if not rows:
        return {}
    return {row.external_id: row.id for row in insert_rows(connection, posts, rows)}


def _post_row(change: Change) -> dict[str, Any]:
    post = change.post
    return {name: getattr(post, name) for name in _OF_POST} | {"kind": post.kind.value, "person": change.person}


def _store_edit(connection: Connection, intake: Intake, change: Change) -> list[News]:
    """Keep the old revision; news is a watchlist or a label that was never there."""
    post = change.post
    where = sa.and_(posts.c.source == post.source, posts.c.external_id == post.external_id)
    columns = (posts.c.id, posts.c.revision, posts.c.title, posts.c.text, posts.c.rating)
    stored = connection.execute(sa.select(*columns).where(where)).one_or_none()
    if stored is None:  # the earlier revisions matched nothing and were not kept
        ids = _insert_posts(connection, [change] if change.drafts else [], 2, intake.now)
        return [News(draft, ids[post.external_id], 2, Reason.EDITED) for draft in change.drafts]
    old = {"post_id": stored.id, "revision": stored.revision, "title": stored.title, "text": stored.text}
    connection.execute(sa.insert(revisions).values(old | {"rating": stored.rating, "replaced_at": intake.now}))
    revision = stored.revision + 1
    values = {"revision": revision, "deleted_at": None} | ({"matched": True} if change.drafts else {})
    connection.execute(sa.update(posts).where(where).values(_post_row(change) | values))
    hit = [draft.mention.watchlist.name for draft in change.drafts]
    elsewhere = sa.and_(mentions.c.post_id == stored.id, mentions.c.watchlist.not_in(hit))
    personal = personal_row(find_personal(post.title, post.text, post.lang))
    moved = {"spans": [], "personal": personal}  # those that are stored point into the old text
    connection.execute(sa.update(mentions).where(elsewhere).values(moved))
    return [news for draft in change.drafts if (news := revise(connection, stored.id, revision, draft)) is not None]


def _record_gaps(connection: Connection, intake: Intake) -> tuple[str, ...]:
    """Return what is new of it: a pass that reads an overlap again meets the same gap again."""
    if not intake.page.gaps:
        return ()
    here = {"source": intake.state.source, "part": intake.state.part}
    same = sa.and_(gaps.c.source == here["source"], gaps.c.part == here["part"])
    recent = sa.select(gaps.c.detail).where(same, gaps.c.noticed_at > intake.now - timedelta(days=1))
    known = set(connection.scalars(recent))
    fresh = tuple(gap.detail for gap in intake.page.gaps if gap.detail not in known)
    if fresh:
        connection.execute(sa.insert(gaps), [here | {"noticed_at": intake.now, "detail": one} for one in fresh])
    return fresh
