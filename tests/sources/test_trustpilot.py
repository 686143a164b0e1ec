"""Trustpilot: what a review becomes, and pages whose numbers shift."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web as aio

from sources.base import PostKind, SourceError
from tests.fakes import START, plain_http
from tests.servers import Web
from tests.sources.benches import trustpilot
from tests.sources.benches.bench import items
from tests.sources.test_contract import Reader, show, texts

PATH = f"/v1/business-units/{trustpilot.UNIT}/reviews"


@pytest.fixture
async def reader(web: Web, tmp_path: Path) -> AsyncIterator[Reader]:
    async with plain_http() as http:
        yield Reader(trustpilot.make(web, tmp_path), http)


def shows(web: Web, *reviews: dict[str, Any]) -> None:
    async def answer(request: aio.Request) -> aio.Response:
        return aio.json_response({"reviews": reviews if request.query["page"] == "1" else []})

    web[PATH] = answer


async def test_what_a_review_becomes(reader: Reader, web: Web) -> None:
    (item,) = items(1, 1)
    reply = {"text": "Sorry!", "createdAt": item.at.isoformat()}
    shows(web, trustpilot.review(item, companyReply=reply, createdAt="2026-11-21T11:30:00"))
    post = (await reader.read())[0]
    assert (post.title, post.text, post.author, post.lang) == ("A title", "text 1", "Kim", "de")
    assert (post.rating, post.engagement, post.answered, post.kind) == (2.0, 4, True, PostKind.REVIEW)
    assert post.url == f"https://www.trustpilot.com/reviews/{post.external_id}"
    assert post.published_at == START - timedelta(minutes=30)


async def test_an_answer_that_comes_later_is_seen(reader: Reader, web: Web) -> None:
    (item,) = items(1, 1)
    shows(web, trustpilot.review(item))
    assert not (await reader.read())[0].answered
    shows(web, trustpilot.review(item, companyReply={"text": "Sorry!"}))
    assert (await reader.read())[0].answered


async def test_reviews_that_slide_up_between_two_pages_are_found(reader: Reader) -> None:
    show(reader.bench, *items(1, 3, newest=START - timedelta(days=5)))
    await reader.read()
    reader.clock.advance(timedelta(hours=3))
    new = items(4, 403, newest=START + timedelta(hours=2))
    show(reader.bench, *new)
    page = await reader.fetch()
    reader.cursor = json.dumps(page.cursor)
    del reader.bench.items[-100:]  # those just read are withdrawn
    assert texts([*page.posts, *await reader.read()]) >= {item.text for item in new}
    assert not reader.gaps


async def test_new_reviews_between_two_pages_wait_for_the_next_pass(reader: Reader) -> None:
    show(reader.bench, *items(1, 250, newest=START - timedelta(hours=1)))
    page = await reader.fetch()
    reader.cursor = json.dumps(page.cursor)
    reader.clock.advance(timedelta(hours=1))
    show(reader.bench, *items(251, 500, newest=START))
    assert texts([*page.posts, *await reader.read()]) >= {f"text {n}" for n in range(1, 251)}
    assert texts(await reader.read()) >= {f"text {n}" for n in range(251, 501)}


async def test_one_review_of_another_shape_is_left_out(reader: Reader, web: Web) -> None:
    good, bad = (trustpilot.review(item) for item in items(1, 2))
    shows(web, good, bad | {"createdAt": 7})
    assert texts(await reader.read()) == {"text 1"}
    assert reader.pages[0].notices == ("1 reviews could not be read and were left out",)


async def test_a_page_hint_of_another_kind_is_no_trouble(reader: Reader) -> None:
    show(reader.bench, *items(1, 3))
    reader.cursor = json.dumps({"since": 0, "top": 1, "next": 1, "page": "x"})
    assert texts(await reader.read()) == {"text 1", "text 2", "text 3"}


async def test_the_key_is_sent_in_a_header_only_and_never_shown(reader: Reader, web: Web) -> None:
    web[PATH] = reader.bench.refusal(401)
    with pytest.raises(SourceError, match="Invalid ApiKey") as caught:
        await reader.fetch()
    assert "the-key" not in str(caught.value)
    assert all("the-key" not in request.path for request in web.requests)
