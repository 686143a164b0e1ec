"""Mastodon beside the contract: fields, ids that are no numbers, instances that are closed, searches, parts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web as aio
from pydantic import TypeAdapter, ValidationError

from sources.base import BACKOFF_LONG, Cursor, Page, Post, PostKind, Source, SourceError, Stream
from sources.mastodon import MastodonSettings
from sources.mastodon_cursor import Mark, Trail
from sources.mastodon_status import read_status
from sources.registry import SourceConfig, build
from tests.fakes import START, FixedClock, PlainHttp, plain_http, source_tools
from tests.servers import Web
from tests.sources.benches.bench import Item, items, json_answer
from tests.sources.benches.mastodon import URL, answer, instance, page_of, status

CONFIG: TypeAdapter[SourceConfig] = TypeAdapter(SourceConfig)
MINUTE = timedelta(minutes=1)
KEYS = {"name": "fedi", "type": "mastodon"}


@pytest.fixture
async def http() -> AsyncIterator[PlainHttp]:
    async with plain_http() as opened:
        yield opened


class Reading:
    """One part against one server; passes as the pipeline makes them."""

    def __init__(self, web: Web, http: PlainHttp, **keys: Any) -> None:
        self.web = web
        self.clock = FixedClock()
        given = {"instances": (URL,), "hashtags": ("acme",), "base_url": web.base} | keys
        made = build(CONFIG.validate_python(KEYS | given), source_tools(http, clock=self.clock))
        self.parts = list(made)
        source = next(iter(made.values()))
        assert not isinstance(source, Stream)
        self.source: Source = source
        self.cursor: Cursor = {}
        self.pages: list[Page] = []

    async def read(self) -> list[Post]:
        posts: list[Post] = []
        while True:
            page = await self.source.fetch(self.cursor)
            self.cursor = json.loads(json.dumps(page.cursor))
            self.pages.append(page)
            posts += page.posts
            if not page.more:
                return posts

    def show(self, *statuses: dict[str, Any]) -> None:
        async def timeline(request: aio.Request) -> aio.Response:
            return answer(page_of(statuses, request))

        self.web["/api/v1/timelines/tag/acme"] = timeline
        self.web["/api/v2/instance"] = json_answer(instance({"local": "public", "remote": "public"}))

    @property
    def asked(self) -> list[str]:
        return [request.path.partition("acme")[2] for request in self.web.requests if "/tag/" in request.path]


@pytest.fixture
def reading(web: Web, http: PlainHttp) -> Reading:
    return Reading(web, http)


def read(**changes: Any) -> Post | None:
    made = status(Item(1, START - MINUTE, "hello <b>Acme</b>"), **changes)
    return read_status(made, source="fedi", host="mastodon.test", now=START)


def test_what_a_status_says_becomes_a_post() -> None:
    media = [{"type": "image", "description": "an Acme box"}, {"type": "image", "description": None}]
    post = read(spoiler_text="my phone", language="de-AT", in_reply_to_id="116", media_attachments=media)
    assert post is not None
    assert (post.title, post.text, post.lang) == ("my phone", "hello Acme\nan Acme box", "de")
    assert (post.author, post.followers, post.engagement) == ("kim@mastodon.test", 37, 6)
    assert (post.kind, post.parent) == (PostKind.COMMENT, "mastodon.test/116")
    assert post.external_id == f"{URL}/ap/users/117020566092212359/statuses/1"
    assert (post.url, post.published_at) == (f"{URL}/@kim/1", START - MINUTE)


def test_accounts_of_other_instances_keep_their_name() -> None:
    post = read(account={"acct": "lea@chaos.test", "followers_count": "x"})
    assert post is not None
    assert (post.author, post.followers, post.kind) == ("lea@chaos.test", None, PostKind.POST)


@pytest.mark.parametrize(
    "changes", [{"uri": None, "url": None}, {"id": 7}, {"content": None}, {"account": None, "content": []}]
)
def test_what_is_no_status_is_left_out(changes: dict[str, Any]) -> None:
    assert read(**changes) is None


def test_a_link_that_is_none_is_not_shown() -> None:
    post = read(url="javascript:alert(1)", uri="tag:gone", account={})
    assert post is not None
    assert (post.url, post.author) == (None, None)


def numbered(first: int, last: int, newest: timedelta, number: Callable[[int], str]) -> list[dict[str, Any]]:
    return [status(item, id=number(item.number)) for item in items(first, last, newest=START - newest)]


@pytest.mark.parametrize(
    "number", [str, lambda n: f"01KAY{n:021}", lambda n: str(10**17 + n)], ids=["short", "ulid", "long"]
)
async def test_ids_are_compared_as_strings_of_whatever_kind(reading: Reading, number: Callable[[int], str]) -> None:
    first, more = numbered(1, 120, 40 * MINUTE, number), numbered(121, 250, MINUTE, number)
    reading.show(*first)
    assert len(await reading.read()) == 120
    reading.show(*first, *more)
    assert {post.text for post in await reading.read()} >= {f"text {n}" for n in range(121, 251)}
    assert not any(page.gaps for page in reading.pages)


async def test_passes_after_the_first_go_forward(reading: Reading) -> None:
    old, new = status(Item(1, START - 60 * MINUTE, "old")), status(Item(2, START - MINUTE, "new"))
    reading.show(old, new)
    await reading.read()
    await reading.read()
    assert reading.asked[:2] == ["?limit=40", f"?limit=40&max_id={old['id']}"]
    assert reading.asked[2:] == [f"?limit=40&min_id={old['id']}", f"?limit=40&min_id={new['id']}"]


async def test_a_first_pass_goes_back_as_far_as_the_backlog(web: Web, http: PlainHttp) -> None:
    reading = Reading(web, http, backlog="2h")
    reading.show(*(status(Item(n, START - n * 5 * MINUTE, f"text {n}")) for n in range(1, 400)))
    posts = await reading.read()
    assert 24 <= len(posts) <= 40
    assert len(reading.asked) == 1


async def test_little_is_kept_of_a_busy_hashtag(reading: Reading) -> None:
    statuses = [status(Item(n, START - timedelta(seconds=n), f"text {n}")) for n in range(1, 2_000)]
    for shown in range(100, 2_000, 475):
        reading.show(*statuses[-shown:])
        await reading.read()
        assert len(json.dumps(reading.cursor)) < 1_000


async def test_an_instance_that_shows_nothing_to_strangers_is_named(reading: Reading) -> None:
    reading.web["/api/v1/timelines/tag/acme"] = json_answer({"error": "The access token is invalid"}, 401)
    with pytest.raises(SourceError, match=r"only to its members.*The access token is invalid") as caught:
        await reading.read()
    assert (caught.value.permanent, caught.value.backoff_limit) == (False, BACKOFF_LONG)


@pytest.mark.parametrize(
    "access", [{"local": "disabled", "remote": "disabled"}, {"local": "public", "remote": "authenticated"}]
)
async def test_an_empty_answer_of_a_closed_instance_is_an_error(reading: Reading, access: dict[str, str]) -> None:
    reading.show()
    reading.web["/api/v2/instance"] = json_answer(instance(access))
    with pytest.raises(SourceError, match="shows hashtags only to its members, or to nobody"):
        await reading.read()
    with pytest.raises(SourceError, match="shows hashtags only to its members, or to nobody"):
        await reading.source.probe()


async def test_an_instance_that_shows_nothing_is_asked_why_once_an_hour(reading: Reading) -> None:
    reading.show()
    for minutes in range(0, 150, 30):
        reading.clock.now = START + minutes * MINUTE
        assert await reading.read() == []
    why = [request for request in reading.web.requests if request.path == "/api/v2/instance"]
    assert len(why) == 3


async def test_f15_a_limit_is_kept_until_the_time_that_the_server_names(web: Web, http: PlainHttp) -> None:
    headers = {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": "2026-11-21T12:02:00.000000Z"}
    web["/api/v1/timelines/tag/acme"] = json_answer({"error": "Too many requests"}, 429, **headers)
    with pytest.raises(SourceError) as caught:
        await Reading(web, http).read()
    assert caught.value.retry_after == 120
    assert http.paused[-1] == (f"{web.base}/api/v1/timelines/tag/acme?limit=40", 120)


async def test_a_search_goes_back_to_where_it_was(web: Web, http: PlainHttp) -> None:
    member = {"url": URL, "token": "secret"}
    reading = Reading(web, http, instances=(member,), hashtags=(), search=('"acme phone"',))
    statuses = [status(item) for item in items(1, 90, newest=START - 30 * MINUTE)]

    async def search(request: aio.Request) -> aio.Response:
        assert (request.query["q"], request.query["type"]) == ('"acme phone"', "statuses")
        assert request.headers["Authorization"] == "Bearer secret"
        return answer({"accounts": [], "hashtags": [], "statuses": page_of(statuses, request)})

    web["/api/v2/search"] = search
    assert reading.parts == ['mastodon.test?"acme phone"']
    assert len(await reading.read()) == 90
    statuses += [status(item) for item in items(91, 200, newest=START)]
    assert {post.text for post in await reading.read()} >= {f"text {n}" for n in range(91, 201)}
    assert "secret" not in json.dumps(reading.cursor)


def test_each_hashtag_and_search_on_each_instance_is_a_part(web: Web, http: PlainHttp) -> None:
    instances = ("https://a.test/", {"url": "https://b.test", "token": "t"})
    reading = Reading(web, http, instances=instances, hashtags=("#Acme", "acme", "Globex"), search=("acme",))
    assert reading.parts == ["a.test#acme", "a.test#globex", "b.test#acme", "b.test#globex", "b.test?acme"]


def test_the_same_status_has_one_id_on_every_instance() -> None:
    here = read(id="117020593741189701", account={"acct": "kim"})
    there = read_status(
        status(Item(1, START - MINUTE, "hello <b>Acme</b>"), id="01KAY", account={"acct": "kim@mastodon.test"}),
        source="fedi",
        host="chaos.test",
        now=START,
    )
    assert here is not None
    assert there is not None
    assert (here.external_id, here.author, here.text) == (there.external_id, there.author, there.text)


@pytest.mark.parametrize(
    "keys",
    [
        {"hashtags": ("two words",)},
        {"hashtags": ("#",)},
        {"hashtags": ()},
        {"hashtags": (), "search": ("acme",)},
        {"instances": ()},
        {"instances": ("mastodon.social",)},
        {"instances": ({"url": URL},)},
    ],
)
def test_mistakes_are_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        MastodonSettings.model_validate(KEYS | {"instances": (URL,), "hashtags": ("acme",)} | keys)


def test_a_cursor_that_somebody_wrote_breaks_nothing() -> None:
    odd: Cursor = {"marks": [["x", "7"], [1], "z", [5, 6], None], "since": "soon", "max_id": 9, "found": {"a": 1}}
    trail = Trail.resume(odd, START, timedelta(days=1), timedelta(minutes=15))
    assert trail.marks == (Mark(0, "7"),)
    assert (trail.max_id, trail.found) == (None, ())
