"""A stage for delivery: mentions are announced, receivers are scripted, and a clock jumps to whatever comes next.

Store, routing, groups, screening and the outbox worker are the real ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import Alert, CaseState, Reason
from alerts.storm import Storm
from monitor import outbox, storms
from monitor.delivery import Delivery
from monitor.fallback import Fallback
from monitor.loading import Surroundings
from monitor.mentions import Draft, News, announce
from monitor.schema import alerts, cases, posts
from monitor.silences import add_silence
from monitor.store import Store
from monitor.suppression import NO_RULES, Rules
from monitor.updates import touch
from rules.base import Label, Match, Mention, Sentiment, Span, Verdict, Watchlist, WatchlistKind
from rules.routing import Route, decide
from sources.base import Post
from tests.fakes import START, EditingReceiver, FixedClock, ScriptedReceiver
from tests.monitor.builders import in_transaction, rows_of

STEP = timedelta(seconds=5)  # how often the daemon looks whether storms are over


@dataclass(frozen=True, slots=True)
class Send:
    """What reached a receiver: seconds after the start, its reason, the posts' ids, and how many there are."""

    at: float
    receiver: str
    reason: str
    told: tuple[str, ...]
    count: int


class NoJitter(Random):
    """Pauses are exactly as long as they begin."""

    def uniform(self, a: float, b: float) -> float:
        return a


@dataclass(slots=True)
class Stage:
    """One store with its deliveries. `sends` has what the receivers took, in the order of time."""

    store: Store
    root: Route
    receivers: Mapping[str, ScriptedReceiver]
    rules: Rules = NO_RULES
    brakes: Mapping[str, Storm] = field(default_factory=dict)
    fallbacks: Mapping[str, Fallback] = field(default_factory=dict)
    recipients: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    paces: Mapping[str, float] = field(default_factory=dict)
    clock: FixedClock = field(default_factory=FixedClock)
    sends: list[Send] = field(default_factory=list)
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for receiver in self.receivers.values():
            receiver.before = partial(self._note, receiver.before)
        self.start()

    def start(self) -> None:
        """What the start of a daemon does; what it had in flight before is proved dead."""
        traits = {
            name: outbox.Traits(isinstance(receiver, EditingReceiver), self.brakes.get(name))
            for name, receiver in self.receivers.items()
        }
        in_transaction(self.store, outbox.register_channels, list(self.receivers), self.clock(), traits)
        in_transaction(self.store, outbox.release_all)
        self.deliveries = {name: self._delivery(name) for name in self.receivers}

    def _delivery(self, name: str) -> Delivery:
        return Delivery(
            name=name,
            receiver=self.receivers[name],
            pace=self.paces.get(name, 0.0),
            retry_for=timedelta(days=3),
            public_url="https://m.example",
            store=self.store,
            clock=self.clock,
            random=NoJitter(),
            around=Surroundings(watchlists=self.rules.watchlists),
            rules=self.rules,
            fallback=self.fallbacks.get(name),
            on_stop=self._on_stop,
        )

    async def _on_stop(self, name: str, error: Exception) -> None:
        self.notices.append(f"{name}: {error}")

    async def _note(self, before: Any, alert: Alert) -> None:
        if before is not None:
            await before(alert)
        if not self.receivers[alert.receiver].failures or self.receivers[alert.receiver].failures[0] is None:
            told = tuple(mention.post.external_id for mention in alert.mentions)
            at = (self.clock() - START).total_seconds()
            self.sends.append(Send(at, alert.receiver, alert.reason.value, told, alert.count))

    # -- what happens

    def say(self, *names: str, **changes: Any) -> list[int]:
        """Mentions of posts with these ids, in one transaction; return the ids of the mentions."""
        return self.announce([self.news(name, **changes) for name in names])

    def news(self, name: str, **changes: Any) -> News:
        """A mention that is new; `changes` are its watchlist, labels and fields of its post."""
        mention = make_mention(name, published_at=self.clock(), **changes)
        draft = Draft(mention, tuple(decide(self.root, mention, "feed", self.clock())), "feed")
        return News(draft, self._store_post(mention.post), 1, Reason.FIRST)

    def announce(self, news: list[News]) -> list[int]:
        before = {row.id for row in self._mentions()}
        to = {name: self.recipients.get(name, ("",)) for name in self.receivers}
        in_transaction(self.store, announce, news, to, self.clock())
        return [row.id for row in self._mentions() if row.id not in before]

    def _mentions(self) -> list[Any]:
        from monitor.schema import mentions

        return rows_of(self.store, mentions)

    def _store_post(self, post: Post) -> int:
        columns = {name: getattr(post, name) for name in Post.__dataclass_fields__}
        row = columns | {"kind": post.kind.value, "content_hash": post.external_id, "revision": 1, "matched": True}
        inserted = sa.insert(posts).values(row | {"fetched_at": self.clock()}).returning(posts.c.id)
        post_id: int = self.store.write_now(lambda connection: connection.execute(inserted).scalar_one())
        return post_id

    def set_case(self, mention_id: int, state: CaseState, **values: Any) -> None:
        """The case as somebody's action leaves it, with what the message shows of it."""

        def work(connection: Connection) -> None:
            here = cases.c.mention_id == mention_id
            changed = {"state": state.value, "changed_at": self.clock()} | values
            if not connection.execute(sa.update(cases).where(here).values(changed)).rowcount:
                new = {"opened_at": START, "is_direct": False, "priority": 0, "waited": 0, "tags": [], "revision": 0}
                known = {name: value for name, value in new.items() if name in cases.c}
                connection.execute(sa.insert(cases).values(known | changed | {"mention_id": mention_id}))
            touch(connection, [mention_id], self.clock())

        self.store.write_now(work)

    def silence(self, *matchers: str, seconds: float | None = None, comment: str = "known") -> int:
        """Somebody silences what matches, from now on."""
        ends_at = None if seconds is None else self.clock() + timedelta(seconds=seconds)
        return in_transaction(self.store, add_silence, matchers, ends_at, "Kim", comment, self.clock())

    # -- time

    async def run_until(self, seconds: float) -> None:
        """Deliver, jumping from one thing that is due to the next, up to this time after the start."""
        end = START + timedelta(seconds=seconds)
        while True:
            await self.deliver()
            coming = self._next()
            if coming is None or coming > end:
                break
            self.clock.now = coming
        self.clock.now = max(self.clock.now, end)
        await self.deliver()

    async def deliver(self) -> None:
        """Everything that may go now."""
        in_transaction(self.store, storms.end_storms, self.clock())
        waits = [0.0]
        while any(wait <= 0 for wait in waits):
            waits = [await delivery.turn() for delivery in self.deliveries.values()]

    def _next(self) -> datetime | None:
        """When the next row is due, a channel opens or the daemon looks for calm."""
        now = self.clock()
        times = [row.due_at for row in rows_of(self.store, alerts, state="owed")]
        times += [in_transaction(self.store, outbox.read_channel, name).next_at for name in self.receivers]
        if in_transaction(self.store, storms.has_storms):
            times.append(now + STEP)
        return min((at for at in times if at > now), default=None)

    def told(self, receiver: str = "console") -> list[tuple[float, str]]:
        """When this receiver was told, and of what."""
        return [(send.at, " ".join(send.told)) for send in self.sends if send.receiver == receiver]

    def rows(self, **where: Any) -> list[Any]:
        return rows_of(self.store, alerts, **where)


def make_mention(
    name: str,
    *,
    watchlist: str = "acme",
    kind: WatchlistKind = WatchlistKind.BRAND,
    labels: Iterable[str] = ("complaint",),
    score: float = 0.9,
    **fields: Any,
) -> Mention:
    """A mention of a post with this id."""
    tags = tuple(labels)
    post = Post(source="news", external_id=name, text=f"Acme is broken {name}", published_at=START)
    verdict = Verdict(
        {Label(tag): score for tag in tags if tag in set(Label)}, tags, Sentiment.NEGATIVE, "en", model="test"
    )
    match = Match(watchlist, (Span("text", 0, 4),), ("acme",))
    return Mention(replace(post, **fields), Watchlist(watchlist, kind, "acme"), match, verdict)
