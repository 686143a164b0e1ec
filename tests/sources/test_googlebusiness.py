"""Reviews of places on Google: fields, edits, refusals in Google's form, places as parts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web as aio
from pydantic import TypeAdapter

from sources.base import BACKOFF_LONG, BACKOFF_SHORT, PostKind, SourceError
from sources.registry import SourceConfig, build
from tests.fakes import START, plain_http, source_tools
from tests.servers import Web
from tests.sources.benches import googlebusiness
from tests.sources.benches.bench import items, json_answer
from tests.sources.test_contract import Reader, show, texts

CONFIG: TypeAdapter[SourceConfig] = TypeAdapter(SourceConfig)
PATH = "/v4/accounts/1/locations/22/reviews"
NO_QUOTA = {"reason": "RATE_LIMIT_EXCEEDED", "metadata": {"quota_limit_value": "0"}}


@pytest.fixture
async def reader(web: Web, tmp_path: Path) -> AsyncIterator[Reader]:
    async with plain_http() as http:
        yield Reader(googlebusiness.make(web, tmp_path), http)


def shows(web: Web, *reviews: dict[str, Any]) -> None:
    web[PATH] = json_answer({"reviews": reviews})


async def test_what_a_review_becomes(reader: Reader, web: Web) -> None:
    item = items(1, 1)[0]
    shows(web, googlebusiness.review(item, stars=4, reviewReply={"comment": "Sorry!"}))
    (post,) = await reader.read()
    assert (post.external_id, post.text, post.author, post.thread) == ("AbFvOq1", "text 1", "Kim", "22")
    assert (post.rating, post.answered, post.kind, post.url) == (4.0, True, PostKind.REVIEW, None)
    assert post.published_at == item.at


async def test_a_rating_alone_is_a_review_without_text(reader: Reader, web: Web) -> None:
    review = googlebusiness.review(items(1, 1)[0], starRating="STAR_RATING_UNSPECIFIED", reviewer={"isAnonymous": True})
    del review["comment"], review["reviewId"]
    shows(web, review)
    (post,) = await reader.read()
    assert (post.external_id, post.text, post.author, post.rating, post.answered) == ("AbFvOq1", "", None, None, False)


@pytest.mark.parametrize(
    "comment",
    [
        "Nie wieder!",
        "(Translated by Google) Never again!\n\n(Original)\nNie wieder!",
        "Nie wieder!\n\n(Translated by Google)\nNever again!",
    ],
)
async def test_only_what_the_customer_wrote_is_read(reader: Reader, web: Web, comment: str) -> None:
    shows(web, googlebusiness.review(items(1, 1)[0], comment=comment))
    assert texts(await reader.read()) == {"Nie wieder!"}


async def test_an_edit_of_an_old_review_is_found_by_its_update_time(reader: Reader) -> None:
    show(reader.bench, *items(1, 200, newest=START - timedelta(days=30)))
    reader.bench.keys["backlog"] = "60d"
    await reader.read()
    reader.clock.advance(timedelta(hours=2))
    edited = reader.bench.items.pop(0)
    edited.text, edited.at = "edited", START + timedelta(hours=1)
    edited_number, edited.number = edited.number, 1000
    show(reader.bench, edited)
    assert "edited" in texts(await reader.read())
    assert edited_number == 1


async def test_a_quota_that_is_none_is_explained_and_waited_for(reader: Reader, web: Web) -> None:
    status, headers, body = googlebusiness.refusal(429, "RESOURCE_EXHAUSTED", "Quota exceeded", NO_QUOTA)
    web[PATH] = (status, headers, body)
    with pytest.raises(SourceError, match=r"Quota exceeded \(a project may ask nothing, its quota is 0") as caught:
        await reader.fetch()
    assert (caught.value.retry_after, caught.value.backoff_limit) == (3600, BACKOFF_LONG)
    assert (reader.bench.keys["base_url"] + PATH, 3600) in [(url.split("?")[0], s) for url, s in reader.http.paused]


async def test_a_403_is_explained_too(reader: Reader, web: Web) -> None:
    web[PATH] = reader.bench.refusal(403)
    with pytest.raises(SourceError, match=r"does not have permission .*approved its access form") as caught:
        await reader.fetch()
    assert (caught.value.retry_after, caught.value.permanent) == (None, False)


async def test_a_quota_used_up_passes(reader: Reader, web: Web) -> None:
    web[PATH] = json_answer({"error": {"message": "Slow", "errors": [{"reason": "rateLimitExceeded"}]}}, 403)
    with pytest.raises(SourceError, match=r"Slow$") as caught:
        await reader.fetch()
    assert (caught.value.retry_after, caught.value.backoff_limit) == (3600, BACKOFF_SHORT)


async def test_a_refresh_token_that_was_revoked_switches_the_source_off(reader: Reader, web: Web) -> None:
    said = {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
    web["/token"] = json_answer(said, 400)
    with pytest.raises(SourceError, match="invalid_grant: Token has been expired or revoked") as caught:
        await reader.fetch()
    assert caught.value.permanent


async def test_a_page_token_that_has_run_out_starts_from_the_newest(reader: Reader, web: Web) -> None:
    show(reader.bench, *items(1, 120))
    page = await reader.fetch()
    reader.cursor = json.dumps(page.cursor | {"page": "old"})
    served = web._routes[PATH]

    async def answer(request: aio.Request) -> aio.StreamResponse:
        if request.query.get("pageToken") == "old":
            status, headers, body = googlebusiness.refusal(
                400, "INVALID_ARGUMENT", "Request contains an invalid argument."
            )
            return aio.Response(status=status, headers=headers, body=body)
        return await served(request)

    web[PATH] = answer
    assert texts(await reader.read()) == {f"text {n}" for n in range(1, 121)}


async def test_a_token_that_leads_nowhere_ends_the_pass(reader: Reader, web: Web) -> None:
    review = googlebusiness.review(items(1, 1)[0])
    web[PATH] = json_answer({"reviews": [review], "nextPageToken": "again"})
    assert texts(await reader.read()) == {"text 1"}


async def test_places_are_parts_and_share_one_token(reader: Reader, web: Web) -> None:
    reader.bench.keys["locations"] = ("22", "33")
    config = CONFIG.validate_python({"name": "mine"} | reader.bench.keys)
    parts = build(config, source_tools(reader.http))
    web["/v4/accounts/1/locations/33/reviews"] = json_answer({})
    assert list(parts) == ["22", "33"]
    assert [await part.probe() for part in parts.values()] == ["answers, but shows no review"] * 2
    assert [request.path for request in web.requests].count("/token") == 1
