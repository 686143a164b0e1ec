"""What is special about Stack Exchange: three kinds and searches, its pauses, quota and errors."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp import web as aio

from sources.base import BACKOFF_LONG, BACKOFF_SHORT, Cursor, Gap, Page, PostKind, SourceError
from sources.registry import build
from sources.stackexchange import StackExchangeSettings
from tests.fakes import START, PlainHttp, plain_http, source_tools
from tests.servers import Web
from tests.sources.benches.stackexchange import error

NOW = int(START.timestamp())
KEYS = {"name": "mine", "type": "stackexchange", "sites": ["superuser"]}
QUESTION = {
    "question_id": 10,
    "creation_date": NOW - 60,
    "title": "Acme &amp; C&#43;&#43;",
    "body": "<p>Why?</p>",
    "link": "https://superuser.com/questions/10/acme",
    "owner": {"display_name": "J&#246;rg"},
    "score": -1,
    "answer_count": 3,
}
ANSWER = {"answer_id": 11, "question_id": 10, "creation_date": NOW - 50, "body": "<p>So.</p>", "title": "Acme"}
COMMENT = {"comment_id": 5, "post_id": 11, "creation_date": NOW - 40, "body": "Thanks &lt;3", "score": 1}


def answer(*items: Any, **more: Any) -> tuple[int, dict[str, str], bytes]:
    said = {"items": list(items), "has_more": False, "quota_max": 300, "quota_remaining": 299} | more
    return 200, {}, json.dumps(said).encode()


async def fetch(http: PlainHttp, part: str, cursor: Cursor | None = None, **settings: Any) -> Page:
    config = StackExchangeSettings.model_validate(KEYS | settings)
    source: Any = build(config, source_tools(http))[part]
    page: Page = await source.fetch(cursor or {})
    return page


async def test_the_fields_of_each_kind(web: Web) -> None:
    for kind, item in (("questions", QUESTION), ("answers", ANSWER), ("comments", COMMENT)):
        web[f"/2.3/{kind}"] = answer(item)
    async with plain_http() as http:
        pages = [
            await fetch(http, f"superuser/{kind}", base_url=web.base) for kind in ("questions", "answers", "comments")
        ]
    question, reply, comment = (page.posts[0] for page in pages)
    assert (question.external_id, question.title, question.text) == ("superuser/10", "Acme & C++", "Why?")
    assert (question.author, question.engagement, question.kind) == ("Jörg", 2, PostKind.POST)
    assert (question.url, question.thread) == ("https://superuser.com/questions/10/acme", "superuser/10")
    assert (reply.external_id, reply.title, reply.kind) == ("superuser/11", "", PostKind.COMMENT)
    assert (reply.parent, reply.thread) == ("superuser/10", "superuser/10")
    assert (comment.external_id, comment.parent, comment.text) == ("superuser/c5", "superuser/11", "Thanks <3")
    assert comment.url == "https://superuser.com/q/11#comment5_11"
    assert pages[0].left == "299 of 300 requests today"


async def test_a_search_shows_excerpts_under_the_same_ids(web: Web) -> None:
    found = QUESTION | {"item_type": "question", "excerpt": "the <span class='highlight'>Acme</span> box", "link": None}
    web["/2.3/search/excerpts"] = answer({key: value for key, value in found.items() if key != "body"})
    keys: dict[str, Any] = {"sites": ["superuser", "bicycles", "mathoverflow.net"], "search": ("acme",)}
    config = StackExchangeSettings.model_validate(KEYS | keys)
    async with plain_http() as http:
        assert list(build(config, source_tools(http))) == ["superuser/acme", "bicycles/acme", "mathoverflow.net/acme"]
        (post,) = (await fetch(http, "bicycles/acme", base_url=web.base, **keys)).posts
    assert (post.external_id, post.text) == ("bicycles/10", "the Acme box")
    assert post.url == "https://bicycles.stackexchange.com/q/10"
    assert "q=acme" in web.requests[-1].path


async def test_the_key_is_sent_and_never_shown(web: Web) -> None:
    web["/2.3/questions"] = error(400, "bad_parameter", "`key` doesn't match a known application")
    async with plain_http() as http:
        with pytest.raises(SourceError) as caught:
            await fetch(http, "superuser/questions", base_url=web.base, key="s3cret")
    assert "key=s3cret" in web.requests[-1].path
    assert "s3cret" not in str(caught.value)
    assert caught.value.permanent


async def test_backoff_is_obeyed_for_the_whole_host(web: Web) -> None:
    web["/2.3/questions"] = answer(QUESTION, backoff=10)
    async with plain_http() as http:
        await fetch(http, "superuser/questions", base_url=web.base)
        assert http.paused == [(web.url("/2.3/questions"), 10)]


@pytest.mark.parametrize(
    ("said", "retry_after", "limit"),
    [
        (error(502, "throttle_violation", "x, more requests available in 51234 seconds"), 51234, BACKOFF_SHORT),
        (error(502, "throttle_violation", "violation of backoff parameter"), 300, BACKOFF_SHORT),
        (error(503, "temporarily_unavailable", "x"), None, BACKOFF_SHORT),
        (error(400, "bad_parameter", "no site found for name `x`"), None, BACKOFF_LONG),
        ((400, {}, b"<html>"), None, BACKOFF_LONG),
    ],
)
async def test_errors_by_their_own_number(web: Web, said: Any, retry_after: float | None, limit: Any) -> None:
    web["/2.3/questions"] = said
    async with plain_http() as http:
        with pytest.raises(SourceError) as caught:
            await fetch(http, "superuser/questions", base_url=web.base)
    assert (caught.value.retry_after, caught.value.backoff_limit) == (retry_after, limit)
    assert not caught.value.permanent


@pytest.mark.parametrize(("count", "gaps"), [(350, 0), (2700, 1)])
async def test_more_of_one_second_than_an_answer_holds(web: Web, count: int, gaps: int) -> None:
    items = [QUESTION | {"question_id": n, "creation_date": NOW - 60} for n in range(1, count + 1)]
    items.append(QUESTION | {"question_id": count + 1, "creation_date": NOW - 59})

    async def show(request: aio.Request) -> aio.Response:
        start, page = int(request.query["fromdate"]), int(request.query["page"])
        found = [item for item in items if int(str(item["creation_date"])) >= start]
        shown = found[100 * (page - 1) : 100 * page]
        return aio.json_response({"items": shown, "has_more": len(found) > 100 * page})

    web["/2.3/questions"] = show
    seen: set[str] = set()
    lost: list[Gap] = []
    cursor: Cursor = {}
    async with plain_http() as http:
        while True:
            page = await fetch(http, "superuser/questions", cursor, base_url=web.base)
            seen |= {post.external_id for post in page.posts}
            lost += page.gaps
            cursor = page.cursor
            if not page.more:
                break
    assert len(lost) == gaps
    assert len(seen) == (count + 1 if not gaps else 2501)
    assert cursor == {"floor": NOW - 59}


async def test_what_is_no_item(web: Web) -> None:
    web["/2.3/questions"] = answer(QUESTION, {"creation_date": NOW}, QUESTION | {"creation_date": None})
    async with plain_http() as http:
        page = await fetch(http, "superuser/questions", base_url=web.base)
        assert page.notices == ("2 items could not be read and were left out",)
        web["/2.3/questions"] = answer(has_more=True)
        with pytest.raises(SourceError, match="`has_more` without `items`"):
            await fetch(http, "superuser/questions", base_url=web.base)
