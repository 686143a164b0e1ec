"""The web of the simulation: feeds and a search API that publish, edit, drop and break, behind a scripted `Http`.

Two clocks: servers live by the true time, which only goes on; mentiond's own may be set, see Clocks.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from urllib.parse import parse_qs, urlsplit

from sources.base import HttpError, Response
from tests.fakes import START

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
BRANDS = ("acme", "globex")
SIGNS = ("broken", "how", "fire", "buy")  # each carries a label, see WordClassifier
PAGE = 20  # hits that one answer of the API holds


@dataclass(slots=True)
class Clocks:
    """The true time, and how far mentiond's clock is off it."""

    true: datetime = START
    off: timedelta = timedelta()

    def __call__(self) -> datetime:
        return self.true + self.off


@dataclass(frozen=True, slots=True)
class Item:
    """One version of one public post. `token` names the post in its words, whatever its id."""

    token: str
    number: int
    title: str
    text: str
    date: datetime | None  # true time

    @property
    def words(self) -> frozenset[str]:
        return frozenset(f"{self.title} {self.text}".split())

    @property
    def brands(self) -> frozenset[str]:
        return self.words.intersection(BRANDS)

    @property
    def signs(self) -> frozenset[str]:
        return self.words.intersection(SIGNS)


@dataclass(frozen=True, slots=True)
class Habit:
    """How a feed is written."""

    guid: str  # url, number, none, fresh (drawn anew for each answer) or shared (one guid for two entries)
    is_dated: bool
    is_atom: bool
    window: int


@dataclass(frozen=True, slots=True)
class Showing:
    """What one answer let mentiond read. `partial`: the entry that the damage cut. `pure`: a window that only slid."""

    items: tuple[Item, ...]
    partial: Item | None = None
    is_pure: bool = True
    has_body: bool = True
    has_guids: bool = True  # where the feed has any


NOTHING = Showing((), has_body=False)


def written(random: Random, token: str, number: int, date: datetime | None) -> Item:
    """A new post; three of four name a brand."""
    brands = random.choice((("acme",), ("acme",), ("globex",), ("acme", "globex"), ()))
    text = " ".join(("word", *brands, *random.sample(SIGNS, random.randint(0, 2))))
    return Item(token, number, f"{token} news", text, date)


def edited(random: Random, item: Item) -> Item:
    """The post with a word more or less in its text or its title."""
    kind = random.choice(("typo", "title", "brand", "sign", "less"))
    if kind == "title":
        return replace(item, title=f"{item.title} again")
    if kind == "less":
        words = item.text.split()
        return replace(item, text=" ".join(word for word in words if word != random.choice(words[1:] or words)))
    more = {"typo": "indeed", "brand": random.choice(BRANDS), "sign": random.choice(SIGNS)}[kind]
    return replace(item, text=f"{item.text} {more}")


@dataclass(slots=True)
class Feed:
    """One feed: `items` all it ever published, oldest first; `shown` the numbers in its document, newest first."""

    name: str
    habit: Habit
    items: list[Item] = field(default_factory=list)
    shown: list[int] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)  # troubles of the next answers
    is_moved: bool = False
    is_old_address_dead: bool = False
    is_pure: bool = True  # the window only slid since the last time mentiond read it whole
    lost_guids: int = 0  # answers to come without any guid
    polls: int = 0
    archive: int = 0  # old posts never shown before, numbered below zero

    @property
    def url(self) -> str:
        return f"https://{self.name}.test/feed"

    @property
    def new_url(self) -> str:
        return f"https://{self.name}.test/moved"

    def publish(self, random: Random, count: int, now: datetime) -> None:
        for _ in range(count):
            number = len(self.items)
            date = now - random.randint(0, 3000) * SECOND if self.habit.is_dated else None
            self.items.append(written(random, f"{self.name}x{number}z", number, date))
            self.shown.insert(0, number)
        del self.shown[self.habit.window :]

    def publish_archive(self, random: Random, count: int, now: datetime) -> None:
        """Old posts that nobody saw before, together with everything that was ever shown."""
        for _ in range(count):
            number = len(self.items)
            date = now - timedelta(days=random.randint(30, 300)) if self.habit.is_dated else None
            self.items.append(written(random, f"{self.name}x{number}z", number, date))
        self.shown = list(reversed(range(len(self.items))))
        self.is_pure = False

    def edit(self, random: Random) -> None:
        if self.shown:
            number = random.choice(self.shown)
            self.items[number] = edited(random, self.items[number])

    def disturb(self, random: Random) -> None:
        """Reorder, drop, bring back or list twice."""
        self.is_pure = False
        kind = random.choice(("reorder", "drop", "again", "twice"))
        if kind == "reorder":
            random.shuffle(self.shown)
        elif kind == "drop":
            self.shown = [number for number in self.shown if random.random() < 0.6]
        elif kind == "again" and self.items:
            back = random.sample(range(len(self.items)), min(3, len(self.items)))
            self.shown += [number for number in back if number not in self.shown]
        elif self.shown:
            self.shown.append(random.choice(self.shown))

    def document(self) -> list[Item]:
        return [self.items[number] for number in self.shown]

    def guid(self, item: Item, without: bool) -> str:
        if without or self.habit.guid == "none":
            return ""
        if self.habit.guid == "url":
            return self.link(item)
        if self.habit.guid == "shared":
            return f"n{item.number // 2 if item.number % 10 > 7 else item.number + 10_000}"
        return f"n{item.number}" if self.habit.guid == "number" else f"draw{self.polls}-{item.number}"

    def link(self, item: Item) -> str:
        return f"https://{self.name}.test/{item.number}/"


def _rss_entry(feed: Feed, item: Item, without_guid: bool) -> str:
    guid = feed.guid(item, without_guid)
    date = f"<pubDate>{item.date:%a, %d %b %Y %H:%M:%S} GMT</pubDate>" if item.date else ""
    return (
        f"<item><title>{item.title}</title><link>{feed.link(item)}</link>"
        + (f'<guid isPermaLink="false">{guid}</guid>' if guid else "")
        + f"{date}<description>{item.text}</description></item>"
    )


def _atom_entry(feed: Feed, item: Item, without_guid: bool) -> str:
    guid = feed.guid(item, without_guid)
    date = f"<published>{item.date:%Y-%m-%dT%H:%M:%SZ}</published>" if item.date else ""
    return (
        (f"<entry><id>{guid}</id>" if guid else "<entry>")
        + f'<title>{item.title}</title><link href="{feed.link(item)}"/>'
        + f"{date}<content>{item.text}</content></entry>"
    )


def render(feed: Feed, *, without_guids: bool) -> list[str]:
    """The document in pieces: head, entries, foot."""
    if feed.habit.is_atom:
        head, foot, entry = '<feed xmlns="http://www.w3.org/2005/Atom"><title>x</title>', "</feed>", _atom_entry
    else:
        head, foot, entry = '<rss version="2.0"><channel><title>x</title>', "</channel></rss>", _rss_entry
    return [head, *(entry(feed, item, without_guids) for item in feed.document()), foot]


@dataclass(slots=True)
class Api:
    """Items of the search API by number: position in whole seconds, and the item."""

    items: dict[int, tuple[int, Item]] = field(default_factory=dict)
    pinned: int | None = None
    answers: list[str] = field(default_factory=list)

    def publish(self, random: Random, count: int, now: datetime, lag: timedelta) -> None:
        for _ in range(count):
            number = len(self.items)
            at = int((now - lag * random.random()).timestamp())
            self.items[number] = (at, written(random, f"hnx{number}z", number, datetime.fromtimestamp(at, UTC)))

    def edit(self, random: Random, now: datetime) -> None:
        recent = [number for number, (at, _) in self.items.items() if at > now.timestamp() - 600]
        if recent:
            number = random.choice(recent)
            at, item = self.items[number]
            self.items[number] = (at, edited(random, item))

    def ask(self, low: int, upto: int | None) -> list[tuple[int, Item]]:
        """Newest first, the pinned one on top of all; one page of them."""
        held = [(at, item) for at, item in self.items.values() if low <= at and (upto is None or at <= upto)]
        held.sort(key=lambda hit: (-hit[0], hit[1].number))
        if self.pinned is not None:
            pinned = self.items[self.pinned]
            held = [pinned, *(hit for hit in held if hit is not pinned)]
        return held[:PAGE]


_BOUND = re.compile(r"created_at_i([<>])(\d+)")


@dataclass(slots=True)
class Web:
    """`Http` over the world: no network, no waiting. `showing` is what the last answer let mentiond read."""

    clocks: Clocks
    feeds: list[Feed]
    api: Api
    random: Random
    showing: Showing = NOTHING
    asked: Callable[[], None] = lambda: None

    def pause(self, url: str, seconds: float) -> None:
        raise AssertionError("the sources of this world have no limits of their own")

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        once: bool = False,
    ) -> Response:
        self.showing = NOTHING
        parts = urlsplit(url)
        if parts.hostname == "hn.algolia.com":
            return self._search(url)
        feed = next(feed for feed in self.feeds if parts.hostname == f"{feed.name}.test")
        return self._feed(feed, url, headers or {})

    def _feed(self, feed: Feed, url: str, headers: Mapping[str, str]) -> Response:
        if url == feed.url and feed.is_moved and feed.is_old_address_dead:
            return _answer(410, url)
        if url == feed.new_url and not feed.is_moved:
            return _answer(404, url)
        trouble = feed.answers.pop(0) if feed.answers else ""
        moved_to = feed.new_url if feed.is_moved and url == feed.url else None
        answer = self._trouble(trouble, feed, url, headers) if trouble else self._document(feed, url, headers)
        return replace(answer, moved_to=moved_to, url=moved_to or url)

    def _trouble(self, trouble: str, feed: Feed, url: str, headers: Mapping[str, str]) -> Response:
        match trouble:
            case "timeout":
                raise HttpError("no answer in time")
            case "truncated":
                return self._truncated(feed, url)
            case "empty":
                pieces = render(feed, without_guids=False)
                self.showing = NOTHING
                return _answer(200, url, pieces[0] + pieces[-1])
            case "page":
                return _answer(200, url, "<!DOCTYPE html><html><body><p>Maintenance acme</p></body></html>")
            case "unchanged" if headers.get("If-None-Match"):
                return _answer(304, url)
            case "unchanged":
                return self._document(feed, url, headers)
            case "429":
                return replace(_answer(429, url), retry_after=900.0)
        return _answer(int(trouble), url)

    def _document(self, feed: Feed, url: str, headers: Mapping[str, str]) -> Response:
        feed.polls += 1
        without = feed.lost_guids > 0
        feed.lost_guids = max(0, feed.lost_guids - 1)
        body = "".join(render(feed, without_guids=without))
        etag = '"' + hashlib.sha256(body.encode()).hexdigest()[:16] + '"'
        if headers.get("If-None-Match") == etag:
            return _answer(304, url)
        items = tuple(dict.fromkeys(feed.document()))
        self.showing = Showing(items, is_pure=feed.is_pure, has_body=bool(items), has_guids=not without)
        return replace(_answer(200, url, body), headers={"etag": etag})

    def _truncated(self, feed: Feed, url: str) -> Response:
        """Cut in the middle of an entry; those before it are whole."""
        feed.polls += 1
        head, *entries, _ = render(feed, without_guids=False)
        if not entries:
            return _answer(200, url, head)
        at = self.random.randrange(len(entries))
        cut = self.random.randrange(len(entries[at]))
        document = feed.document()
        whole = tuple(dict.fromkeys(document[:at]))
        self.showing = Showing(whole, partial=document[at], is_pure=False)
        return _answer(200, url, head + "".join(entries[:at]) + entries[at][:cut])

    def _search(self, url: str) -> Response:
        trouble = self.api.answers.pop(0) if self.api.answers else ""
        if trouble == "timeout":
            raise HttpError("no answer in time")
        if trouble:
            return _answer(int(trouble), url)
        bounds = dict(_BOUND.findall(parse_qs(urlsplit(url).query)["numericFilters"][0]))
        hits = self.api.ask(int(bounds[">"]) + 1, int(bounds["<"]) - 1 if "<" in bounds else None)
        self.showing = Showing(tuple(item for _, item in hits))
        return _answer(200, url, json.dumps({"hits": [_hit(at, item) for at, item in hits], "hitsPerPage": PAGE}))


def _hit(at: int, item: Item) -> dict[str, object]:
    fields = {"title": item.title, "story_text": item.text, "author": "somebody", "_tags": ["story"]}
    return {"objectID": str(item.number), "created_at_i": at, **fields}


def _answer(status: int, url: str, body: str = "") -> Response:
    return Response(status=status, headers={}, body=body.encode(), url=url)


_TOKEN = re.compile(r"\w+x\d+z\b")


def token_of(title: str) -> str:
    """Of which post this is the title; "" where the damage left nothing of it."""
    found = _TOKEN.match(title)
    return found[0] if found else ""


def numbers_of(items: Sequence[Item]) -> set[int]:
    """Which posts these are."""
    return {item.number for item in items}
