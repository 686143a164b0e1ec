"""What the design says of everything that the world showed: which mentions there are, and who hears of them how often.

Written from the design alone, post by post and by its token, so that no id of the program decides what is expected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerts.base import Reason
from tests.simulation.world import DAY, MINUTE, Feed, Item, Showing, numbers_of

BACKLOG = DAY
ARCHIVE = 50
FORGOTTEN = 29 * DAY  # `seen` keeps 30 days, and `last_seen` may be a day behind
GUIDS = ("guid", "guid+link", "guid+link+title")
OVERLAPS = {"hn": 15 * MINUTE}
Kind = tuple[str, str, Reason]  # token, watchlist, reason


@dataclass(slots=True)
class Known:
    """One post as mentiond has read it. Not `is_clean`: the feed gave it an identity that no reader could follow."""

    item: Item
    shown_at: datetime
    has_post: bool = False
    is_clean: bool = True
    carried: dict[str, set[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Passes:
    """What the passes of one source have come to."""

    started_at: datetime | None = None
    finished_at: datetime | None = None
    body_at: datetime | None = None
    policy: str = "guid"
    last: dict[int, Item] = field(default_factory=dict)  # of the last document that had entries
    published: int = 0  # how many entries there were then
    is_last_whole: bool = True
    had_guids: bool = True


@dataclass(slots=True)
class Ledger:
    """The expectation. Times are mentiond's own."""

    known: dict[str, Known] = field(default_factory=dict)
    passes: dict[str, Passes] = field(default_factory=dict)
    expected: Counter[Kind] = field(default_factory=Counter)
    made: Counter[tuple[str, str]] = field(default_factory=Counter)  # mentions by token and watchlist
    held: set[tuple[str, str]] = field(default_factory=set)  # token, watchlist
    doubtful: set[str] = field(default_factory=set)  # tokens
    gaps: int = 0

    def of(self, source: str) -> Passes:
        return self.passes.setdefault(source, Passes())

    def read(self, source: str, showing: Showing, now: datetime, *, more: bool) -> None:
        """mentiond has committed what it was shown."""
        passes = self.of(source)
        self._hold(source, showing, passes, now)
        for item in showing.items:
            self._note(item, now)
        if showing.partial is not None:
            self._doubt(showing.partial, now)
        if showing.has_body:
            passes.body_at = now
        passes.started_at = (passes.started_at or now) if more else None
        passes.finished_at = passes.finished_at if more else now

    def _hold(self, source: str, showing: Showing, passes: Passes, now: datetime) -> None:
        new = [item for item in showing.items if item.token not in self.known]
        if passes.finished_at is None:
            start = (passes.started_at or now) - BACKLOG
            old = [item for item in new if item.date is None or item.date < start]
        else:
            since = now - passes.finished_at + OVERLAPS.get(source, timedelta())
            old = [item for item in new if item.date is not None and item.date < now - max(BACKLOG, since)]
            old = old if len(old) > ARCHIVE else []
        self.held |= {(item.token, brand) for item in old for brand in item.brands}

    def _note(self, item: Item, now: datetime) -> None:
        known = self.known.get(item.token)
        if known is None:
            known = self.known[item.token] = Known(item, now, has_post=bool(item.brands))
            if item.token in self.doubtful:
                known.is_clean = False
            self._expect(item, known, Reason.FIRST)
        elif (known.item.title, known.item.text) != (item.title, item.text):
            known.has_post = known.has_post or bool(item.brands)
            self._expect(item, known, Reason.EDITED)
        known.item, known.shown_at = item, now

    def _expect(self, item: Item, known: Known, reason: Reason) -> None:
        for brand in item.brands:
            if brand not in known.carried or item.signs - known.carried[brand]:
                self.expected[item.token, brand, reason] += 1
            self.made[item.token, brand] += brand not in known.carried
            known.carried.setdefault(brand, set()).update(item.signs)

    def _doubt(self, item: Item, now: datetime) -> None:
        """Half an entry was shown: its words are anybody's guess, its identity is not."""
        self.doubt([item.token])

    def doubt(self, tokens: Iterable[str]) -> None:
        """The feed took these posts' identity away: they may be told of more than once, but never less."""
        for token in tokens:
            self.doubtful.add(token)
            if token in self.known:
                self.known[token].is_clean = False

    def identify(self, feed: Feed, showing: Showing, policy: str) -> None:
        """Before `read` of a document: whose identity does a new policy carry over?"""
        passes, before = self.of(feed.name), self.of(feed.name).policy
        shown = {item.number: item for item in showing.items}
        if policy != before:
            redrawn = policy not in GUIDS and before in GUIDS
            same = {n for n, item in shown.items() if n in passes.last and item.title == passes.last[n].title}
            kept = same if redrawn else set(shown)
            ever = {known.item.number for token, known in self.known.items() if token.startswith(f"{feed.name}x")}
            self.doubt(f"{feed.name}x{number}z" for number in ever - kept)
        elif feed.habit.guid == "fresh" and policy == "guid":
            self.doubt(item.token for item in showing.items if item.token in self.known)
        if not showing.has_guids and policy == "guid" and feed.habit.guid in ("number", "shared"):
            self.doubt(item.token for item in showing.items)
        if feed.habit.guid == "shared" and policy == "guid":
            self.doubt(item.token for item in showing.items if item.number % 10 > 7)
        if showing.items or showing.partial is not None:
            passes.last, passes.policy = shown, policy
            passes.is_last_whole, passes.had_guids = showing.partial is None, showing.has_guids

    def gap_allowed(self, feed: Feed, showing: Showing) -> tuple[bool, bool]:
        """Before `identify`: may a gap be raised, must it?"""
        passes = self.of(feed.name)
        last, now = set(passes.last), numbers_of(showing.items)
        is_plain = feed.habit.guid in ("url", "number", "none") and passes.policy == "guid"
        is_plain = is_plain and showing.has_guids and passes.had_guids
        missed = set(range(passes.published, len(feed.items))) - now
        slid = showing.is_pure and passes.is_last_whole and showing.partial is None and bool(last and now)
        return not (is_plain and last & now), is_plain and slid and bool(missed)

    def forget_posts(self, stored: set[str]) -> None:
        """Retention took posts: what they carried is forgotten, that they are known is not."""
        for token, known in self.known.items():
            if known.has_post and token not in stored:
                known.has_post, known.carried = False, {}

    def forget_seen(self) -> None:
        """Retention took `seen` rows of what no document of a month had: should it come back, it is new."""
        for token, known in self.known.items():
            body_at = self.of(token.partition("x")[0]).body_at
            if body_at is not None and known.shown_at < body_at - FORGOTTEN:
                self.doubt([token])
