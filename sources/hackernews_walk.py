"""Hacker News item by item over its own API: nothing that exists is passed over.

github.com/HackerNews/API: ids are given in order, `maxitem` is the newest, `item/ID` any of them, `updates` those that
changed a moment ago. A pass goes from the last id read to the newest; items that are `null`, not there yet, are asked
for again for an hour. The cursor: `next`, the id that comes next; `first`, where the first pass began; `pending`, ids
that were null, with the time when that was seen first.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from datetime import datetime, timedelta

from sources.api import Api
from sources.base import JSON, Clock, Cursor, Http, Page, Post, PostKind
from sources.hackernews import ITEM, HackerNewsSettings
from sources.http import based, web_link
from sources.shape import Item, changed, counted, find, flag, moment, reference, text, usable, whole
from sources.text import html_to_text, plain_text

ENDPOINT = "https://hacker-news.firebaseio.com/v0"
CHUNK = 200  # ids that one page covers
MOST_PENDING = 1000
NEAR = 100  # ids: so close to where the backlog begins is close enough
KINDS = {"story": PostKind.POST, "job": PostKind.POST, "poll": PostKind.POST, "comment": PostKind.COMMENT}


class HackerNewsWalk:
    """All items in the order of their ids, and what changed."""

    overlap = timedelta(hours=1)  # how long an item that is not there yet is asked for

    def __init__(self, config: HackerNewsSettings, http: Http, clock: Clock) -> None:
        self._name = config.name
        self._backlog = config.backlog
        self._full_text = config.full_text
        self._endpoint = based(config.base_url, ENDPOINT)
        self._clock = clock
        self._api = Api(http, clock)

    async def fetch(self, cursor: Cursor) -> Page:
        now = self._clock()
        newest = await self._newest()
        first, following = whole(cursor, "first"), whole(cursor, "next")
        if first is None or following is None or following > newest + MOST_PENDING:
            first = following = await self._start(newest, now - self._backlog)
        upto = min(newest, following + CHUNK - 1)
        ids = set(range(following, upto + 1))
        pending = _still_pending(cursor, now - self.overlap)
        if upto == newest:
            ids |= set(pending) | {each for each in await self._updated() if first <= each <= newest}
        found = dict(zip(sorted(ids), await self._items(sorted(ids)), strict=True))
        missing = {each: pending.get(each, int(now.timestamp())) for each, item in found.items() if not item}
        missing = pending | missing if upto < newest else missing
        after: Cursor = {"first": first, "next": upto + 1}
        if missing:
            after["pending"] = {str(each): seen for each, seen in sorted(missing.items())[-MOST_PENDING:]}
        return self._page([item for item in found.values() if item], after, upto < newest, now)

    async def probe(self) -> str:
        newest = await self._newest()
        (item,) = await self._items([newest])
        when = moment(whole(item, "time"))
        return f"answers; newest item {newest}" + (f" of {when:%Y-%m-%d %H:%M} UTC" if when else "")

    def _page(self, found: list[Item], after: Cursor, more: bool, now: datetime) -> Page:
        gone = [item for item in found if flag(item, "deleted") or flag(item, "dead")]
        there = [item for item in found if item not in gone and text(item, "type") != "pollopt"]
        made = [self._post(item, now) for item in there]
        notices = tuple(usable(there, made, "items"))
        posts = sorted((post for post in made if post is not None), key=lambda post: post.published_at)
        deleted = tuple(str(number) for item in gone if (number := whole(item, "id")))
        articles = {str(whole(item, "id")): link for item in there if (link := _link(item)) and self._full_text}
        return Page(posts=tuple(posts), cursor=after, more=more, deleted=deleted, notices=notices, articles=articles)

    async def _newest(self) -> int:
        newest = await self._api.get(f"{self._endpoint}/maxitem.json")
        if not isinstance(newest, int) or isinstance(newest, bool) or not 0 <= newest < 2**53:
            raise changed("`maxitem` is no number")
        return newest

    async def _updated(self) -> list[int]:
        answer = await self._api.get(f"{self._endpoint}/updates.json")
        ids = find(answer, "items")
        if not isinstance(ids, list):
            raise changed("no list `items` in `updates`")
        return [number for each in ids[:CHUNK] if (number := whole(each)) is not None]

    async def _items(self, ids: Iterable[int]) -> list[Item]:
        """Items in the order of ids; empty where there is none yet."""
        answers = await asyncio.gather(*(self._api.get(f"{self._endpoint}/item/{each}.json") for each in ids))
        if any(answer is not None and not isinstance(answer, dict) for answer in answers):
            raise changed("an item is no object")
        return [answer if isinstance(answer, dict) else {} for answer in answers]

    async def _start(self, newest: int, since: datetime) -> int:
        """An id near the first of those that are younger than `since`, on the safe side of it."""
        step = NEAR
        old = newest
        while old > 1:
            old = max(1, newest - step)
            if await self._is_before(old, since):
                break
            step *= 2
        young = newest
        while young - old > NEAR:
            middle = (old + young) // 2
            old, young = (middle, young) if await self._is_before(middle, since) else (old, middle)
        return max(old, 1)

    async def _is_before(self, number: int, since: datetime) -> bool:
        """Whether the item, or the next that is there, is older than `since`."""
        for item in await self._items(range(number, number + 5)):
            seconds = whole(item, "time")
            if seconds is not None:
                return seconds < since.timestamp()
        return False

    def _post(self, item: Item, now: datetime) -> Post | None:
        number, kind, when = whole(item, "id"), KINDS.get(text(item, "type")), moment(whole(item, "time"))
        if number is None or kind is None or when is None:
            return None
        is_comment = kind is PostKind.COMMENT
        link = "" if is_comment else plain_text(text(item, "url"))
        return Post(
            source=self._name,
            external_id=str(number),
            url=f"{ITEM}{number}",
            title="" if is_comment else plain_text(text(item, "title")),
            text="\n\n".join(filter(None, (html_to_text(text(item, "text")), link))),
            author=plain_text(text(item, "by")) or None,
            kind=kind,
            parent=reference(item, "parent"),
            thread=None if is_comment else str(number),  # a comment knows only what it answers
            engagement=counted(item, "score", "descendants"),
            published_at=min(when, now),
            published_raw=str(whole(item, "time")),
            raw=json.dumps(item),
        )


def _link(item: Item) -> str | None:
    """The page that a story links to."""
    return web_link(text(item, "url")) if text(item, "type") != "comment" else None


def _still_pending(cursor: Cursor, since: datetime) -> dict[int, int]:
    """Ids that were not there, with when that was seen first; without those that never came."""
    kept: dict[int, int] = {}
    known: JSON = cursor.get("pending")
    for key, seen in known.items() if isinstance(known, dict) else ():
        number, when = whole(key), whole(seen)
        if number is not None and when is not None and when >= since.timestamp():
            kept[number] = when
    return kept
