"""Small builders: posts, pages, drafts, and a pipeline with a scripted source around a store."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import Receiver
from monitor import cursors, outbox
from monitor.accounts import account_names
from monitor.attendant import Attendant
from monitor.calls import Callers
from monitor.delivery import Delivery
from monitor.desk import StoreDesk
from monitor.intake import Change, Intake
from monitor.judge import Judge
from monitor.mentions import Draft
from monitor.people import Teams
from monitor.pipeline import Part, Pipeline
from monitor.router import Router
from monitor.schema import alerts
from monitor.store import Store
from monitor.watchdog import Watchdog
from rules.base import Label, Match, Mention, Sentiment, Span, Verdict, Watchlist, WatchlistKind
from rules.matchers import parse_matcher
from rules.matching import QueryMatcher
from rules.routing import Decision, Route
from sources.base import Page, Post
from sources.text import content_hash
from tests.fakes import START, FixedClock, ScriptedSource, WordClassifier

T = TypeVar("T")

NO_TEAMS = Teams()

DAY = timedelta(days=1)
JUDGE_THREAD = ThreadPoolExecutor(1, "judge")
EVERY = timedelta(minutes=5)
EVERYTHING = 'label =~ "crisis|complaint|question|purchase_signal|suggestion|praise|unsure|none|unclassified"'
WATCHLISTS = (
    Watchlist("acme", WatchlistKind.BRAND, "acme", ("Acme",)),
    Watchlist("globex", WatchlistKind.COMPETITOR, "globex", ("Globex",)),
)


def make_post(external_id: str = "1", text: str = "Acme is broken", **changes: Any) -> Post:
    """A post of the source `news`, published at START."""
    post = Post(source="news", external_id=external_id, text=text, published_at=START, raw=f"<p>{text}</p>")
    return replace(post, **changes)


def make_posts(count: int, age: timedelta = timedelta(), **changes: Any) -> tuple[Post, ...]:
    """That many matching posts, oldest first, each a second after the one before."""
    start = START - age - timedelta(seconds=count)
    return tuple(
        make_post(str(number), f"Acme is broken {number}", published_at=start + timedelta(seconds=number), **changes)
        for number in range(count)
    )


def make_page(*posts: Post, **changes: Any) -> Page:
    """The only page of a pass."""
    return replace(Page(posts=posts, cursor={"at": len(posts)}), **changes)


def make_draft(
    post: Post, watchlist: Watchlist = WATCHLISTS[0], tags: tuple[str, ...] = ("complaint",), to: str = "console"
) -> Draft:
    """A mention of that post routed to one receiver."""
    verdict = Verdict({Label.COMPLAINT: 0.9}, tags, Sentiment.NEGATIVE, "en", {Label.COMPLAINT: ("broken",)})
    match = Match(watchlist.name, (Span("text", 0, 4),), (watchlist.query,))
    return Draft(Mention(post, watchlist, match, verdict), (Decision(to, ("all",)),))


def route_all(*receivers: str) -> Route:
    """A tree that leads every mention, whatever its labels, to each of the receivers."""
    matchers = (parse_matcher(EVERYTHING),)
    return Route("none", routes=tuple(Route(name, matchers, is_continued=True) for name in receivers))


def make_intake(state: cursors.PartState, *changes: Change, page: Page | None = None, **values: Any) -> Intake:
    """What one page writes, with the changes as a look-up took them."""
    intake = Intake(
        state=state,
        page=page or make_page(*(change.post for change in changes)),
        changes=changes,
        known={},
        recipients={"console": ("",), "mail": ("a@example.com", "b@example.com")},
        every=EVERY,
        keep_unmatched=False,
        now=START,
    )
    return replace(intake, **values)


def new_change(post: Post, *drafts: Draft, old: Post | None = None) -> Change:
    """A post as new, or as an edit of `old`, with one mention unless others are given."""
    old_hash = content_hash(old.title, old.text, old.rating) if old else None
    return Change(post, content_hash(post.title, post.text, post.rating), old_hash, drafts or (make_draft(post),))


def select(store: Store, query: sa.Select[Any]) -> list[Any]:
    """All rows, blocking."""
    return list(store.write_now(lambda connection: connection.execute(query).all()))


def rows_of(store: Store, table: sa.Table, **where: Any) -> list[Any]:
    """The rows of a table in the order of their keys."""
    conditions = [table.c[name] == value for name, value in where.items()]
    return select(store, sa.select(table).where(*conditions).order_by(*table.primary_key.columns))


def column(store: Store, values: sa.Column[T], **where: Any) -> list[T]:
    """One column of these rows."""
    return [getattr(row, values.name) for row in rows_of(store, values.table, **where)]


def register_part(store: Store, now: datetime, source: str = "news", fingerprint: str = "f") -> cursors.PartState:
    """The row of a configured part."""

    def work(connection: Connection) -> cursors.PartState:
        cursors.register_parts(connection, {(source, ""): fingerprint}, now)
        return cursors.read_part(connection, source, "")

    return store.write_now(work)


@dataclass(slots=True)
class Works:
    """A pipeline on a store: one part of the source `news`, a classifier by words, routes to every receiver."""

    store: Store
    clock: FixedClock
    source: ScriptedSource
    classifier: WordClassifier
    pipeline: Pipeline
    part: Part

    async def poll(self, *answers: Page | Exception) -> bool:
        """One pass over these answers."""
        self.source.answers += answers
        return await self.pipeline.poll(self.part)

    async def finish_first_pass(self) -> None:
        """Bring the part to where only news is new."""
        assert await self.poll(make_page(body=True))
        self.clock.advance(EVERY)

    def restart(self, fingerprint: str = "f") -> None:
        """What the start of a daemon writes."""
        register_part(self.store, self.clock(), fingerprint=fingerprint)

    @property
    def state(self) -> cursors.PartState:
        """The row of the part."""
        return self.store.write_now(lambda connection: cursors.read_part(connection, "news", ""))


def build_works(
    store: Store,
    *,
    root: Route | None = None,
    recipients: Mapping[str, Sequence[str]] | None = None,
    backlog: timedelta | None = DAY,
    keep_unmatched: bool = False,
    own_accounts: Mapping[str, Sequence[str]] | None = None,
    overlap: timedelta = timedelta(),
    operations: str | None = None,
) -> Works:
    """Works whose part and channels are registered."""
    clock, classifier = FixedClock(), WordClassifier()
    to = recipients or {"console": ("",)}
    judge = Judge(
        watchlists={watchlist.name: watchlist for watchlist in WATCHLISTS},
        matcher=QueryMatcher(WATCHLISTS),
        classifier=classifier,
        router=Router(
            root=root or route_all(*to),
            source_types={"news": "feed"},
            own_accounts=account_names(own_accounts or {}),
            hours={},
            clock=clock,
        ),
    )
    pipeline = Pipeline(
        store=store,
        judge=judge,
        judge_thread=JUDGE_THREAD,
        recipients=to,
        operations=operations,
        keep_unmatched=keep_unmatched,
        clock=clock,
        random=Random(1),
    )
    source = ScriptedSource(overlap=overlap)
    part = Part("news", "", source, "f", EVERY, backlog)
    register_part(store, clock())
    store.write_now(lambda connection: outbox.register_channels(connection, list(to), clock()))
    return Works(store, clock, source, classifier, pipeline, part)


def make_delivery(store: Store, receiver: Receiver, clock: FixedClock, **changes: Any) -> Delivery:
    """The outbox worker of the receiver `console`, without pace unless told otherwise."""
    settings: dict[str, Any] = {"name": "console", "pace": 0.0, "retry_for": timedelta(days=3)} | changes
    return Delivery(
        receiver=receiver, public_url="https://m.example", store=store, clock=clock, random=Random(1), **settings
    )


def make_attendant(works: Works, teams: Teams = NO_TEAMS, **recipients: Sequence[str]) -> Attendant:
    """Who minds the cases of the works; the watchlist acme is of the team care."""
    callers = Callers({**works.pipeline.recipients, **recipients}, teams, {"acme": "care"})
    return Attendant(works.store, callers, works.clock)


def make_desk(works: Works, teams: Teams = NO_TEAMS, store: Store | None = None) -> StoreDesk:
    """The desk of the works; on another connection to the same database where `store` is given."""
    judge = works.pipeline.judge
    return StoreDesk(
        store=store or works.store,
        clock=works.clock,
        teams=teams,
        watchlists=judge.watchlists,
        recipients=works.pipeline.recipients,
        router=judge.router,
    )


def owe(store: Store, count: int, now: datetime = START, receiver: str = "console", first: int = 0) -> list[int]:
    """Owe the receiver that many alerts (notices) and register its channel; return their ids in commit order."""

    def work(connection: Connection) -> None:
        outbox.register_channels(connection, [receiver], now)
        for number in range(first, first + count):
            outbox.owe_notice(connection, receiver, [""], f"test:{number}", f"notice {number}", now)

    store.write_now(work)
    return [row.id for row in rows_of(store, alerts, receiver=receiver)][-count:]


def in_transaction(store: Store, work: Callable[..., T], *arguments: Any, **values: Any) -> T:
    """`work(connection, ...)` in one transaction, blocking."""
    return store.write_now(lambda connection: work(connection, *arguments, **values))


def make_watchdog(works: Works) -> Watchdog:
    """A watchdog with nobody to tell."""
    return Watchdog(works.store, works.clock, timedelta(hours=6), None, None, (), None)
