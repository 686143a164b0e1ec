"""What is special about Discourse: fields, pages that are short, the key."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web as aio

from sources.base import Page, PostKind
from sources.discourse import DiscourseSettings, DiscourseSource
from tests.fakes import START, FixedClock, plain_http
from tests.servers import Web

POST = {
    "id": 812,
    "username": "Kim_1",
    "created_at": "2026-11-21T11:30:00.123Z",
    "cooked": "<p>Mein <b>Acme</b> geht nicht</p>",
    "raw": "Mein **Acme** geht nicht",
    "topic_id": 44,
    "topic_slug": "acme-defekt",
    "topic_title": "Acme defekt?",
    "post_number": 1,
    "reply_count": 3,
    "incoming_link_count": 2,
}


async def fetch(web: Web, *posts: Any, **settings: Any) -> Page:
    web["/sub/posts.json"] = (200, {}, json.dumps({"latest_posts": list(posts)}).encode())
    keys = {"name": "mine", "type": "discourse", "url": web.url("/sub/")} | settings
    async with plain_http() as http:
        return await DiscourseSource(DiscourseSettings.model_validate(keys), http, FixedClock()).fetch({})


async def test_the_fields_of_a_topic_and_of_a_reply(web: Web) -> None:
    reply = POST | {"id": 813, "post_number": 5, "reply_to_post_number": 2, "created_at": "2026-11-21T11:31:00Z"}
    first, second = (await fetch(web, reply, POST)).posts
    assert first.external_id == "812"
    assert first.url == web.url("/sub/t/acme-defekt/44/1")
    assert (first.title, first.text) == ("Acme defekt?", "Mein Acme geht nicht")
    assert (first.author, first.kind, first.thread, first.engagement) == ("Kim_1", PostKind.POST, "44", 5)
    assert (second.title, second.kind, second.parent) == ("", PostKind.COMMENT, "44/2")


async def test_a_post_without_an_id_is_left_out_and_told_of(web: Web) -> None:
    page = await fetch(web, POST, POST | {"id": None}, "x", 7)
    assert [post.external_id for post in page.posts] == ["812"]
    assert page.notices == ("1 posts could not be read and were left out",)


async def test_the_key_is_sent_and_never_shown(web: Web) -> None:
    await fetch(web, POST, api_key="s3cret", api_user="reader")
    assert web.requests[-1].headers["api-key"] == "s3cret"
    assert web.requests[-1].headers["api-username"] == "reader"
    settings = DiscourseSettings.model_validate(
        {"name": "a", "type": "discourse", "url": "https://x.test", "api_key": "s3cret"}
    )
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize("size", [0, 3])
async def test_pages_of_ids_that_are_mostly_private_end_no_pass(web: Web, size: int) -> None:
    """Older servers show what is public of 50 ids: here the newest 400 ids are private but for a few."""
    newest = 1000
    ids = [*range(newest, newest - size, -1), *range(500, 480, -1)]

    async def show(request: aio.Request) -> aio.Response:
        before = int(request.query.get("before", newest))
        shown = [n for n in ids if before - 50 < n <= before]
        return aio.json_response({"latest_posts": [POST | {"id": n} for n in shown]})

    web["/posts.json"] = show
    settings = DiscourseSettings.model_validate({"name": "a", "type": "discourse", "url": web.base, "backlog": "1d"})
    cursor: dict[str, Any] = {"floor": 490} if size else {"floor": 490, "top": 1000, "next": 1000}
    read = set()
    async with plain_http() as http:
        source = DiscourseSource(settings, http, FixedClock(START + timedelta(hours=1)))
        for _ in range(30):
            page = await source.fetch(cursor)
            read |= {post.external_id for post in page.posts}
            cursor = page.cursor
            if not page.more:
                break
    assert not page.more
    assert {"495", "500"} <= read
    assert cursor == {"floor": 1000}
