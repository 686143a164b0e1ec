"""Lemmy: fields, parts, deletions, the cursor of posts, searches, and its own way to say no."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sources.base import BACKOFF_LONG, Cursor, Page, PostKind, SourceError
from sources.lemmy import LemmySettings, LemmySource, listings
from sources.registry import fingerprint
from tests.fakes import START, FixedClock, PlainHttp, plain_http
from tests.servers import Web
from tests.sources.benches import lemmy
from tests.sources.benches.bench import Item, items, json_answer


@pytest.fixture
async def http() -> AsyncIterator[PlainHttp]:
    async with plain_http() as opened:
        yield opened


def settings(web: Web, **keys: Any) -> LemmySettings:
    return LemmySettings.model_validate({"name": "l", "type": "lemmy", "url": lemmy.HOME, "base_url": web.base} | keys)


def source(web: Web, http: PlainHttp, *, clock: FixedClock | None = None, **keys: Any) -> LemmySource:
    config = settings(web, **keys)
    (listing,) = listings(config)
    return LemmySource(config, listing, http, clock or FixedClock())


async def read(made: LemmySource, cursor: Cursor) -> list[Page]:
    pages = [await made.fetch(cursor)]
    while pages[-1].more:
        pages.append(await made.fetch(json.loads(json.dumps(pages[-1].cursor))))
    return pages


def show(web: Web, path: str, **answer: Any) -> None:
    web[f"/api/v3/{path}"] = json_answer(answer)


def test_parts(web: Web) -> None:
    def parts(**keys: Any) -> list[str]:
        return [listing.part for listing in listings(settings(web, **keys))]

    assert parts() == ["posts", "comments"]
    assert parts(read=("comments",), communities=("technik", "handys@feddit.org")) == [
        "comments of technik",
        "comments of handys@feddit.org",
    ]
    assert parts(search=("acme phone",)) == ["posts acme phone", "comments acme phone"]
    config = settings(web)
    assert fingerprint(config, "posts") != fingerprint(config, "comments")


async def test_a_post(web: Web, http: PlainHttp) -> None:
    show(web, "post/list", posts=[lemmy.post(items(1, 1)[0])])
    (post,) = (await source(web, http, read=("posts",)).fetch({})).posts
    assert (post.external_id, post.url, post.thread) == (f"{lemmy.HOME}/post/1",) * 3
    assert (post.title, post.text) == ("title 1", "text 1\n\nhttps://x.test/a")
    assert (post.author, post.kind, post.engagement) == ("kim@other.test", PostKind.POST, 7)
    assert (post.published_at, post.parent) == (START - timedelta(minutes=1), None)
    assert web.requests[0].path == "/api/v3/post/list?sort=New&limit=50&type_=All&page=1"


async def test_comments_and_what_they_answer(web: Web, http: PlainHttp) -> None:
    views = [lemmy.comment(item) for item in items(11, 13)]
    views[1]["comment"]["path"] = "0.11.12"
    views[2]["comment"]["path"] = "0.10.13"
    show(web, "comment/list", comments=views[::-1])
    first, second, third = (await source(web, http, read=("comments",)).fetch({})).posts
    assert (first.parent, first.thread, first.kind) == (
        f"{lemmy.HOME}/post/9",
        f"{lemmy.HOME}/post/9",
        PostKind.COMMENT,
    )
    assert (second.parent, third.parent) == (f"{lemmy.HOME}/comment/11", None)
    assert first.engagement == 8


@pytest.mark.parametrize(
    "change", [{"deleted": True, "content": ""}, {"removed": True}, {"content": "*Permanently Deleted*"}]
)
async def test_deletions_are_passed_on(web: Web, http: PlainHttp, change: dict[str, Any]) -> None:
    one, two = (lemmy.comment(item) for item in items(1, 2))
    two["comment"] |= change
    show(web, "comment/list", comments=[two, one])
    page = await source(web, http, read=("comments",)).fetch({})
    assert page.deleted == (f"{lemmy.HOME}/comment/2",)
    assert [post.text for post in page.posts] == ["text 1"]


async def test_bad_views_are_left_out(web: Web, http: PlainHttp) -> None:
    show(web, "comment/list", comments=[lemmy.comment(items(1, 1)[0]), {"comment": {"ap_id": 7}}, {"comment": []}])
    page = await source(web, http, read=("comments",)).fetch({})
    assert (len(page.posts), page.notices) == (1, ("2 comments could not be read and were left out",))


async def test_posts_are_read_by_their_cursor_and_pinned_ones_end_nothing(
    web: Web, tmp_path: Path, http: PlainHttp
) -> None:
    bench = lemmy.make(web, tmp_path)
    bench.items += items(1, 120)
    bench.items[0].number = 1000  # a month old and pinned on top
    bench.items[0].at = START - timedelta(days=30)
    pages = await read(source(web, http, read=("posts",)), {})
    titles = {post.title for page in pages for post in page.posts}
    assert titles == {f"title {n}" for n in (*range(2, 121), 1000)}
    assert "page_cursor=P" in web.requests[1].path
    assert not any(page.gaps for page in pages)


async def test_a_cursor_whose_post_is_gone_begins_the_pass_again(web: Web, tmp_path: Path, http: PlainHttp) -> None:
    bench = lemmy.make(web, tmp_path)
    bench.items += items(1, 120)
    made = source(web, http, read=("posts",))
    first = await made.fetch({})
    del bench.items[120 - 50]  # the last of the page
    pages = await read(made, first.cursor)
    titles = {post.title for page in (first, *pages) for post in page.posts}
    assert titles == {f"title {n}" for n in range(1, 121)}


async def test_comments_are_not_lost_when_pages_shift(web: Web, tmp_path: Path, http: PlainHttp) -> None:
    bench, clock = lemmy.make(web, tmp_path), FixedClock()
    bench.items += [Item(n, START - timedelta(hours=3, minutes=300 - n), f"text {n}") for n in range(1, 201)]
    made = source(web, http, clock=clock, read=("comments",))
    first = await made.fetch({})
    clock.advance(timedelta(hours=1))
    del bench.items[-30:]
    texts = {post.text for page in (first, *await read(made, first.cursor)) for post in page.posts}
    assert texts >= {f"text {n}" for n in range(1, 171)}


async def test_a_search(web: Web, http: PlainHttp) -> None:
    show(web, "search", type_="Comments", posts=[], comments=[lemmy.comment(items(1, 1)[0])])
    made = source(web, http, read=("comments",), search=("acme phone",), listing="Local")
    assert len((await made.fetch({})).posts) == 1
    assert web.requests[0].path == (
        "/api/v3/search?sort=New&limit=50&q=acme+phone&type_=Comments&listing_type=Local&page=1"
    )


@pytest.mark.parametrize(("keys", "seconds"), [({}, 60), ({"search": ("acme",)}, 600)])
async def test_its_rate_limit_has_a_form_of_its_own(
    web: Web, http: PlainHttp, keys: dict[str, Any], seconds: int
) -> None:
    for path in ("/api/v3/post/list", "/api/v3/search"):
        web[path] = json_answer({"error": "rate_limit_error"}, 400)
    with pytest.raises(SourceError, match="slow down") as caught:
        await source(web, http, read=("posts",), **keys).fetch({})
    assert caught.value.retry_after == seconds
    assert [pause for _, pause in http.paused] == [seconds]


async def test_a_community_that_does_not_exist(web: Web, http: PlainHttp) -> None:
    web["/api/v3/post/list"] = json_answer({"error": "couldnt_find_community"}, 404)
    with pytest.raises(SourceError, match="couldnt_find_community") as caught:
        await source(web, http, read=("posts",), communities=("nix",)).fetch({})
    assert caught.value.backoff_limit == BACKOFF_LONG
