"""The App Store's feed, with its traps, and App Store Connect."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web as aio
from pydantic import TypeAdapter, ValidationError

from sources.base import BACKOFF_SHORT, PostKind, SourceError
from sources.registry import SourceConfig, build, fingerprint
from tests.fakes import START, plain_http, source_tools
from tests.servers import Web
from tests.sources.benches import appstore, appstore_connect
from tests.sources.benches.bench import items
from tests.sources.test_contract import Reader, show, texts

CONFIG: TypeAdapter[SourceConfig] = TypeAdapter(SourceConfig)
FEED = {"name": "a", "type": "appstore", "app": "7", "countries": ("de", "at")}
OWN = {"name": "a", "type": "appstore", "app": "7", "key": "k", "key_id": "i", "issuer": "u"}
PATH = "/de/rss/customerreviews/*"


@pytest.fixture
async def reader(web: Web, tmp_path: Path) -> AsyncIterator[Reader]:
    async with plain_http() as http:
        yield Reader(appstore.make(web, tmp_path), http)


@pytest.fixture
async def own(web: Web, tmp_path: Path) -> AsyncIterator[Reader]:
    async with plain_http() as http:
        yield Reader(appstore_connect.make(web, tmp_path), http)


def shows(web: Web, *entries: dict[str, Any]) -> None:
    """These entries on the first page, and nothing after it."""

    async def answer(request: aio.Request) -> aio.Response:
        return aio.json_response(appstore.feed(list(entries) if "page=1/" in request.path else []))

    web[PATH] = answer


async def test_what_a_review_becomes(reader: Reader) -> None:
    show(reader.bench, *items(1, 1))
    post = (await reader.read())[0]
    assert (post.external_id, post.title, post.text, post.author) == ("2000001", "A title", "text 1", "kim")
    assert (post.rating, post.engagement, post.answered, post.kind) == (2.0, 3, None, PostKind.REVIEW)
    assert post.url == "https://itunes.apple.com/de/review?id=7&type=Purple"
    assert json.loads(post.raw)["im:version"] == {"label": "8.2.1"}
    assert reader.pages[0].notices == ()


async def test_one_review_alone_is_an_object(reader: Reader, web: Web) -> None:
    shows(web, appstore.entry(items(1, 1)[0]))
    assert texts(await reader.read()) == {"text 1"}


async def test_the_app_alone_is_no_review_and_no_fault(reader: Reader, web: Web) -> None:
    shows(web, appstore.APP)
    assert await reader.read() == []


async def test_a_review_without_a_date_or_an_id_is_left_out_with_a_notice(reader: Reader, web: Web) -> None:
    good, undated, nameless = (appstore.entry(item) for item in items(1, 3))
    shows(web, good, undated | {"updated": {"label": "?"}}, nameless | {"id": 7})
    assert texts(await reader.read()) == {"text 1"}
    assert reader.pages[0].notices == ("2 reviews could not be read and were left out",)
    shows(web, undated | {"updated": None})
    with pytest.raises(SourceError, match="changed its shape"):
        await reader.read()


@pytest.mark.parametrize("stars", ["0", "6", "x", None])
async def test_what_is_no_rating_is_none(reader: Reader, web: Web, stars: str | None) -> None:
    shows(web, appstore.entry(items(1, 1)[0], **{"im:rating": {"label": stars}, "link": "javascript:x"}))
    post = (await reader.read())[0]
    assert (post.rating, post.url) == (None, None)


async def test_a_feed_that_drops_out_loses_nothing_and_says_so(reader: Reader) -> None:
    show(reader.bench, *items(1, 3))
    await reader.read()
    kept, reader.bench.items = reader.bench.items, []
    before = reader.cursor
    with pytest.raises(SourceError, match="the de store shows no reviews, but it did before") as caught:
        await reader.read()
    assert (caught.value.backoff_limit, reader.cursor) == (BACKOFF_SHORT, before)
    reader.bench.items = [*kept, *items(4, 4)]
    assert texts(await reader.read()) >= {"text 4"}


async def test_a_feed_that_ends_early_does_not_move_the_floor(reader: Reader, web: Web) -> None:
    show(reader.bench, *items(1, 3))
    await reader.read()
    before = reader.cursor
    reader.clock.advance(timedelta(hours=3))
    new = items(4, 123, newest=START + timedelta(hours=2))
    shows(web, *(appstore.entry(item) for item in reversed(new[-50:])))
    assert len(texts(await reader.read())) == 50
    assert reader.cursor == before
    appstore_again = appstore.make(web, Path())
    appstore_again.items = [*reader.bench.items, *new]
    assert texts(await reader.read()) >= {item.text for item in new}


async def test_500_new_reviews_are_read_whole_though_killed_after_each_page(reader: Reader) -> None:
    show(reader.bench, *items(1, 60, newest=START - timedelta(days=5)))
    await reader.read()
    reader.clock.advance(timedelta(hours=3))
    show(reader.bench, *items(61, 500, newest=START + timedelta(hours=2)))
    assert texts(await reader.read()) >= {f"text {n}" for n in range(61, 501)}
    assert not reader.gaps


async def test_more_than_the_feed_shows_is_a_gap(reader: Reader) -> None:
    show(reader.bench, *items(1, 3))
    await reader.read()
    reader.clock.advance(timedelta(hours=3))
    show(reader.bench, *items(4, 520, newest=START + timedelta(hours=2)))
    await reader.read()
    assert reader.gaps == ["the de store shows only the newest 500 reviews: older ones were missed"]
    await reader.read()
    assert len(reader.gaps) == 1


async def test_reviews_that_slide_up_between_two_pages_are_found(reader: Reader) -> None:
    show(reader.bench, *items(1, 3, newest=START - timedelta(days=5)))
    await reader.read()
    reader.clock.advance(timedelta(hours=3))
    new = items(4, 203, newest=START + timedelta(hours=2))
    show(reader.bench, *new)
    page = await reader.fetch()
    reader.cursor = json.dumps(page.cursor)
    del reader.bench.items[-50:]  # those just read are withdrawn
    assert texts([*page.posts, *await reader.read()]) >= {item.text for item in new}


async def test_a_country_is_a_part_and_an_own_app_is_one() -> None:
    async with plain_http() as http:
        assert list(build(CONFIG.validate_python(FEED), source_tools(http))) == ["de", "at"]
        assert list(build(CONFIG.validate_python(OWN), source_tools(http))) == [""]
    feed, other = CONFIG.validate_python(FEED), CONFIG.validate_python(FEED | {"app": "8"})
    assert len({fingerprint(feed, "de"), fingerprint(feed, "at"), fingerprint(other, "de")}) == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"countries": ()},
        {"countries": ("DE",)},
        {"countries": ("de", "de")},
        {"app": "id7"},
        {"key": "k"},
        {"key": "k", "countries": (), "key_id": "i"},
        {"key": "k", "key_id": "i", "issuer": "u"},
    ],
)
def test_mistakes_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CONFIG.validate_python(FEED | changes)


async def test_what_a_review_of_ones_own_app_becomes(own: Reader, web: Web) -> None:
    first, second = items(1, 2)
    answered = appstore_connect.review(second, response={"type": "customerReviewResponses", "id": "r"})

    async def answer(request: aio.Request) -> aio.Response:
        return aio.json_response({"data": [answered, appstore_connect.review(first)], "links": {"next": "http://[x"}})

    web["/v1/apps/7/customerReviews"] = answer
    open_post, post = await own.read()
    assert (post.external_id, post.title, post.text, post.author) == ("00000028-b08c-2", "A title", "text 2", "kim")
    assert (post.rating, post.answered, open_post.answered, post.url) == (2.0, True, False, None)
    assert json.loads(post.raw)["territory"] == "DEU"


async def test_a_cursor_that_has_run_out_starts_from_the_newest(own: Reader, web: Web) -> None:
    show(own.bench, *items(1, 500))
    page = await own.fetch()
    own.cursor = json.dumps(page.cursor | {"page": "gone"})
    served = web._routes["/v1/apps/7/customerReviews"]
    asked: list[str | None] = []

    async def answer(request: aio.Request) -> aio.StreamResponse:
        asked.append(request.query.get("cursor"))
        if asked[-1] == "gone":
            status, headers, body = appstore_connect.refusal(400, "PARAMETER_ERROR.INVALID", "'gone' is no cursor")
            return aio.Response(status=status, headers=headers, body=body)
        return await served(request)

    web["/v1/apps/7/customerReviews"] = answer
    assert texts(await own.read()) == {f"text {n}" for n in range(1, 501)}
    assert asked == ["gone", None, "200", "400"]


async def test_a_key_that_is_none_switches_the_source_off(own: Reader) -> None:
    own.bench.keys["key"] = "-----BEGIN PRIVATE KEY-----\ngeheim\n-----END PRIVATE KEY-----"
    with pytest.raises(SourceError, match="the private key cannot be used for ES256") as caught:
        await own.fetch()
    assert caught.value.permanent
    assert "geheim" not in str(caught.value)


async def test_what_apple_refuses_is_said_in_its_words(own: Reader, web: Web) -> None:
    status, headers, body = own.bench.refusal(403)
    web["/v1/apps/7/customerReviews"] = (status, headers, body)
    with pytest.raises(SourceError, match="This API key may not read reviews"):
        await own.fetch()
