"""What every source promises. A new source gets all of it with one entry in BENCHES."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter

from sources.base import BACKOFF_LONG, BACKOFF_SHORT, Cursor, HttpError, Page, Source, SourceError
from sources.registry import SourceConfig, Tools, build
from tests.fakes import START, FailingHttp, FixedClock, JsonParser, plain_http
from tests.servers import Web

Serve = Callable[[bytes], None]


@dataclass(slots=True)
class Bench:
    """A source of one type. `serve` puts a body where the source looks; `body` is one that holds three posts."""

    keys: dict[str, Any]
    body: bytes
    serve: Serve
    remove: Callable[[], None]
    path: str | None = None  # where a source that asks the web looks


def _feed(web: Web, folder: Path) -> Bench:
    entries = [{"id": f"tag:{n}", "title": f"T{n}", "date": f"2026-11-2{n}T08:00:00Z"} for n in (1, 0, 2)]
    keys = {"type": "feed", "url": "https://x.test/feed"}
    return _on_web(web, "/feed", keys, {"entries": entries})


def _hackernews(web: Web, folder: Path) -> Bench:
    at = int(START.timestamp())
    hits = [{"objectID": str(n), "created_at_i": at - n, "story_text": "x", "_tags": ["story"]} for n in (1, 0, 2)]
    return _on_web(web, "/api/v1/search_by_date", {"type": "hackernews"}, {"hits": hits})


def _on_web(web: Web, path: str, keys: dict[str, Any], body: Any) -> Bench:
    def serve(content: bytes) -> None:
        web[path] = (200, {}, content)

    def remove() -> None:
        web[path] = (404, {}, b"")

    return Bench(keys | {"base_url": web.base}, json.dumps(body).encode(), serve, remove, path)


def _file(web: Web, folder: Path) -> Bench:
    path = folder / "posts.jsonl"
    lines = [{"text": f"text {n}", "published_at": f"2026-11-2{n}T08:00:00Z"} for n in (1, 0, 2)]
    body = "".join(json.dumps(line) + "\n" for line in lines).encode()

    def serve(content: bytes) -> None:
        path.write_bytes(content)

    return Bench({"type": "file", "path": str(path)}, body, serve, lambda: path.unlink(missing_ok=True))


BENCHES = {"feed": _feed, "hackernews": _hackernews, "file": _file}
CONFIG: TypeAdapter[SourceConfig] = TypeAdapter(SourceConfig)


def test_every_registered_source_stands_here() -> None:
    models = get_args(get_args(SourceConfig)[0])
    assert {get_args(model.model_fields["type"].annotation)[0] for model in models} == BENCHES.keys()


@pytest.fixture(params=BENCHES)
def bench(request: pytest.FixtureRequest, web: Web, tmp_path: Path) -> Bench:
    made = BENCHES[request.param](web, tmp_path)
    made.serve(made.body)
    return made


@pytest.fixture
async def source(bench: Bench) -> AsyncIterator[Source]:
    async with plain_http() as http:
        yield _built(bench, Tools(http=http, parser=JsonParser(), clock=FixedClock()))


def _built(bench: Bench, tools: Tools) -> Source:
    (made,) = build(CONFIG.validate_python({"name": "mine"} | bench.keys), tools).values()
    return made


async def whole_pass(source: Source, cursor: Cursor) -> tuple[list[Page], Cursor]:
    pages = [await source.fetch(cursor)]
    while pages[-1].more:
        pages.append(await source.fetch(json.loads(json.dumps(pages[-1].cursor))))
    return pages, pages[-1].cursor


async def test_an_empty_cursor_starts_a_pass(source: Source) -> None:
    pages, _ = await whole_pass(source, {})
    posts = [post for page in pages for post in page.posts]
    assert len({post.external_id for post in posts}) == 3
    assert {post.source for post in posts} == {"mine"}
    assert all(post.published_at <= START and post.published_at.utcoffset() == timedelta(0) for post in posts)
    for page in pages:
        assert list(page.posts) == sorted(page.posts, key=lambda post: post.published_at)


async def test_the_cursor_is_json_and_the_input_is_left_alone(source: Source) -> None:
    _, cursor = await whole_pass(source, {})
    assert cursor == json.loads(json.dumps(cursor))
    before = json.dumps(cursor)
    await source.fetch(cursor)
    assert json.dumps(cursor) == before


async def test_a_second_pass_brings_nothing_new_and_no_gap(source: Source) -> None:
    first, cursor = await whole_pass(source, {})
    second, _ = await whole_pass(source, json.loads(json.dumps(cursor)))
    known = {post.external_id for page in first for post in page.posts}
    assert {post.external_id for page in second for post in page.posts} <= known
    assert not any(page.gaps or page.renamed or page.deleted for page in (*first, *second))


async def test_the_same_cursor_gives_the_same_page(source: Source) -> None:
    assert await source.fetch({}) == await source.fetch({})


async def test_the_overlap_is_a_length_of_time(source: Source) -> None:
    assert source.overlap >= timedelta(0)


async def test_a_probe_says_one_line(source: Source) -> None:
    line = await source.probe()
    assert line
    assert line.isprintable()


async def test_what_is_not_there_is_a_source_error(bench: Bench, source: Source) -> None:
    bench.remove()
    for ask in (source.fetch({}), source.probe()):
        with pytest.raises(SourceError) as caught:
            await ask
        assert not caught.value.permanent
        assert str(caught.value)


HOSTILE = [
    b"",
    b"null",
    b"[]",
    b"\xff\xfe\x00",
    b"<html>",
    b"{}",
    b"[" * 200_000,
    b'{"hits": {}}',
    b'"x"\n',
    b"\0" * 99,
]


@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
async def test_a_hostile_body_is_a_page_or_a_source_error(bench: Bench, source: Source, body: bytes) -> None:
    bench.serve(body)
    try:
        page = await source.fetch({})
    except SourceError:
        return
    assert page.posts == ()


@pytest.mark.parametrize(
    ("status", "permanent", "retry_after", "limit"),
    [
        (410, True, None, BACKOFF_LONG),
        (403, False, None, BACKOFF_LONG),
        (429, False, 40.0, BACKOFF_SHORT),
        (503, False, 40.0, BACKOFF_SHORT),
        (500, False, None, BACKOFF_SHORT),
    ],
)
async def test_f15_f17_refusals(
    bench: Bench, source: Source, web: Web, status: int, permanent: bool, retry_after: float | None, limit: timedelta
) -> None:
    if bench.path is None:
        pytest.skip("asks no server")
    web[bench.path] = (status, {"Retry-After": "40"} if retry_after else {}, b"")
    with pytest.raises(SourceError, match=str(status)) as caught:
        await source.fetch({})
    error = caught.value
    assert (error.permanent, error.retry_after, error.backoff_limit) == (permanent, retry_after, limit)


async def test_f17_no_server_is_a_source_error(bench: Bench) -> None:
    if bench.path is None:
        pytest.skip("asks no server")
    http = FailingHttp(HttpError("the name does not exist", unreachable=True))
    with pytest.raises(SourceError, match="the name does not exist") as caught:
        await _built(bench, Tools(http=http, parser=JsonParser(), clock=FixedClock())).fetch({})
    assert caught.value.backoff_limit == BACKOFF_LONG
