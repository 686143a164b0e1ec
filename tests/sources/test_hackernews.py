"""The Hacker News source against a server that shows the newest 1,000 items of what is asked for."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web as aiohttp_web

from sources.base import BACKOFF_LONG, Cursor, Page, Post, PostKind, SourceError
from sources.hackernews import HackerNewsSettings, HackerNewsSource
from tests.fakes import START, FixedClock, plain_http
from tests.servers import Web

NOW = int(START.timestamp())
OVERLAP = 15 * 60
Hit = dict[str, Any]


def comment(number: int, position: int) -> Hit:
    return {
        "objectID": str(number),
        "created_at_i": position,
        "author": "kim",
        "comment_text": f"Comment <i>{number}</i>",
        "story_title": "A story",
        "story_id": 7,
        "parent_id": 8,
        "_tags": ["comment", "author_kim", "story_7"],
    }


@dataclass(slots=True)
class Algolia:
    """The search as documented: numericFilters joined by commas, at most `shown` hits, newest first unless told."""

    hits: list[Hit] = field(default_factory=list)
    pinned: list[Hit] = field(default_factory=list)
    shown: int = 1000
    order: Callable[[Hit], Any] = lambda hit: hit["created_at_i"]
    queries: list[dict[str, str]] = field(default_factory=list)

    async def answer(self, request: aiohttp_web.Request) -> aiohttp_web.Response:
        query = dict(request.query)
        self.queries.append(query)
        found = [hit for hit in self.hits if _passes(hit["created_at_i"], query["numericFilters"])]
        found.sort(key=self.order, reverse=True)
        shown = min(self.shown, int(query["hitsPerPage"]))
        hits = [*self.pinned, *found][:shown]
        body = {"hits": hits, "nbHits": len(found), "hitsPerPage": shown, "page": 0}
        return aiohttp_web.json_response(body)


def _passes(position: int, filters: str) -> bool:
    return all(
        position > int(number) if sign == ">" else position < int(number)
        for sign, number in re.findall(r"created_at_i([<>])(-?\d+)", filters)
    )


@dataclass(slots=True)
class Reader:
    """Runs whole passes and keeps what the pipeline would."""

    algolia: Algolia
    source: HackerNewsSource
    clock: FixedClock
    cursor: Cursor = field(default_factory=dict)
    seen: dict[str, Post] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)

    async def page(self, *, lost: bool = False) -> Page:
        """One page; `lost`: a kill before its commit."""
        page = await self.source.fetch(self.cursor)
        if not lost:
            self.seen |= {post.external_id: post for post in page.posts}
            self.gaps += [gap.detail for gap in page.gaps]
            self.cursor = json.loads(json.dumps(page.cursor))
        return page

    async def run(self) -> int:
        """One pass; how many pages it took."""
        pages = 1
        while (await self.page()).more:
            pages += 1
            assert pages < 200, "a pass that does not end"
        return pages

    def missing(self) -> set[str]:
        return {hit["objectID"] for hit in self.algolia.hits} - self.seen.keys()


@pytest.fixture
async def reader(web: Web) -> AsyncIterator[Reader]:
    algolia = Algolia()
    web["/hn/api/v1/search_by_date"] = algolia.answer
    clock = FixedClock()
    config = HackerNewsSettings.model_validate({"name": "hn", "type": "hackernews", "base_url": web.url("/hn")})
    async with plain_http() as http:
        yield Reader(algolia, HackerNewsSource(config, http, clock), clock)


async def started(reader: Reader, known: int = 50) -> Reader:
    """After a first pass over a few items."""
    reader.algolia.hits = [comment(n, NOW - n * 60) for n in range(known)]
    assert await reader.run() == 1
    assert not reader.missing()
    return reader


def arrive(reader: Reader, positions: list[int]) -> None:
    first = len(reader.algolia.hits)
    reader.algolia.hits += [comment(first + n, position) for n, position in enumerate(positions)]


async def test_what_is_asked_for(reader: Reader) -> None:
    await started(reader)
    await reader.run()
    first, second = reader.algolia.queries
    assert first["tags"] == "(story,comment)"
    assert first["numericFilters"] == f"created_at_i>{NOW - 86400 - OVERLAP - 1}"
    assert second["numericFilters"] == f"created_at_i>{NOW - OVERLAP - 1}"
    assert reader.cursor == {"floor": NOW}


async def test_a_story_and_a_comment(reader: Reader) -> None:
    story = {
        "objectID": "7",
        "created_at_i": NOW - 100,
        "created_at": "2026-11-21T11:58:20Z",
        "title": "Show HN: a < b",
        "url": "https://acme.test/x",
        "story_text": "It&#x27;s <p>here",
        "points": 5,
        "num_comments": 2,
        "author": "lee",
        "_tags": ["story", "author_lee"],
        "_highlightResult": {"title": {"value": "x"}},
    }
    reader.algolia.hits = [story, comment(9, NOW - 10)]
    first, second = (await reader.page()).posts
    assert (first.title, first.kind, first.engagement, first.author) == ("Show HN: a < b", PostKind.POST, 7, "lee")
    assert first.text.split() == ["It's", "here", "https://acme.test/x"]
    assert first.url == "https://news.ycombinator.com/item?id=7"
    assert "_highlightResult" not in first.raw
    assert (second.title, second.text, second.kind) == ("", "Comment 9", PostKind.COMMENT)
    assert (second.parent, second.thread, second.engagement) == ("8", "7", None)
    assert second.published_at.timestamp() == NOW - 10


async def test_five_thousand_items_between_two_polls(reader: Reader) -> None:
    await started(reader)
    arrive(reader, [NOW + n // 10 for n in range(5000)])
    reader.clock.advance(timedelta(minutes=10))
    assert 5 <= await reader.run() <= 8
    assert (reader.missing(), reader.gaps) == (set(), [])
    assert reader.cursor == {"floor": NOW + 499}
    assert await reader.run() <= 7


async def test_a_first_pass_reads_its_backlog_and_no_more(reader: Reader) -> None:
    arrive(reader, [NOW - n * 20 for n in range(10_000)])
    await reader.run()
    bound = NOW - 86400 - OVERLAP
    assert {post.external_id for post in reader.seen.values()} == {
        hit["objectID"] for hit in reader.algolia.hits if hit["created_at_i"] >= bound
    }


async def test_items_dated_back_by_less_than_the_overlap(reader: Reader) -> None:
    await started(reader)
    for _ in range(3):
        now = int(reader.clock.advance(timedelta(minutes=5)).timestamp())
        arrive(reader, [now - n for n in range(0, OVERLAP - 301, 7)])
        await reader.run()
        assert reader.missing() == set()


async def test_items_out_of_order_in_a_burst(reader: Reader) -> None:
    """The server orders by arrival; every third item is dated back by up to the overlap."""
    await started(reader)
    arrive(reader, [NOW + n // 5 - (n * 7919 % OVERLAP if n % 3 == 0 else 0) for n in range(5000)])
    reader.algolia.order = lambda hit: int(hit["objectID"]) if int(hit["objectID"]) >= 50 else -hit["created_at_i"]
    reader.clock.advance(timedelta(minutes=20))
    await reader.run()
    assert (reader.missing(), reader.gaps) == (set(), [])


async def test_the_last_item_of_a_page_is_dated_back(reader: Reader) -> None:
    await started(reader)
    arrive(reader, [NOW + n // 5 - (600 if n == 1000 else 0) for n in range(2000)])
    reader.algolia.order = lambda hit: int(hit["objectID"]) if int(hit["objectID"]) >= 50 else -hit["created_at_i"]
    reader.clock.advance(timedelta(minutes=20))
    await reader.run()
    assert (reader.missing(), reader.gaps) == (set(), [])


@pytest.mark.parametrize("age", [60, 3600, 20 * 3600, 400 * 86400])
@pytest.mark.parametrize("is_first", [True, False])
async def test_a_pinned_item_on_top_ends_nothing(reader: Reader, age: int, is_first: bool) -> None:
    if not is_first:
        await started(reader)
    arrive(reader, [NOW - 30_000 + n * 5 if is_first else NOW + n // 10 for n in range(5000)])
    reader.algolia.pinned = [comment(10**6, NOW - age)]
    reader.clock.advance(timedelta(minutes=10))
    await reader.run()
    assert (reader.missing(), reader.gaps) == (set(), [])
    assert "1000000" in reader.seen


async def test_a_pinned_item_alone_in_an_answer_ends_the_pass(reader: Reader) -> None:
    await started(reader)
    arrive(reader, [NOW + 5] * 1500)
    reader.algolia.pinned = [comment(10**6, NOW + 5)]
    reader.clock.advance(timedelta(minutes=1))
    await reader.run()
    assert len(reader.gaps) == 1
    assert reader.cursor == {"floor": NOW + 5}


@pytest.mark.parametrize("before", [0, 1, 500, 999])
async def test_999_items_in_one_second(reader: Reader, before: int) -> None:
    await started(reader)
    arrive(reader, [NOW + 5] * 999 + [NOW + 6 + n for n in range(before)] + [NOW + 1] * 500)
    reader.clock.advance(timedelta(hours=1))
    await reader.run()
    assert (reader.missing(), reader.gaps) == (set(), [])


async def test_more_than_1000_items_in_one_second_are_a_gap(reader: Reader) -> None:
    await started(reader)
    arrive(reader, [NOW + 5] * 1500 + [NOW + 4] * 700 + [NOW + 9] * 3)
    reader.clock.advance(timedelta(minutes=1))
    await reader.run()
    assert len(reader.gaps) == 1
    assert "2026-11-21 12:00:05" in reader.gaps[0]
    lost = [hit["created_at_i"] for hit in reader.algolia.hits if hit["objectID"] in reader.missing()]
    assert set(lost) == {NOW + 5}
    assert len(lost) == 500


async def test_items_of_the_future_move_top_no_further_than_the_fetch(reader: Reader) -> None:
    await started(reader)
    arrive(reader, [NOW + 10**6])
    await reader.run()
    assert reader.cursor == {"floor": NOW}
    assert reader.seen["50"].published_at == START
    arrive(reader, [NOW + 30])
    reader.clock.advance(timedelta(minutes=1))
    await reader.run()
    assert reader.missing() == set()


async def test_a_floor_in_the_future_hides_nothing(reader: Reader) -> None:
    reader.algolia.hits = [comment(1, NOW - 100)]
    reader.cursor = {"floor": NOW + 10**7, "top": NOW + 10**7, "next": NOW + 10**7}
    await reader.run()
    assert (reader.missing(), reader.cursor) == (set(), {"floor": NOW - 100})


async def test_no_answer_moves_no_floor(reader: Reader) -> None:
    await started(reader)
    hits, reader.algolia.hits = reader.algolia.hits, []
    for _ in range(5):
        reader.clock.advance(timedelta(hours=5))
        await reader.run()
    assert reader.cursor == {"floor": NOW}
    reader.algolia.hits = hits
    arrive(reader, [NOW + 1])
    await reader.run()
    assert reader.missing() == set()


@pytest.mark.parametrize("is_first", [True, False])
async def test_a_kill_between_any_two_pages_loses_nothing(reader: Reader, is_first: bool) -> None:
    """Every page is fetched twice (killed before its commit), while new items arrive and the clock goes on."""
    if not is_first:
        await started(reader)
    arrive(reader, [NOW - 100 + n // 50 for n in range(5000)])
    for killed_for in (timedelta(seconds=30), timedelta(hours=3)):
        more = True
        while more:
            await reader.page(lost=True)
            now = int(reader.clock.advance(killed_for).timestamp())
            arrive(reader, [now - 5, now])
            more = (await reader.page()).more
        await reader.run()
        assert (reader.missing(), reader.gaps) == (set(), [])


async def test_a_resumed_first_pass_keeps_its_bound(reader: Reader) -> None:
    arrive(reader, [NOW - n * 10 for n in range(8000)])
    await reader.page()
    reader.clock.advance(timedelta(hours=20))
    await reader.run()
    assert reader.missing() == set()


async def test_a_server_that_shows_fewer_than_it_is_asked_for(reader: Reader) -> None:
    await started(reader)
    reader.algolia.shown = 20
    arrive(reader, [NOW + n // 3 for n in range(300)])
    reader.clock.advance(timedelta(minutes=10))
    await reader.run()
    assert (reader.missing(), reader.gaps) == (set(), [])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html>", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "no list `hits`"),
        (b'{"results": []}', "no list `hits`"),
        (b'{"hits": [{"id": 1}, null]}', "without objectID or created_at_i"),
        (b'{"hits": [{"objectID": "1", "created_at_i": 1e400}]}', "without objectID or created_at_i"),
    ],
)
async def test_a_changed_shape_is_named(reader: Reader, web: Web, body: bytes, message: str) -> None:
    web["/hn/api/v1/search_by_date"] = (200, {}, body)
    with pytest.raises(SourceError, match=message) as caught:
        await reader.page()
    assert caught.value.backoff_limit == BACKOFF_LONG


async def test_a_server_that_ignores_the_filter_is_named(reader: Reader, web: Web) -> None:
    hits = [comment(n, NOW - n) for n in range(1000)]
    web["/hn/api/v1/search_by_date"] = (200, {}, json.dumps({"hits": hits}).encode())
    with pytest.raises(SourceError, match="numericFilters"):
        await reader.run()


async def test_one_odd_hit_spoils_no_other(reader: Reader, web: Web) -> None:
    odd: list[Any] = [
        None,
        {"objectID": 5},
        comment(1, NOW - 5) | {"created_at_i": 10**15},
        comment(2, NOW - 5) | {"comment_text": 7, "_tags": None, "author": ["x"], "points": "3"},
        comment(3, NOW - 4) | {"objectID": "a/../\ud800", "author": "\ud800", "story_id": None},
    ]
    web["/hn/api/v1/search_by_date"] = (200, {}, json.dumps({"hits": odd}).encode())
    page = await reader.page()
    assert len(page.posts) == 2
    assert page.notices == ("3 hits without objectID or created_at_i were left out",)
    assert page.posts[1].author != "\ud800"


async def test_probe_tells_the_newest_item(reader: Reader) -> None:
    assert "nothing" in await reader.source.probe()
    reader.algolia.hits = [comment(1, NOW - 60)]
    assert "2026-11-21 11:59" in await reader.source.probe()


async def test_a_backlog_longer_than_all_history(web: Web) -> None:
    algolia = Algolia(hits=[comment(1, 1160418111)])
    web["/api/v1/search_by_date"] = algolia.answer
    written = {"name": "hn", "type": "hackernews", "base_url": web.base, "backlog": "36500d"}
    async with plain_http() as http:
        page = await HackerNewsSource(HackerNewsSettings.model_validate(written), http, FixedClock()).fetch({})
    assert len(page.posts) == 1
    assert algolia.queries[0]["numericFilters"] == "created_at_i>0"


async def test_full_text_names_what_stories_link_to(web: Web) -> None:
    linked = {
        "objectID": "7",
        "created_at_i": NOW - 100,
        "title": "T",
        "url": "https://acme.test/x",
        "_tags": ["story"],
    }
    hits = [linked, linked | {"objectID": "8", "url": "javascript:x"}, linked | {"objectID": "9", "_tags": ["comment"]}]
    web["/hn/api/v1/search_by_date"] = Algolia(hits).answer
    written = {"name": "hn", "type": "hackernews", "base_url": web.url("/hn")}
    async with plain_http() as http:
        for wanted, articles in ((True, {"7": "https://acme.test/x"}), (False, {})):
            config = HackerNewsSettings.model_validate(written | {"full_text": wanted})
            assert (await HackerNewsSource(config, http, FixedClock()).fetch({})).articles == articles
