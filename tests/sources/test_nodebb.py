"""NodeBB: fields, deletions, private posts, and page numbers that shift."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web as aio

from sources.base import Cursor, Page, PostKind, SourceError
from sources.nodebb import NodeBBSettings, NodeBBSource
from tests.fakes import START, FixedClock, PlainHttp, plain_http
from tests.servers import Web
from tests.sources.benches import nodebb
from tests.sources.benches.bench import Item, items, json_answer


@pytest.fixture
async def http() -> AsyncIterator[PlainHttp]:
    async with plain_http() as opened:
        yield opened


def source(web: Web, http: PlainHttp, clock: FixedClock | None = None, **keys: Any) -> NodeBBSource:
    written = {"name": "b", "type": "nodebb", "url": "https://board.test", "base_url": web.base} | keys
    return NodeBBSource(NodeBBSettings.model_validate(written), http, clock or FixedClock())


def show(web: Web, *posts: dict[str, Any]) -> None:
    web["/api/recent/posts"] = json_answer(list(posts))


async def read(made: NodeBBSource, cursor: Cursor) -> list[Page]:
    pages = [await made.fetch(cursor)]
    while pages[-1].more:
        pages.append(await made.fetch(json.loads(json.dumps(pages[-1].cursor))))
    return pages


async def test_fields(web: Web, http: PlainHttp) -> None:
    first, reply = items(1, 2)
    show(web, nodebb.post(reply), nodebb.post(first))
    posts = (await source(web, http).fetch({})).posts
    assert [(post.kind, post.title) for post in posts] == [(PostKind.POST, "Akku & Laden"), (PostKind.COMMENT, "")]
    post = posts[1]
    assert (post.external_id, post.url, post.author) == ("2", "https://board.test/post/2", "kim")
    assert (post.thread, post.parent, post.engagement, post.text) == ("7", "1", 3, "text 2")
    assert post.published_at == reply.at


async def test_the_token_is_sent(web: Web, http: PlainHttp) -> None:
    show(web)
    await source(web, http, token="geheim").fetch({})
    assert web.requests[0].headers["authorization"] == "Bearer geheim"
    web.requests.clear()
    await source(web, http).fetch({})
    assert "authorization" not in web.requests[0].headers


async def test_what_is_deleted_is_passed_on_and_no_post(web: Web, http: PlainHttp) -> None:
    one, two, three = (nodebb.post(item) for item in items(1, 3))
    show(web, three, two | {"deleted": True}, one | {"topic": {"deleted": 1}})
    page = await source(web, http).fetch({})
    assert [post.external_id for post in page.posts] == ["3"]
    assert set(page.deleted) == {"1", "2"}


async def test_a_post_of_another_server_keeps_its_address_as_its_id(web: Web, http: PlainHttp) -> None:
    (item,) = items(1, 1)
    address = "https://mastodon.test/users/kim/statuses/1"
    show(web, nodebb.post(item) | {"pid": address, "url": address})
    (post,) = (await source(web, http).fetch({})).posts
    assert (post.external_id, post.url) == (address, address)


async def test_a_bad_post_is_left_out_with_a_notice(web: Web, http: PlainHttp) -> None:
    (item,) = items(1, 1)
    show(web, nodebb.post(item), {"pid": 5, "timestamp": "soon"}, {"pid": [], "timestamp": 5})
    page = await source(web, http).fetch({})
    assert len(page.posts) == 1
    assert page.notices == ("2 posts could not be read and were left out",)


async def test_pages_of_private_posts_are_stepped_over(web: Web, tmp_path: Path, http: PlainHttp) -> None:
    bench = nodebb.make(web, tmp_path)
    bench.items += items(1, 70)
    made = source(web, http)
    (before,) = [page.cursor for page in await read(made, {})][-1:]
    hidden = {item.number for item in items(31, 70)}

    async def visible(request: aio.Request) -> aio.Response:
        start = (int(request.query["page"]) - 1) * 20
        shown = [item for item in bench.newest_first()[start : start + 20] if item.number not in hidden]
        status, headers, body = json_answer([nodebb.post(item) for item in shown])
        return aio.Response(status=status, headers=headers, body=body)

    web["/api/recent/posts"] = visible
    pages = await read(made, before)
    assert {post.text for page in pages for post in page.posts} == {f"text {n}" for n in range(1, 31)}


@pytest.mark.parametrize("pause", [timedelta(seconds=2), timedelta(hours=1)])
async def test_a_pass_goes_on_though_pages_have_shifted(
    web: Web, tmp_path: Path, http: PlainHttp, pause: timedelta
) -> None:
    bench, clock = nodebb.make(web, tmp_path), FixedClock()
    bench.items += [Item(n, START - timedelta(hours=3, minutes=200 - n), f"text {n}") for n in range(1, 101)]
    made = source(web, http, clock)
    first = await made.fetch({})
    clock.advance(pause)
    if pause > timedelta(minutes=1):
        del bench.items[-10:]  # spam, purged meanwhile: what stood on the second page is on the first one now
    rest = await read(made, first.cursor)
    texts = {post.text for page in (first, *rest) for post in page.posts}
    assert texts >= {f"text {n}" for n in range(1, 91)}


async def test_a_list_of_something_else_is_an_error(web: Web, http: PlainHttp) -> None:
    show(web, {"cid": 1, "name": "Handys"})
    with pytest.raises(SourceError, match="posts without what makes them one"):
        await source(web, http).fetch({})
