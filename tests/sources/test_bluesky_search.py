"""Searches on Bluesky beside the contract: the session, what a hit becomes, a second with more posts than a page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web as aio
from pydantic import TypeAdapter, ValidationError

from sources.base import Cursor, FromWatchlist, Gap, Post, Source, SourceError, Stream
from sources.bluesky_search import BlueskySearchSettings
from sources.registry import SourceConfig, build
from tests.fakes import START, PlainHttp, plain_http, source_tools
from tests.servers import Web
from tests.sources.benches.bench import Item, items, json_answer
from tests.sources.benches.bluesky import DID
from tests.sources.benches.bluesky_search import REFRESH, SEARCH, SESSION, answer, page_of, session

CONFIG: TypeAdapter[SourceConfig] = TypeAdapter(SourceConfig)
KEYS = {"name": "sky", "type": "bluesky_search", "identifier": "me.example.com", "password": "abcd-efgh"}
FOUND = items(1, 3)


class Searching:
    """Two searches of one source, on a server that accepts one access token at a time."""

    def __init__(self, web: Web, http: PlainHttp) -> None:
        self.web = web
        self.accepted = "access-first"
        self.items = FOUND
        keys = KEYS | {"base_url": web.base, "search": ("acme", "globex")}
        self.sources: list[Source] = []
        for source in build(CONFIG.validate_python(keys), source_tools(http)).values():
            assert not isinstance(source, Stream)
            self.sources.append(source)
        web[SESSION] = json_answer(session("first"))
        web[REFRESH] = json_answer(session("second"))
        web[SEARCH] = self._search

    async def _search(self, request: aio.Request) -> aio.Response:
        if request.headers.get("Authorization") != f"Bearer {self.accepted}":
            return answer({"error": "ExpiredToken", "message": "Token has expired"}, 400)
        return answer(page_of(self.items[::-1], request))

    async def read(self, source: int = 0) -> list[Post]:
        cursor: Cursor = {}
        posts: list[Post] = []
        for _ in range(50):
            page = await self.sources[source].fetch(cursor)
            posts += page.posts
            cursor = json.loads(json.dumps(page.cursor))
            if not page.more:
                return posts
        raise AssertionError("the pass does not end")

    @property
    def asked(self) -> list[str]:
        return [request.path.rpartition(".")[2].partition("?")[0] for request in self.web.requests]


@pytest.fixture
async def searching(web: Web) -> AsyncIterator[Searching]:
    async with plain_http() as http:
        yield Searching(web, http)


async def test_what_is_found_becomes_a_post(searching: Searching) -> None:
    post = (await searching.read())[0]
    assert (post.external_id, post.author) == (f"at://{DID}/app.bsky.feed.post/r1", "kim.example.com")
    assert (post.text, post.engagement) == ("text 1", 6)
    assert post.published_at == FOUND[0].at


async def test_one_session_serves_all_searches_of_a_source(searching: Searching) -> None:
    await asyncio.gather(searching.read(0), searching.read(1))
    await searching.read(0)
    assert searching.asked.count("createSession") == 1
    sent = next(request for request in searching.web.requests if request.path == SESSION)
    assert json.loads(sent.body) == {"identifier": "me.example.com", "password": "abcd-efgh"}


async def test_a_session_that_ended_is_refreshed_once(searching: Searching) -> None:
    await searching.read()
    searching.accepted = "access-second"
    await asyncio.gather(searching.read(0), searching.read(1))
    assert (searching.asked.count("createSession"), searching.asked.count("refreshSession")) == (1, 1)
    sent = next(request for request in searching.web.requests if request.path == REFRESH)
    assert sent.headers["authorization"] == "Bearer refresh-first"


async def test_where_that_has_ended_too_it_logs_in_again(searching: Searching) -> None:
    await searching.read()
    searching.accepted = "access-third"
    searching.web[REFRESH] = json_answer({"error": "ExpiredToken", "message": "Token has been revoked"}, 400)
    searching.web[SESSION] = json_answer(session("third"))
    assert len(await searching.read()) == 3
    assert searching.asked.count("createSession") == 2


async def test_a_server_that_accepts_no_token_is_asked_no_more_than_twice(searching: Searching) -> None:
    searching.accepted = "none"
    with pytest.raises(SourceError, match="the session has ended") as caught:
        await searching.read()
    assert not caught.value.permanent
    assert searching.asked.count("searchPosts") == 2


@pytest.mark.parametrize("body", [{}, {"accessJwt": 7}, []])
async def test_a_session_without_tokens_is_a_source_error(searching: Searching, body: Any) -> None:
    searching.web[SESSION] = json_answer(body)
    with pytest.raises(SourceError, match="changed its shape"):
        await searching.read()


async def test_refused_credentials_switch_the_source_off(searching: Searching) -> None:
    refusal = {"error": "AuthenticationRequired", "message": "Invalid identifier or password"}
    searching.web[SESSION] = json_answer(refusal, 401)
    with pytest.raises(SourceError, match="Invalid identifier or password") as caught:
        await searching.read()
    assert caught.value.permanent
    assert "abcd-efgh" not in str(caught.value)


async def test_more_posts_in_a_second_than_an_answer_holds_are_a_gap(searching: Searching) -> None:
    moment = START - timedelta(minutes=1)
    searching.items = [Item(1, moment - timedelta(minutes=1), "before"), *(Item(n, moment, "x") for n in range(2, 200))]
    cursor: Cursor = {}
    gaps: list[Gap] = []
    texts: set[str] = set()
    for _ in range(10):
        page = await searching.sources[0].fetch(cursor)
        cursor, gaps, texts = page.cursor, [*gaps, *page.gaps], texts | {post.text for post in page.posts}
        if not page.more:
            break
    assert len(gaps) == 1
    assert texts == {"x", "before"}


@pytest.mark.parametrize("uri", ["at://did:plc:a/app.bsky.feed.like/x", "at://did:plc:a", "", 7, "https://x.test/a/b"])
async def test_what_is_no_post_is_left_out(searching: Searching, uri: object) -> None:
    async def search(request: aio.Request) -> aio.Response:
        page = page_of(FOUND[::-1], request)
        page["posts"][0]["uri"] = uri
        return answer(page)

    searching.web[SEARCH] = search
    page = await searching.sources[0].fetch({})
    assert [post.text for post in page.posts] == ["text 1", "text 2"]
    assert page.notices == ("1 posts could not be read and were left out",)


def test_a_watchlist_may_be_what_is_searched_for() -> None:
    config = BlueskySearchSettings.model_validate(KEYS | {"search": {"from": "acme"}})
    assert config.search == FromWatchlist.model_validate({"from": "acme"})


@pytest.mark.parametrize("changes", [{"search": ()}, {"search": ("",)}, {"password": None}, {"identifier": ""}])
def test_mistakes_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        BlueskySearchSettings.model_validate(KEYS | {"search": ("acme",)} | changes)
