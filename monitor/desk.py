"""The desk: where people's actions go, whether they come from the command line, from Slack or from a mail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import Action, ActionKind, ActionRefusedError, CaseView, Found, Member
from monitor import silences
from monitor.case_views import find_mentions, load_cases
from monitor.cases import lock, take_action
from monitor.corrected import as_said
from monitor.corrections import Remark, UncorrectableError, correct
from monitor.loading import JOINED, read_mention
from monitor.maintenance import announce_anew
from monitor.people import Teams
from monitor.router import Router
from monitor.schema import group_members, mentions, posts, verdicts
from monitor.store import Store
from monitor.transitions import Moment
from rules.base import Watchlist, WatchlistKind
from rules.matchers import MatcherError
from rules.matching import QueryMatcher
from rules.query import QueryError
from sources.base import Clock, Post

SEARCHED = 5000  # mentions that a search reads, the newest
BATCH = 500


@dataclass(frozen=True, slots=True)
class StoreDesk:
    """The Desk of one configuration on an open store. `wake` is told which receivers are owed something."""

    store: Store
    clock: Clock
    teams: Teams
    watchlists: Mapping[str, Watchlist]
    recipients: Mapping[str, Sequence[str]]
    router: Router
    wake: Callable[[Iterable[str]], None] = lambda receivers: None

    async def act(self, action: Action) -> tuple[CaseView, ...]:
        """Of several mentions those that can be; refused where not one can."""
        views = await self.store.write(partial(self._act, action=action))
        self.wake(self.recipients)
        return views

    def _act(self, connection: Connection, action: Action) -> tuple[CaseView, ...]:
        moment, taken = Moment(self.clock(), self.router.hours), list[int]()
        refused: list[ActionRefusedError] = []
        for mention_id in sorted(set(action.mention_ids)):
            try:
                lock(connection, mention_id)
                taken.append(mention_id)
            except ActionRefusedError as error:
                refused.append(error)
        for mention_id in taken:
            try:
                with connection.begin_nested():
                    if take_action(connection, mention_id, action, moment):
                        self._follow(connection, mention_id, action, moment.now)
            except ActionRefusedError as error:
                refused.append(error)
        if refused and len(refused) == len(set(action.mention_ids)):
            raise refused[0]
        known = load_cases(connection, action.mention_ids)
        return tuple(known[mention_id] for mention_id in action.mention_ids if mention_id in known)

    def _follow(self, connection: Connection, mention_id: int, action: Action, now: datetime) -> None:
        """What an action does beyond its case."""
        if action.kind is ActionKind.CORRECT:
            self._correct(connection, mention_id, action, now)
        elif action.kind is ActionKind.MUTE_AUTHOR:
            self._mute(connection, mention_id, action, now)

    def _correct(self, connection: Connection, mention_id: int, action: Action, now: datetime) -> None:
        if action.labels is None:
            raise ActionRefusedError("a correction needs labels")
        remark = Remark(frozenset(action.labels), action.sentiment, action.by, now, action.note)
        try:
            correct(connection, mention_id, remark, self.watchlists)
        except UncorrectableError as error:
            raise ActionRefusedError(str(error)) from error
        query = sa.select(posts, mentions, verdicts).select_from(JOINED).where(mentions.c.id == mention_id)
        row = connection.execute(query).one()
        draft = self.router.route(as_said(read_mention(row, self.watchlists), remark.labels, remark.sentiment))
        place = (row._mapping[posts.c.id], row._mapping[mentions.c.revision], draft)
        announce_anew(connection, [place], self.recipients, now)

    def _mute(self, connection: Connection, mention_id: int, action: Action, now: datetime) -> None:
        columns = (posts.c.source, posts.c.author)
        query = sa.select(*columns).join(mentions, mentions.c.post_id == posts.c.id).where(mentions.c.id == mention_id)
        post = connection.execute(query).one()
        if not post.author:
            raise ActionRefusedError(f"the author of mention {mention_id} is unknown")
        matchers = [f"author = {_quoted(post.author)}", f"source = {_quoted(post.source)}"]
        silences.add_silence(connection, matchers, None, action.by, action.note, now)

    async def look(self, mention_id: int) -> Found | None:
        found = await self.store.read(partial(find_mentions, ids=[mention_id], watchlists=self.watchlists))
        return found[0] if found else None

    async def members_of(self, group_id: int) -> tuple[int, ...]:
        query = (
            sa.select(mentions.c.id)
            .join(group_members, group_members.c.mention_id == mentions.c.id)
            .join(posts, posts.c.id == mentions.c.post_id)
            .where(group_members.c.group_id == group_id)
            .order_by(posts.c.published_at, mentions.c.id)
        )
        return await self.store.read(lambda connection: tuple(connection.scalars(query)))

    async def search(self, query: str, limit: int) -> tuple[Found, ...]:
        """Among the newest SEARCHED mentions."""
        try:
            matcher = QueryMatcher([Watchlist("search", WatchlistKind.TOPIC, query)])
        except QueryError as error:
            raise ActionRefusedError(str(error)) from error

        def work(connection: Connection) -> tuple[Found, ...]:
            ids = _matching(connection, matcher, limit)
            return find_mentions(connection, ids, self.watchlists)

        return await self.store.read(work)

    async def silence(self, matchers: Sequence[str], until: datetime, by: str, comment: str) -> int:
        now = self.clock()
        try:
            texts = [matcher.text for matcher in silences.read_matchers(matchers, self.router.hours)]
        except MatcherError as error:
            raise ActionRefusedError(str(error)) from error
        if until <= now:
            raise ActionRefusedError("a silence needs an end to come")
        return await self.store.write(
            partial(silences.add_silence, matchers=texts, ends_at=until, by=by, comment=comment, now=now)
        )

    async def on_call(self) -> Mapping[str, tuple[Member, ...]]:
        now = self.clock()
        found = ((name, self.teams.on_call(name, now)) for name in self.teams.teams)
        return {name: (member,) for name, member in found if member}

    def member(self, slack: str) -> Member | None:
        return self.teams.with_slack(slack)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _matching(connection: Connection, matcher: QueryMatcher, limit: int) -> list[int]:
    found: list[int] = []
    for mention_id, post in _newest(connection):
        if matcher.match(post):
            found.append(mention_id)
            if len(found) == limit:
                break
    return found


def _newest(connection: Connection) -> Iterator[tuple[int, Post]]:
    """Mentions with their posts, the newest first, at most SEARCHED."""
    before: int | None = None
    stored = sa.select(posts, mentions, verdicts).select_from(JOINED).where(posts.c.deleted_at.is_(None))
    for _ in range(SEARCHED // BATCH):
        page = stored if before is None else stored.where(mentions.c.id < before)
        rows = connection.execute(page.order_by(mentions.c.id.desc()).limit(BATCH)).all()
        for row in rows:
            mention = read_mention(row)
            before = mention.id
            yield mention.id, mention.post
        if len(rows) < BATCH:
            return
