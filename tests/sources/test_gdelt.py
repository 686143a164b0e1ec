"""GDELT: slices of time that are halved, JSON that is not quite that, refusals with status 200, television."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import TypeAdapter, ValidationError

from sources.base import BACKOFF_LONG, Cursor, Page, Source, SourceError, Stream
from sources.gdelt import PACE, GdeltSettings, Turns
from sources.gdelt_answers import language_code, read
from sources.registry import SourceConfig, build, fingerprint
from tests.fakes import START, FixedClock, PlainHttp, plain_http, source_tools
from tests.servers import Web
from tests.sources.benches import gdelt
from tests.sources.benches.bench import Bench, Item

CONFIG: TypeAdapter[SourceConfig] = TypeAdapter(SourceConfig)
CLIP = {
    "preview_url": "https://archive.org/details/CNN_20261121_1000#start/3296/end/3331",
    "ia_show_id": "CNN_20261121_1000",
    "date": "2026-11-21T10:55:11Z",
    "station": "CNN",
    "show": "CNN Newsroom",
    "snippet": "acme phones are on fire again",
    "preview_thumb": "https://archive.org/download/CNN_20261121_1000/t.jpg",
}


@pytest.fixture
def bench(web: Web, tmp_path: Path) -> Bench:
    return gdelt.make(web, tmp_path)


@pytest.fixture
async def http() -> AsyncIterator[PlainHttp]:
    async with plain_http() as made:
        yield made


def source(http: PlainHttp, keys: dict[str, Any], clock: FixedClock | None = None) -> Source:
    config = CONFIG.validate_python({"name": "world"} | keys)
    (made,) = build(config, source_tools(http, clock=clock)).values()
    assert not isinstance(made, Stream)
    return made


async def whole_pass(bench: Bench, http: PlainHttp, cursor: Cursor, clock: FixedClock) -> list[Page]:
    """Each page by a source built anew, as after a restart; so none of them waits for its turn."""
    pages: list[Page] = []
    while not pages or pages[-1].more:
        pages.append(await source(http, bench.keys, clock).fetch(cursor))
        cursor = pages[-1].cursor
    return pages


def asked(web: Web) -> list[dict[str, str]]:
    queries = (parse_qs(urlsplit(request.path).query) for request in web.requests)
    return [{key: values[0] for key, values in query.items()} for query in queries]


def spread(count: int, apart: timedelta, newest: datetime = START) -> list[Item]:
    return [Item(n, newest - (count - n) * apart, f"text {n}") for n in range(1, count + 1)]


async def test_full_slices_are_halved_until_nothing_is_missing(bench: Bench, http: PlainHttp, web: Web) -> None:
    bench.items = spread(1000, timedelta(seconds=80))
    pages = await whole_pass(bench, http, {}, FixedClock())
    found = {post.title for page in pages for post in page.posts}
    assert found == {item.text for item in bench.items}
    assert not any(page.gaps for page in pages)
    assert pages[-1].cursor == {"floor": int(START.timestamp())}
    assert len(web.requests) < 15
    reached = [page.reached for page in pages[:-1]]
    assert all(reached)
    assert pages[-1].reached is None


async def test_more_than_a_quarter_of_an_hour_holds_is_a_gap(bench: Bench, http: PlainHttp) -> None:
    bench.items = spread(400, timedelta(seconds=1), START - timedelta(hours=1))
    pages = await whole_pass(bench, http, {}, FixedClock())
    gaps = [gap.detail for page in pages for gap in page.gaps]
    assert len(gaps) == 1
    assert gaps[0].startswith("more articles within 15 minutes from 2026-11-21")


async def test_the_next_pass_reads_two_hours_again(bench: Bench, http: PlainHttp, web: Web) -> None:
    clock = FixedClock()
    (page,) = await whole_pass(bench, http, {}, clock)
    clock.advance(timedelta(minutes=15))
    await whole_pass(bench, http, page.cursor, clock)
    assert [query["startdatetime"] for query in asked(web)] == ["20261120100000", "20261121100000"]
    assert [query["enddatetime"] for query in asked(web)] == ["20261121120000", "20261121121500"]
    assert asked(web)[0]["query"] == "acme"


async def test_fields(bench: Bench, http: PlainHttp) -> None:
    bench.items = [Item(7, START - timedelta(minutes=45), "Acme &amp; Globex")]
    (page,) = await whole_pass(bench, http, {}, FixedClock())
    (post,) = page.posts
    assert (post.title, post.text, post.author, post.lang) == ("Acme & Globex", "", "example.com", "de")
    assert post.external_id == "https://www.example.com/news/7"
    assert post.published_at == START - timedelta(minutes=45)
    assert page.articles == {}


async def test_full_text_names_the_articles(bench: Bench, http: PlainHttp) -> None:
    bench.items = spread(1, timedelta(0))
    bench.keys["full_text"] = True
    (page,) = await whole_pass(bench, http, {}, FixedClock())
    assert page.articles == {"https://www.example.com/news/1": "https://www.example.com/news/1"}


@pytest.mark.parametrize(
    ("body", "title"),
    [
        (b'{"articles": [{"url": "https://a.test/1", "title": "tab\there"}]}', "tab here"),
        (
            rb'{"articles": [{"url": "https://a.test/1", "title": "it\'s \x 100\% \"x\" \\"}]}',
            'it\\\'s \\x 100\\% "x" \\',
        ),
        (b'{"articles": [{"url": "https://a.test/1", "title": "br\xf6ken"}]}', "br�ken"),
    ],
)
async def test_json_that_is_not_quite_that(http: PlainHttp, web: Web, body: bytes, title: str) -> None:
    web["/api/v2/doc/doc"] = (200, {}, body)
    made = source(http, {"type": "gdelt", "search": ("acme",), "base_url": web.base})
    (post,) = (await made.fetch({})).posts
    assert post.title == title


@pytest.mark.parametrize("body", [gdelt.LIMIT, b"You are making too many requests"])
async def test_a_plea_for_less_haste_with_status_200_is_obeyed(http: PlainHttp, web: Web, body: bytes) -> None:
    web["/api/v2/doc/doc"] = (200, {"Content-Type": "text/html"}, body)
    made = source(http, {"type": "gdelt", "search": ("acme",), "base_url": web.base})
    with pytest.raises(SourceError, match="slow down") as caught:
        await made.fetch({})
    assert caught.value.retry_after == 60
    assert http.paused == [(f"{web.base}/api/v2/doc/doc", 60)]


@pytest.mark.parametrize(
    "said",
    [
        "One or more of your keywords were too short, too long or too common: (bt)",
        "The specified phrase is too short.",
        "Parentheses may only be used around OR'd statements.",
    ],
)
async def test_a_refused_search_says_why(http: PlainHttp, web: Web, said: str) -> None:
    web["/api/v2/doc/doc"] = (200, {}, said.encode())
    made = source(http, {"type": "gdelt", "search": ("bt",), "base_url": web.base})
    with pytest.raises(SourceError) as caught:
        await made.fetch({})
    assert str(caught.value) == f"refuses the search: {said}"
    assert caught.value.backoff_limit == BACKOFF_LONG
    assert not caught.value.permanent


async def test_television(http: PlainHttp, web: Web) -> None:
    web["/api/v2/tv/tv"] = (200, {}, b'{"clips": [' + json.dumps(CLIP).encode() + b"]}")
    keys = {"type": "gdelt", "search": ("acme",), "television": ("CNN", "BBCNEWS"), "base_url": web.base}
    page = await source(http, keys).fetch({})
    (post,) = page.posts
    assert asked(web)[0]["query"] == "acme (station:CNN OR station:BBCNEWS)"
    assert asked(web)[0]["mode"] == "ClipGallery"
    assert asked(web)[0]["startdatetime"] == "20261117120000"  # captions are days late
    assert (post.title, post.text, post.author) == ("CNN Newsroom", "acme phones are on fire again", "CNN")
    assert post.external_id == post.url == CLIP["preview_url"]
    assert f"{post.published_at:%H:%M:%S}" == "10:55:11"


async def test_one_station_stands_without_brackets(http: PlainHttp, web: Web) -> None:
    web["/api/v2/tv/tv"] = (200, {}, b"{}")
    keys = {"type": "gdelt", "search": ("acme",), "television": ("CNN",), "base_url": web.base}
    await source(http, keys).fetch({})
    assert asked(web)[0]["query"] == "acme station:CNN"


async def test_requests_of_all_searches_are_kept_apart() -> None:
    turns = Turns()
    loop = asyncio.get_running_loop()
    await turns.wait()
    assert 0 < turns.next_at - loop.time() <= PACE
    waiting = asyncio.create_task(turns.wait())
    done, _ = await asyncio.wait([waiting], timeout=0.05)
    assert not done
    waiting.cancel()


def test_each_search_has_a_cursor_of_its_own() -> None:
    config = GdeltSettings.model_validate({"name": "world", "type": "gdelt", "search": ("acme", "globex")})
    tuned = config.model_copy(update={"television": ("CNN",)})
    assert len({fingerprint(config, "acme"), fingerprint(config, "globex"), fingerprint(tuned, "acme")}) == 3


def test_without_a_search_there_is_nothing_to_ask() -> None:
    with pytest.raises(ValidationError, match="at least one search"):
        CONFIG.validate_python({"name": "world", "type": "gdelt", "search": ()})


def test_languages() -> None:
    assert [language_code(name) for name in ("German", "ENGLISH", "Klingon", "")] == ["de", "en", None, None]


def test_a_body_that_nests_too_deep_is_refused() -> None:
    with pytest.raises(SourceError, match="nests too deep"):
        read(b'{"a": ' + b"[" * 200_000, 60)
