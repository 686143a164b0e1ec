"""The way of a post: fetch, look up, judge off the loop, one short transaction. Delivery comes later and separately."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import sys
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, cast

from monitor.cursors import LONGEST_PAUSE, PartState, read_part, record_failure
from monitor.intake import Change, Intake, Outcome, StaleCursorError, commit_page, is_current
from monitor.judge import Judge
from monitor.known import known_hashes
from monitor.metrics import Metrics
from monitor.outbox import owe_notice
from monitor.people import Authors
from monitor.schema import storable_text
from monitor.store import Store, StoreError
from monitor.stories import Stories
from sources.articles import Articles
from sources.base import BACKOFF_SHORT, Clock, Cursor, Gap, Page, Post, Source, SourceError, Stream
from sources.text import content_hash

log = logging.getLogger("mentiond.pipeline")

ARCHIVE = 50  # more old posts than this on one page are an archive published again
LONGEST_ID = 512  # characters; PostgreSQL indexes no value above 2,704 bytes
INT64 = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a configured source with what its polling needs. `backlog` None: nothing is old."""

    name: str
    part: str
    source: Source | Stream
    fingerprint: str  # of what its cursor points into
    every: timedelta
    backlog: timedelta | None
    host: str = ""  # name and port of its server, where the configuration names it

    @property
    def is_stream(self) -> bool:
        """What `isinstance` would say, which takes ten times as long of a protocol."""
        return hasattr(self.source, "listen")

    @property
    def label(self) -> str:
        """For logs."""
        return f"{self.name}/{self.part}" if self.part else self.name


@dataclass(slots=True)
class Pipeline:
    """Polls parts into the store. `wake` is told which receivers are owed something."""

    store: Store
    judge: Judge
    judge_thread: ThreadPoolExecutor
    recipients: Mapping[str, Sequence[str]]
    operations: str | None  # receiver of notices
    keep_unmatched: bool
    clock: Clock
    random: Random
    articles: Articles | None = None  # where no source wants them
    stories: Stories | None = None  # None: no post is taken for a copy
    authors: Authors = field(default_factory=Authors)
    wake: Callable[[Iterable[str]], None] = lambda receivers: None
    metrics: Metrics | None = None
    stopping: bool = False  # set: passes end after the page that they are at
    noticed: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)  # by the last page of each part

    async def poll(self, part: Part, *, once: bool = False) -> bool:
        """One pass, all pages of it; of a stream all that it sends, with `once` until it is at the present.

        False: it failed, and the failure is recorded with the time of the next try.
        """
        if self.stopping:
            return True
        state = await self._state(part)
        try:
            async with aclosing(_pages(part, state.cursor)) as pages:
                async for page in pages:
                    await self._take(part, state, page)
                    if self.stopping or (once and not page.more):
                        break
                    state = await self._state(part)
        except StaleCursorError as error:
            log.warning("page dropped source=%s reason=%s", part.label, error)
        except SourceError as error:
            await self._fail(part, state, error)
            return False
        except StoreError:
            raise  # no fault of the source: nothing is recorded and the part stays due
        except Exception as error:  # one source's trouble, whatever it is, touches no other
            log.exception("source broke source=%s", part.label)
            await self._fail(part, state, SourceError(f"{type(error).__name__}: {error}", backoff_limit=BACKOFF_SHORT))
            return False
        return True

    async def _state(self, part: Part) -> PartState:
        return await self.store.look_up(lambda connection: read_part(connection, part.name, part.part))

    async def _known(self, part: Part, ids: Sequence[str]) -> dict[str, str]:
        return await self.store.look_up(lambda connection: known_hashes(connection, part.name, ids)) if ids else {}

    async def _take(self, part: Part, state: PartState, fetched: Page) -> None:
        page = storable_page(await self._sift(part, fetched) if part.is_stream else fetched)
        intake = await self._prepare(part, state, page)
        outcome = await self.store.write(lambda connection: commit_page(connection, intake))
        if state.error is not None:
            log.info("source recovered source=%s failing_since=%s", part.label, state.error_since)
        self._report(part, intake.page, outcome)
        if self.metrics:
            self.metrics.count_mentions(outcome.tags)
        self.wake(outcome.receivers)

    async def _sift(self, part: Part, page: Page) -> Page:
        """Of a whole network's posts only hits are worth a row, and what becomes of the posts that are known."""
        if self.keep_unmatched:
            return page
        loop = asyncio.get_running_loop()
        hits = await loop.run_in_executor(self.judge_thread, self.judge.sift, page.posts) if page.posts else []
        kept = {post.external_id for post in hits}
        asked = {name: storable_id(name) for name in (*page.edited, *page.deleted) if name not in kept}
        ids = list(asked.values())
        known = await self._known(part, ids)
        kept.update(name for name, stored in asked.items() if stored in known)
        return replace(
            page,
            posts=tuple(post for post in page.posts if post.external_id in kept),
            deleted=tuple(name for name in page.deleted if name in kept),
        )

    async def _prepare(self, part: Part, state: PartState, page: Page) -> Intake:
        posts = page.posts
        hashes = {post.external_id: content_hash(post.title, post.text, post.rating) for post in posts}
        ids = list(hashes)
        asked = [*ids, *page.renamed]
        stored = await self._known(part, asked)
        staying = {name: known for name, known in stored.items() if name not in page.renamed}
        stored = {new: stored[old] for old, new in page.renamed.items() if old in stored} | staying
        pending = [post for post in posts if stored.get(post.external_id) != hashes[post.external_id]]
        pending, page = await self._read_articles(pending, page, stored)
        loop = asyncio.get_running_loop()
        drafts = await loop.run_in_executor(self.judge_thread, self.judge.judge, pending) if pending else []
        now = self.clock()
        held = held_back(part, state, [post for post in pending if post.external_id not in stored], now)
        changes = tuple(
            Change(
                post,
                hashes[post.external_id],
                stored.get(post.external_id),
                made,
                post.external_id in held,
                self.authors.person(post),
            )
            for post, made in zip(pending, drafts, strict=True)
        )
        changed = {change.post.external_id for change in changes}
        return Intake(
            state=state,
            page=page,
            changes=changes,
            known={key: known for key, known in hashes.items() if key not in changed},
            recipients=self.recipients,
            every=part.every,
            keep_unmatched=self.keep_unmatched,
            now=now,
            own=tuple(post for post in posts if self.judge.is_own(post)),
            stories=self.stories,
            source_type=self.judge.source_type(part.name),
        )

    async def _read_articles(
        self, pending: list[Post], page: Page, stored: Mapping[str, str]
    ) -> tuple[list[Post], Page]:
        """The posts with the text of their articles, but for those that are only cleaned anew: they have it already."""
        again = {post.external_id for post in pending if not is_current(stored.get(post.external_id))}
        wanted = {key: address for key, address in page.articles.items() if key not in again}
        if self.articles is None or not wanted:
            return pending, page
        posts, notices = await with_articles(pending, wanted, self.articles)
        return posts, replace(page, notices=(*page.notices, *notices))

    def _report(self, part: Part, page: Page, outcome: Outcome) -> None:
        for gap in outcome.gaps:
            log.warning("gap source=%s %s", part.label, gap)
        before = self.noticed.get((part.name, part.part), ())
        for notice in page.notices:
            if notice not in before:
                log.warning("notice source=%s %s", part.label, notice)
        if page.body or page.notices:
            self.noticed[part.name, part.part] = page.notices
        if outcome.new or outcome.edited:
            counts = (outcome.new, outcome.edited, outcome.mentions)
            log.info("page stored source=%s new=%d edited=%d mentions=%d", part.label, *counts)

    async def _fail(self, part: Part, state: PartState, error: SourceError) -> None:
        now, reason = self.clock(), storable_text(str(error))
        due_at = now + self._pause(part, state, error)
        if self.metrics:
            self.metrics.failures.labels(part.name).inc()
        if state.error is None:
            log.warning("source failing source=%s error=%s", part.label, reason)

        def record(connection: Any) -> None:
            is_asked = error.retry_after is not None
            record_failure(connection, state, reason, due_at, now, disable=error.permanent, is_asked=is_asked)
            if error.permanent and self.operations:
                text = (
                    f"Source {part.label} is switched off: {reason}. `mentiond sources enable {part.name}` turns it on."
                )
                subject = f"source:{part.label}"
                owe_notice(connection, self.operations, self.recipients[self.operations], subject, text, now)

        await self.store.write(record)
        if error.permanent:
            log.error("source switched off source=%s error=%s", part.label, reason)
            self.wake([self.operations] if self.operations else [])

    def _pause(self, part: Part, state: PartState, error: SourceError) -> timedelta:
        if error.retry_after is not None:
            return min(max(timedelta(seconds=error.retry_after), part.every), LONGEST_PAUSE)
        doubled = part.every.total_seconds() * 2 ** min(state.failures, 20)
        limit = min(max(error.backoff_limit, part.every), LONGEST_PAUSE).total_seconds()
        return timedelta(seconds=min(doubled, limit) * self.random.uniform(0.9, 1.0))


async def with_articles(
    posts: list[Post], addresses: Mapping[str, str], articles: Articles
) -> tuple[list[Post], tuple[str, ...]]:
    """The posts, each with the text of its article after its own, and what to tell the operator. The newest come first
    where there are more than can be read. External ids and hashes stay those of the announcements.
    """
    newest_first = sorted(posts, key=lambda post: post.published_at, reverse=True)
    wanted = {post.external_id: addresses[post.external_id] for post in newest_first if post.external_id in addresses}
    texts = await articles.read(wanted)
    found = {key: storable_text(text) for key, text in texts.found.items()}
    read = [
        replace(post, text=f"{post.text}\n\n{found[post.external_id]}".strip()) if post.external_id in found else post
        for post in posts
    ]
    return read, (texts.notice,) if texts.notice else ()


async def _pages(part: Part, cursor: Cursor) -> AsyncGenerator[Page]:
    """The pages of one pass, or what a stream sends."""
    if part.is_stream:
        async for page in cast(Stream, part.source).listen(cursor):
            yield page
        return
    source = cast(Source, part.source)
    while True:
        page = await source.fetch(cursor)
        yield page
        if not page.more:
            return
        cursor = page.cursor


def held_back(part: Part, state: PartState, new: Sequence[Post], now: datetime) -> set[str]:
    """External ids of what only a summary offers: the backlog of a first pass, an archive published again."""
    if part.backlog is None:
        return set()
    if state.finished_at is None:
        start = (state.pass_started_at or now) - part.backlog
        return {post.external_id for post in new if not post.dated or post.published_at < start}
    horizon = now - max(part.backlog, now - state.finished_at + part.source.overlap)
    old = {post.external_id for post in new if post.dated and post.published_at < horizon}
    return old if len(old) > ARCHIVE else set()


def storable_page(page: Page) -> Page:
    """The page as both databases can keep it, each id once, as it was given last."""
    posts = {post.external_id: post for post in map(storable, page.posts)}
    renamed = {storable_id(old): storable_id(new) for old, new in page.renamed.items()}
    return replace(
        page,
        posts=tuple(posts.values()),
        articles={storable_id(key): address for key, address in page.articles.items()},
        gaps=tuple(Gap(storable_text(gap.detail)) for gap in page.gaps),
        deleted=tuple(map(storable_id, page.deleted)),
        renamed=renamed,
        notices=tuple(map(storable_text, page.notices)),
    )


def storable(post: Post) -> Post:
    """The post with only what both databases can keep: no NUL, no lone surrogate, ids and numbers within bounds."""
    texts = {each.name: storable_text(value) for each in fields(post) if type(value := getattr(post, each.name)) is str}
    texts["external_id"] = storable_id(post.external_id)
    numbers = {name: _bounded(getattr(post, name)) for name in ("engagement", "followers")}
    return replace(post, **texts, **numbers, rating=_finite(post.rating))  # type: ignore[arg-type]  # values of the fields' own types


def storable_id(external_id: str) -> str:
    """The id, or its digest where it is too long for an index."""
    text = storable_text(external_id)
    return text if len(text) <= LONGEST_ID else "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _finite(value: float | None) -> float | None:
    return value if value is not None and -sys.float_info.max <= value <= sys.float_info.max else None


def _bounded(value: int | None) -> int | None:
    return None if value is None else max(-INT64, min(value, INT64))
