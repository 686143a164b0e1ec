"""Hacker News item by item: what is not there yet, what is gone, what changed, where a first pass begins."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web as aio

from sources.base import Cursor, Page, Post, PostKind, SourceError
from sources.hackernews import HackerNewsSettings
from sources.hackernews_walk import CHUNK, HackerNewsWalk
from tests.fakes import START, FixedClock, plain_http
from tests.servers import Web

NOW = int(START.timestamp())


def comment(number: int, at: int = NOW - 60, **changes: Any) -> dict[str, Any]:
    return {"id": number, "type": "comment", "by": "kim", "time": at, "text": f"text {number}", "parent": 7} | changes


@dataclass(slots=True)
class Firebase:
    """Items by id; whoever is asked for and not there is null."""

    source: HackerNewsWalk
    clock: FixedClock
    items: dict[int, Any] = field(default_factory=dict)
    newest: int = 0
    updates: list[Any] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    cursor: Cursor = field(default_factory=dict)
    pages: list[Page] = field(default_factory=list)

    async def answer(self, request: aio.Request) -> aio.Response:
        name = request.path.removesuffix(".json").removeprefix("/v0/")
        if name == "maxitem":
            return aio.json_response(self.newest or max(self.items, default=0))
        if name == "updates":
            return aio.json_response({"items": self.updates})
        self.asked.append(int(name.removeprefix("item/")))
        return aio.json_response(self.items.get(self.asked[-1]))

    async def read(self) -> list[Post]:
        self.pages = []
        while not self.pages or self.pages[-1].more:
            self.pages.append(await self.source.fetch(self.cursor))
            self.cursor = json.loads(json.dumps(self.pages[-1].cursor))
        return [post for page in self.pages for post in page.posts]


@pytest.fixture
async def firebase(web: Web) -> AsyncIterator[Firebase]:
    config = HackerNewsSettings.model_validate(
        {"name": "hn", "type": "hackernews", "mode": "walk", "base_url": web.base}
    )
    clock = FixedClock()
    async with plain_http() as http:
        made = Firebase(HackerNewsWalk(config, http, clock), clock)
        web["/v0/*"] = made.answer
        yield made


async def test_the_fields_of_a_story_and_of_a_comment(firebase: Firebase) -> None:
    story = {"id": 1, "type": "story", "by": "lee", "time": NOW - 90, "title": "Show HN: a < b", "score": 5}
    firebase.items = {1: story | {"url": "https://acme.test/x", "descendants": 2}, 2: comment(2, text="It&#x27;s")}
    first, second = await firebase.read()
    assert (first.title, first.kind, first.engagement, first.thread) == ("Show HN: a < b", PostKind.POST, 7, "1")
    assert (first.text, first.url) == ("https://acme.test/x", "https://news.ycombinator.com/item?id=1")
    assert (second.text, second.kind, second.parent, second.thread) == ("It's", PostKind.COMMENT, "7", None)


async def test_an_item_that_is_null_is_asked_for_again_for_an_hour(firebase: Firebase) -> None:
    firebase.items = {1: comment(1), 3: comment(3)}
    assert len(await firebase.read()) == 2
    assert firebase.cursor == {"first": 1, "next": 4, "pending": {"2": NOW}}
    firebase.clock.advance(timedelta(minutes=59))
    firebase.items[2] = comment(2)
    assert [post.external_id for post in await firebase.read()] == ["2"]
    assert firebase.cursor == {"first": 1, "next": 4}


async def test_an_item_that_never_comes_is_given_up(firebase: Firebase) -> None:
    firebase.items = {1: comment(1), 3: comment(3)}
    await firebase.read()
    firebase.clock.advance(timedelta(minutes=61))
    await firebase.read()
    assert firebase.cursor == {"first": 1, "next": 4}


async def test_deleted_and_dead_items_are_gone_and_edits_come_again(firebase: Firebase) -> None:
    firebase.items = {n: comment(n) for n in range(1, 6)}
    await firebase.read()
    firebase.items[2] = {"id": 2, "type": "comment", "deleted": True, "time": NOW - 60}
    firebase.items[3] = comment(3, dead=True)
    firebase.items[4] = comment(4, text="edited")
    firebase.updates = [2, 3, 4, "x", None, 10**9]
    posts = await firebase.read()
    assert [(post.external_id, post.text) for post in posts] == [("4", "edited")]
    assert firebase.pages[0].deleted == ("2", "3")


async def test_changes_of_what_came_before_the_first_pass_are_not_news(firebase: Firebase) -> None:
    firebase.items = {n: comment(n, NOW - 86400 * 30 + n) for n in range(1, 1000)}
    firebase.items |= {n: comment(n) for n in range(1000, 1010)}
    await firebase.read()
    firebase.updates = [5, 1005]
    assert [post.external_id for post in await firebase.read()] == ["1005"]


async def test_a_first_pass_finds_its_backlog_and_little_more(firebase: Firebase) -> None:
    firebase.items = {n: comment(n, NOW - (20_000 - n) * 10) for n in range(1, 20_001)}
    for n in range(11_300, 11_306):
        firebase.items.pop(n)
    posts = await firebase.read()
    within = {str(n) for n, item in firebase.items.items() if item["time"] >= NOW - 86400}
    assert {post.external_id for post in posts} >= within
    assert len(posts) - len(within) <= 200
    assert len(set(firebase.asked)) - len(posts) < 120


async def test_pages_hold_no_more_than_a_chunk_and_go_on_where_they_ended(firebase: Firebase) -> None:
    firebase.items = {n: comment(n) for n in range(1, 2 * CHUNK + 11)}
    assert len(await firebase.read()) == 2 * CHUNK + 10
    assert [len(page.posts) for page in firebase.pages] == [CHUNK, CHUNK, 10]
    assert [page.cursor["next"] for page in firebase.pages] == [CHUNK + 1, 2 * CHUNK + 1, 2 * CHUNK + 11]


async def test_what_is_no_item_is_left_out_or_an_error(firebase: Firebase) -> None:
    firebase.items = {1: comment(1), 2: comment(2, time="soon"), 3: {"id": 3, "type": "pollopt", "time": NOW}}
    assert [post.external_id for post in await firebase.read()] == ["1"]
    assert firebase.pages[0].notices == ("1 items could not be read and were left out",)
    firebase.items[4] = ["x"]
    with pytest.raises(SourceError, match="an item is no object"):
        await firebase.read()


async def test_a_newest_item_that_went_back_starts_anew(firebase: Firebase) -> None:
    firebase.items = {n: comment(n) for n in range(1, 4)}
    firebase.cursor = {"first": 10**6, "next": 10**7}
    assert len(await firebase.read()) == 3


async def test_full_text_names_what_stories_link_to(firebase: Firebase, web: Web) -> None:
    story = {"id": 1, "type": "story", "by": "lee", "time": NOW - 90, "title": "T", "url": "https://acme.test/x"}
    firebase.items = {1: story, 2: story | {"id": 2, "url": "javascript:x"}, 3: comment(3, url="https://acme.test/y")}
    await firebase.read()
    assert firebase.pages[0].articles == {}
    keys = {"name": "hn", "type": "hackernews", "mode": "walk", "base_url": web.base, "full_text": True}
    async with plain_http() as http:
        firebase.source = HackerNewsWalk(HackerNewsSettings.model_validate(keys), http, firebase.clock)
        firebase.cursor = {}
        await firebase.read()
    assert firebase.pages[0].articles == {"1": "https://acme.test/x"}
