"""Reviews on Google Play: fields, the week that Google shows, the key of the service account."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from sources.base import PostKind, SourceError
from sources.registry import SourceConfig
from tests.fakes import START, plain_http
from tests.servers import Web
from tests.sources.benches import playstore
from tests.sources.benches.bench import items, json_answer
from tests.sources.test_contract import Reader, show, texts

CONFIG: TypeAdapter[SourceConfig] = TypeAdapter(SourceConfig)
PATH = "/androidpublisher/v3/applications/com.acme.app/reviews"


@pytest.fixture
async def reader(web: Web, tmp_path: Path) -> AsyncIterator[Reader]:
    async with plain_http() as http:
        yield Reader(playstore.make(web, tmp_path), http)


def shows(web: Web, *reviews: dict[str, Any]) -> None:
    web[PATH] = json_answer({"reviews": reviews})


async def test_what_a_review_becomes(reader: Reader, web: Web) -> None:
    item = items(1, 1)[0]
    shows(web, playstore.review(item, {"developerComment": {"text": "Sorry!"}}))
    (post,) = await reader.read()
    assert (post.external_id, post.title, post.text, post.author) == ("gp-1", "A title", "text 1", "Kim")
    assert (post.rating, post.engagement, post.answered, post.lang) == (2.0, 13, True, "de")
    assert (post.kind, post.published_at) == (PostKind.REVIEW, item.at)
    assert post.url == "https://play.google.com/store/apps/details?id=com.acme.app&reviewId=gp-1"
    assert "1.2.3" in post.raw


async def test_a_text_without_a_title(reader: Reader, web: Web) -> None:
    shows(web, playstore.review(items(1, 1)[0], text="only text"))
    (post,) = await reader.read()
    assert (post.title, post.text, post.answered) == ("", "only text", False)


async def test_an_edit_comes_first_again_under_its_id(reader: Reader, web: Web) -> None:
    first, second = items(1, 2)
    shows(web, playstore.review(second), playstore.review(first))
    await reader.read()
    reader.clock.advance(timedelta(hours=1))
    first.at = START + timedelta(minutes=5)
    shows(web, playstore.review(first, text="edited"), playstore.review(second))
    assert {"edited": "gp-1"}.items() <= {post.text: post.external_id for post in await reader.read()}.items()


@pytest.mark.parametrize(("days", "gaps"), [(6, 0), (8, 1)])
async def test_who_was_away_for_more_than_a_week_has_a_gap(reader: Reader, days: int, gaps: int) -> None:
    show(reader.bench, *items(1, 250))
    await reader.read()
    reader.clock.advance(timedelta(days=days))
    show(reader.bench, *items(251, 600, newest=START + timedelta(days=days - 1)))
    await reader.read()
    assert len(reader.gaps) == gaps
    assert all("not read since 2026-11-21 12:00 UTC" in gap for gap in reader.gaps)
    await reader.read()
    assert len(reader.gaps) == gaps


async def test_a_quiet_app_has_no_gap(reader: Reader) -> None:
    show(reader.bench, *items(1, 1))
    await reader.read()
    for _ in range(5):
        reader.clock.advance(timedelta(days=3))
        reader.bench.items.clear()
        await reader.read()
    assert not reader.gaps


async def test_one_review_of_another_shape_is_left_out(reader: Reader, web: Web) -> None:
    good, bad = (playstore.review(item) for item in items(1, 2))
    shows(web, good, bad | {"comments": [{"userComment": {"lastModified": {"seconds": "x"}}}]}, bad | {"comments": 5})
    assert texts(await reader.read()) == {"text 1"}
    assert reader.pages[0].notices == ("2 reviews could not be read and were left out",)


async def test_what_permission_is_lacking_is_said(reader: Reader, web: Web) -> None:
    web[PATH] = reader.bench.refusal(403)
    with pytest.raises(SourceError, match="permission to reply to reviews"):
        await reader.fetch()


@pytest.mark.parametrize("account", ["", "x", "[]", "{}", '{"client_email": "a@b"}', "[" * 100_000])
def test_what_is_no_service_account_is_refused_unseen(account: str) -> None:
    written = {"name": "a", "type": "playstore", "package": "com.acme.app", "service_account": account}
    with pytest.raises(ValidationError, match="the JSON key of a service account") as caught:
        CONFIG.validate_python(written)
    assert "a@b" not in str(caught.value.errors()[0]["msg"])


async def test_a_private_key_that_is_none_switches_the_source_off(reader: Reader) -> None:
    reader.bench.keys["service_account"] = json.dumps(playstore.ACCOUNT | {"private_key": "geheim"})
    with pytest.raises(SourceError, match="the private key cannot be used for RS256") as caught:
        await reader.fetch()
    assert caught.value.permanent
    assert "geheim" not in str(caught.value)
