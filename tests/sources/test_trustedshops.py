"""Trusted Shops: tokens, times to the millisecond, states of a review."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web as aio
from pydantic import TypeAdapter

from sources.base import PostKind, Source, SourceError
from sources.registry import SourceConfig, build
from sources.trustedshops import TrustedShopsSource
from tests.fakes import START, plain_http, source_tools
from tests.servers import Web
from tests.sources.benches import trustedshops
from tests.sources.benches.bench import Item, items, json_answer
from tests.sources.test_contract import Reader, show, texts

CONFIG: TypeAdapter[SourceConfig] = TypeAdapter(SourceConfig)


@pytest.fixture
async def reader(web: Web, tmp_path: Path) -> AsyncIterator[Reader]:
    async with plain_http() as http:
        yield Reader(trustedshops.make(web, tmp_path), http)


def lasting(reader: Reader) -> Source:
    """A source that is not built anew for each page."""
    config = CONFIG.validate_python({"name": "mine"} | reader.bench.keys)
    (source,) = build(config, source_tools(reader.http, clock=reader.clock)).values()
    assert isinstance(source, TrustedShopsSource)
    return source


def shows(web: Web, *reviews: dict[str, Any]) -> None:
    web["/reviews"] = json_answer({"items": reviews})


async def test_what_a_review_becomes(reader: Reader, web: Web) -> None:
    shows(web, trustedshops.review(items(1, 1)[0], reply={"comment": "Sorry!"}))
    (post,) = await reader.read()
    assert (post.external_id, post.title, post.text, post.author) == ("rev-00000001", "A title", "text 1", "Kim N.")
    assert (post.rating, post.answered, post.kind) == (2.0, True, PostKind.REVIEW)
    assert (post.lang, post.thread, post.url) == ("de", "chl-1", None)


@pytest.mark.parametrize(
    ("more", "answered"),
    [
        ({}, False),
        ({"reply": None}, False),
        ({"additionalInformation": {"veto": {"reason": "ABUSIVE"}}}, True),
        ({"reply": {"comment": "Hi"}}, True),
    ],
)
async def test_a_reply_or_a_veto_is_an_answer(reader: Reader, web: Web, more: dict[str, Any], answered: bool) -> None:
    shows(web, trustedshops.review(items(1, 1)[0], **more))
    assert (await reader.read())[0].answered is answered


async def test_what_was_rejected_is_deleted(reader: Reader, web: Web) -> None:
    first, second, third = items(1, 3)
    rejected = trustedshops.review(second, state="REJECTED")
    shows(web, trustedshops.review(first, state="MODERATION"), rejected, trustedshops.review(third, status="APPROVED"))
    page = await reader.fetch()
    assert (texts(list(page.posts)), page.deleted) == ({"text 1", "text 3"}, ("rev-00000002",))


async def test_a_server_that_shows_fewer_than_asked_for_loses_nothing(reader: Reader) -> None:
    reader.bench.page = 30
    show(reader.bench, *items(1, 95))
    assert texts(await reader.read()) == {f"text {n}" for n in range(1, 96)}
    assert not reader.gaps


async def test_many_in_one_second_are_told_apart(reader: Reader) -> None:
    start = START - timedelta(minutes=1)
    show(reader.bench, *(Item(n, start + timedelta(milliseconds=n), f"text {n}") for n in range(350)))
    assert texts(await reader.read()) == {f"text {n}" for n in range(350)}
    assert not reader.gaps


async def test_more_at_one_moment_than_an_answer_holds_is_a_gap(reader: Reader) -> None:
    moment = START - timedelta(minutes=1)
    show(reader.bench, *items(1, 5, newest=moment - timedelta(seconds=5)))
    show(reader.bench, *(Item(n, moment, f"text {n}") for n in range(6, 160)))
    assert texts(await reader.read()) >= {f"text {n}" for n in range(1, 6)}
    assert len(reader.gaps) == 1


async def test_a_token_is_kept_until_it_runs_out(reader: Reader, web: Web) -> None:
    source = lasting(reader)
    for minutes in (0, 30, 28, 2):
        reader.clock.advance(timedelta(minutes=minutes))
        await source.fetch({})
    assert [request.path.split("?")[0] for request in web.requests].count("/oauth/token") == 2
    assert all("Authorization" not in request.path for request in web.requests)


async def test_a_token_that_was_revoked_is_asked_for_anew_once(reader: Reader, web: Web) -> None:
    source = lasting(reader)
    await source.fetch({})
    served, asked = web._routes["/reviews"], 0

    async def refuse_once(request: aio.Request) -> aio.StreamResponse:
        nonlocal asked
        asked += 1
        return await served(request) if asked > 1 else aio.Response(status=401)

    web["/reviews"] = refuse_once
    await source.fetch({})
    web["/reviews"] = (401, {}, b"")
    with pytest.raises(SourceError) as caught:
        await source.fetch({})
    assert caught.value.permanent


@pytest.mark.parametrize(
    ("status", "reason", "permanent"),
    [(400, "invalid_client", True), (400, "invalid_request", False), (401, "access_denied", True), (503, "", False)],
)
async def test_refused_credentials(reader: Reader, web: Web, status: int, reason: str, permanent: bool) -> None:
    web["/oauth/token"] = json_answer({"error": reason, "error_description": "why not"}, status)
    with pytest.raises(SourceError, match="oauth/token") as caught:
        await reader.fetch()
    assert caught.value.permanent is permanent


@pytest.mark.parametrize("token", [None, "", 7, "a\nb", "ä"])
async def test_a_token_that_is_none_is_a_changed_shape(reader: Reader, web: Web, token: Any) -> None:
    web["/oauth/token"] = json_answer({"access_token": token})
    with pytest.raises(SourceError, match="no `access_token`"):
        await reader.fetch()
