"""One run of the real sources, pipeline, store and deliveries in the simulated world, with kills, and its checks."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from monitor import cursors, maintenance, outbox
from monitor.delivery import Delivery
from monitor.judge import Judge
from monitor.pipeline import Part, Pipeline
from monitor.router import Router
from monitor.schema import alerts, mentions, posts
from monitor.store import Store
from rules.matching import QueryMatcher
from sources.base import Cursor, Page, Source
from sources.feed import FeedSettings, FeedSource
from sources.feed_parser import FeedParser
from sources.hackernews import HackerNewsSettings, HackerNewsSource
from tests.fakes import WordClassifier
from tests.monitor.builders import JUDGE_THREAD, WATCHLISTS, route_all
from tests.simulation.ledger import Ledger
from tests.simulation.receivers import Box, Killed, hold
from tests.simulation.world import DAY, HOUR, MINUTE, Api, Clocks, Feed, Habit, Showing, Web, token_of

T = TypeVar("T")

EVERY = 5 * MINUTE
RETENTION = 8 * DAY
RECIPIENTS = {"chat": ("",), "mail": ("a@example.com", "b@example.com"), "ops": ("",)}
TOLD = ("chat", "mail")
BOUND = 2_000  # bytes that a cursor may have, and 700 more for each entry of the last document


@dataclass(slots=True)
class Life:
    """How many more steps mentiond lives; None: until the end."""

    left: int | None = None

    def step(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left <= 0:
                self.left = None
                raise Killed


class MortalStore(Store):
    """A store in whose reads and writes mentiond may be killed, before and after; `wrote` is told of each commit.

    It works on the thread of the event loop: hopping between threads would take most of the time of a run.
    """

    def __init__(self, url: str, life: Life, wrote: Callable[[], None]) -> None:
        super().__init__(url)
        self._life, self._wrote = life, wrote
        if self.is_sqlite:
            sa.event.listen(self._writer, "connect", _unsafe)

    async def write(self, work: Callable[[Connection], T]) -> T:
        self._life.step()
        result = self.write_now(work)
        self._wrote()
        self._life.step()
        return result

    async def read(self, work: Callable[[Connection], T]) -> T:
        self._life.step()
        return self._run(self._reader.connect, work)


def _unsafe(connection: Any, record: object) -> None:
    connection.execute("PRAGMA synchronous=OFF")  # the simulation kills mentiond, not the machine


@dataclass(slots=True)
class Watched:
    """A source, and what its last page was made of."""

    source: Source
    web: Web
    life: Life
    fetched: Callable[[Page, Showing], None]

    @property
    def overlap(self) -> timedelta:
        return self.source.overlap

    async def fetch(self, cursor: Cursor) -> Page:
        page = await self.source.fetch(cursor)
        self.fetched(page, self.web.showing)
        self.life.step()
        return page

    async def probe(self) -> str:
        return await self.source.probe()


class SteppedDelivery(Delivery):
    """A delivery whose loop makes one round."""

    waited: float = 0.0

    async def round(self) -> float:
        """Return the seconds that the loop would wait for now."""
        self.stopping = False
        await self.run()
        return self.waited

    async def _rest(self, seconds: float) -> None:
        self.waited, self.stopping = seconds, True


@dataclass(slots=True)
class Figures:
    """What was done, for the summary."""

    steps: int = 0
    polls: int = 0
    kills: int = 0
    posts: int = 0
    alerts: int = 0
    copies: int = 0
    gaps: int = 0

    def __iadd__(self, other: Figures) -> Figures:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self

    def __str__(self) -> str:
        return ", ".join(f"{getattr(self, name)} {name}" for name in self.__slots__)


@dataclass(slots=True)
class Scene:
    """mentiond in its world. `parser` and the database are shared by many scenes, one after the other."""

    url: str
    parser: FeedParser
    random: Random
    clocks: Clocks = field(default_factory=Clocks)
    ledger: Ledger = field(default_factory=Ledger)
    life: Life = field(default_factory=Life)
    figures: Figures = field(default_factory=Figures)
    api: Api = field(default_factory=Api)
    feeds: list[Feed] = field(default_factory=list)
    boxes: dict[str, Box] = field(default_factory=lambda: {name: Box(name) for name in RECIPIENTS})
    parts: dict[tuple[str, str], Part] = field(default_factory=dict)
    held: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # pass, receiver, recipient -> mentions
    ever: dict[int, tuple[str, str, str]] = field(default_factory=dict)  # mention -> source, token, watchlist
    dead: set[str] = field(default_factory=set)  # keys
    raised: int = 0  # gaps
    pending: tuple[str, Page, Showing] | None = None
    store: MortalStore = field(init=False)
    web: Web = field(init=False)
    pipeline: Pipeline = field(init=False)
    deliveries: list[SteppedDelivery] = field(init=False)

    def __post_init__(self) -> None:
        self.feeds = [Feed(f"feed{number}", _habit(self.random)) for number in range(2)]
        self.web = Web(self.clocks, self.feeds, self.api, self.random)

    async def start(self) -> None:
        """A new process: nothing is left of the one before but the store."""
        self.store = MortalStore(self.url, self.life, self._wrote)
        self.pipeline = self._pipeline()
        self.parts = {(part.name, ""): part for part in self._build_parts()}
        self.deliveries = [self._delivery(name) for name in RECIPIENTS]
        fingerprints = {key: part.fingerprint for key, part in self.parts.items()}

        def prepare(connection: Connection) -> None:
            cursors.register_parts(connection, fingerprints, self.clocks())
            outbox.register_channels(connection, list(RECIPIENTS), self.clocks())
            if self.store.is_sqlite:
                outbox.release_all(connection)

        await self.store.write(prepare)

    def close(self) -> None:
        self.store.close()

    async def live(self, work: Callable[[], Awaitable[object]]) -> None:
        """Do it; where mentiond is killed meanwhile, start it again."""
        try:
            await work()
        except Killed:
            self.figures.kills += 1
            await self.restart()

    async def restart(self) -> None:
        self.life.left = self.pending = None
        for box in self.boxes.values():
            box.died()
        self.store.close()
        await self.start()

    def _pipeline(self) -> Pipeline:
        judge = Judge(
            watchlists={watchlist.name: watchlist for watchlist in WATCHLISTS},
            matcher=QueryMatcher(WATCHLISTS),
            classifier=WordClassifier(),
            router=Router(
                root=route_all(*TOLD),
                source_types={"hn": "hackernews"} | {feed.name: "feed" for feed in self.feeds},
                own_accounts={},
                hours={},
                clock=self.clocks,
            ),
        )
        return Pipeline(
            store=self.store,
            judge=judge,
            judge_thread=JUDGE_THREAD,
            recipients=RECIPIENTS,
            operations="ops",
            keep_unmatched=False,
            clock=self.clocks,
            random=Random(1),
        )

    def _build_parts(self) -> list[Part]:
        news = HackerNewsSettings.model_validate({"name": "hn", "type": "hackernews"})
        sources: dict[str, Source] = {"hn": HackerNewsSource(news, self.web, self.clocks)}
        for feed in self.feeds:
            settings = FeedSettings.model_validate({"name": feed.name, "type": "feed", "url": feed.url})
            sources[feed.name] = FeedSource(settings, self.web, self.parser, self.clocks)
        return [
            Part(name, "", Watched(source, self.web, self.life, partial(self._fetched, name)), "f", EVERY, DAY)
            for name, source in sources.items()
        ]

    def _delivery(self, name: str) -> SteppedDelivery:
        return SteppedDelivery(
            name=name,
            receiver=self.boxes[name],
            pace=1.0 if name == "chat" else 0.0,
            retry_for=3 * DAY,
            public_url="",
            store=self.store,
            clock=self.clocks,
            random=Random(1),
        )

    def _fetched(self, source: str, page: Page, showing: Showing) -> None:
        self.pending = (source, page, showing)

    def _wrote(self) -> None:
        """The store has committed: a page, or a mark."""
        for box in self.boxes.values():
            box.marked()
        if self.pending is None:
            return
        (source, page, showing), self.pending = self.pending, None
        feed = next((feed for feed in self.feeds if feed.name == source), None)
        if feed is not None:
            self._check_gap(feed, page, showing)
            self.ledger.identify(feed, showing, str(page.cursor.get("policy", "guid")))
        self.ledger.read(source, showing, self.clocks(), more=page.more)
        if feed is not None and showing.items and showing.partial is None:
            feed.is_pure, self.ledger.of(source).published = True, len(feed.items)
        size = BOUND + 700 * len(showing.items or self.ledger.of(source).last)
        hold(len(json.dumps(page.cursor)) < size, f"{source}: the cursor grows")
        self.raised += len(page.gaps)

    def _check_gap(self, feed: Feed, page: Page, showing: Showing) -> None:
        may, must = self.ledger.gap_allowed(feed, showing)
        hold(may or not page.gaps, f"{feed.name}: a gap although the documents have entries in common")
        hold(page.gaps or not must, f"{feed.name}: entries were missed and no gap was raised")

    async def poll(self) -> None:
        """Every part that is due, as the ticker of the daemon does it."""
        for key in await self.store.read(partial(cursors.due_parts, now=self.clocks())):
            self.figures.polls += 1
            await self.pipeline.poll(self.parts[key])
            self.pending = None
            await self._look()

    async def deliver(self, rounds: int) -> float:
        """So many rounds of every delivery; return how long the last ones would wait."""
        waited = [0.0]
        for _ in range(rounds):
            waited = [await delivery.round() for delivery in self.deliveries]
            self.clocks.true += timedelta(seconds=1.5)
            if min(waited) > 0:
                break
        return min(waited)

    async def apply_retention(self) -> None:
        work = partial(
            maintenance.apply_retention,
            overlaps={part.name: part.source.overlap for part in self.parts.values()},
            retention=RETENTION,
            keep_unmatched=timedelta(),
            now=self.clocks(),
        )
        await self._look()
        try:
            await self.store.write(work)
        finally:  # killed after the commit, the rows are gone all the same
            stored = {token_of(title) for (title,) in self.rows(sa.select(posts.c.title))}
            self.ledger.forget_posts(stored)
            self.ledger.forget_seen()

    def rows(self, query: sa.Select[Any]) -> list[Any]:
        return list(self.store.write_now(lambda connection: connection.execute(query).all()))

    async def _look(self) -> None:
        """Keep what retention may take later: mentions, what is held, dead letters."""
        joined = sa.select(mentions.c.id, posts.c.source, posts.c.title, mentions.c.watchlist)
        for row in self.rows(joined.select_from(mentions.join(posts))):
            if token := token_of(row.title):
                self.ever[row.id] = (row.source, token, row.watchlist)
        key = (alerts.c.held_for, alerts.c.receiver, alerts.c.recipient)
        held = sa.select(*key, sa.func.count()).where(alerts.c.state == "held").group_by(*key)
        for held_for, receiver, recipient, count in self.rows(held):
            self.held[held_for, receiver, recipient] = max(count, self.held[held_for, receiver, recipient])
        columns = (alerts.c.subject, alerts.c.receiver, alerts.c.recipient, alerts.c.reason, alerts.c.n)
        for row in self.rows(sa.select(*columns).where(alerts.c.state == "dead")):
            self.dead.add("|".join(map(str, row)))

    async def end(self) -> None:
        """A quiet time with everything healthy."""
        self.heal()
        await self.restart()
        await self.enable()
        for pause in (25 * HOUR, EVERY, EVERY):
            self.clocks.true += pause
            await self.poll()
        for _ in range(400):
            await self.deliver(60)
            if not await self.store.read(lambda tx: outbox.owed_counts(tx, self.clocks())):
                break
            self.clocks.true += MINUTE
        await self._look()
        self._sum_up()

    def heal(self) -> None:
        self.life.left = None
        for feed in self.feeds:
            feed.answers.clear()
            feed.is_old_address_dead = False
        self.api.answers.clear()
        for box in self.boxes.values():
            box.troubles.clear()

    async def enable(self) -> None:
        for feed in self.feeds:
            await self.store.write(partial(cursors.enable, source=feed.name, now=self.clocks()))

    def _sum_up(self) -> None:
        self.figures.posts = len(self.ledger.known)
        self.figures.alerts = sum(len(box.accepted) for box in self.boxes.values())
        self.figures.copies = sum(box.copies for box in self.boxes.values())
        self.figures.gaps = self.raised


def _habit(random: Random) -> Habit:
    guid = random.choice(("url", "url", "number", "number", "none", "fresh", "shared"))
    return Habit(guid, random.random() < 0.8, random.random() < 0.5, random.randint(4, 12))
