"""What is special about X: a budget that holds through kills, `since_id`, seven days, problems in its own form."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from aiohttp import web as aio
from pydantic import ValidationError

from sources.base import BACKOFF_LONG, Cursor, Page, Post, PostKind, SourceError
from sources.x import XSettings, XSource
from sources.x_budget import used_up
from tests.fakes import START, FixedClock, plain_http
from tests.servers import Web
from tests.sources.benches.bench import Item, items
from tests.sources.benches.x import number_at, snowflake, tweet

KEYS = {"name": "mine", "type": "x", "token": "s3cret", "search": ("acme",), "budget": 10_000, "backlog": "1d"}


@dataclass(slots=True)
class Timeline:
    """Recent search over items, which counts what it bills; `process` ends with its HTTP session."""

    web: Web
    items: list[Item] = field(default_factory=list)
    billed: int = 0
    queries: list[dict[str, str]] = field(default_factory=list)
    clock: FixedClock = field(default_factory=FixedClock)

    def __post_init__(self) -> None:
        self.web["/2/tweets/search/recent"] = self.show

    async def show(self, request: aio.Request) -> aio.Response:
        query = dict(request.query)
        self.queries.append(query)
        below, since = int(query.get("next_token", "b" + "9" * 19)[1:]), int(query.get("since_id", 0))
        newest_first = sorted(self.items, key=snowflake, reverse=True)
        found = [item for item in newest_first if since < snowflake(item) < below]
        shown = found[: int(query["max_results"])]
        said: dict[str, Any] = {"meta": {"result_count": len(shown)}}
        if shown:
            said["data"] = [tweet(item) | {"author_id": str(item.number)} for item in shown]
            said["meta"]["newest_id"] = str(snowflake(shown[0]))
            if "expansions" in query:
                said["includes"] = {"users": [{"id": str(item.number), "username": "kim"} for item in shown]}
        if len(found) > len(shown):
            said["meta"]["next_token"] = f"b{snowflake(shown[-1])}"
        self.billed += len(shown) * (3 if "expansions" in query else 1)
        return aio.json_response(said)

    def source(self, http: Any, **settings: Any) -> XSource:
        return XSource(XSettings.model_validate(KEYS | {"base_url": self.web.base} | settings), http, self.clock)


@pytest.fixture
def timeline(web: Web) -> Timeline:
    return Timeline(web)


@pytest.fixture
async def source(timeline: Timeline) -> AsyncIterator[XSource]:
    async with plain_http() as http:
        yield timeline.source(http)


async def read(source: XSource, cursor: Cursor) -> tuple[list[Page], Cursor]:
    """One pass."""
    pages = []
    while True:
        pages.append(await source.fetch(cursor))
        cursor = json.loads(json.dumps(pages[-1].cursor))
        if not pages[-1].more:
            return pages, cursor
        assert len(pages) < 100


def posts(pages: list[Page]) -> list[Post]:
    return [post for page in pages for post in page.posts]


async def test_the_fields_of_a_post_and_of_an_answer(web: Web, source: XSource) -> None:
    first = tweet(Item(1, START - timedelta(minutes=2), "Acme &amp; ich")) | {"conversation_id": "99", "author_id": "9"}
    reply = tweet(Item(2, START - timedelta(minutes=1), "short…")) | {
        "referenced_tweets": [{"type": "quoted", "id": "5"}, {"type": "replied_to", "id": "6"}],
        "note_tweet": {"text": "a long text"},
        "edit_history_tweet_ids": ["41", "42"],
        "lang": "und",
    }
    users = [{"id": "7", "username": "kim", "public_metrics": {"followers_count": 12}}, "x"]
    meta = {"result_count": 3, "newest_id": reply["id"]}
    said = {"data": [reply, first, {"id": "x"}], "includes": {"users": users}, "meta": meta}
    web["/2/tweets/search/recent"] = (200, {}, json.dumps(said).encode())
    pages, _ = await read(source, {})
    one, two = posts(pages)
    assert (one.external_id, one.text, one.thread, one.author, one.lang) == (
        first["id"],
        "Acme & ich",
        "99",
        None,
        "de",
    )
    assert one.url == f"https://x.com/i/web/status/{first['id']}"
    assert (two.external_id, two.text, two.kind, two.parent) == ("41", "a long text", PostKind.COMMENT, "6")
    assert (two.author, two.followers, two.engagement, two.lang) == ("kim", 12, 3, None)
    assert two.url == f"https://x.com/kim/status/{reply['id']}"
    assert pages[1].notices == ("1 posts could not be read and were left out",)
    assert web.requests[0].headers["authorization"] == "Bearer s3cret"


async def test_a_pass_drains_its_pages_with_one_since_id(timeline: Timeline, source: XSource) -> None:
    timeline.items = items(1, 3)
    _, cursor = await read(source, {})
    assert timeline.queries[0]["start_time"] == "2026-11-20T12:00:00Z"
    assert "since_id" not in timeline.queries[0]
    assert timeline.queries[0]["query"] == "(acme) -is:retweet"
    floor = snowflake(timeline.items[-1])
    timeline.clock.advance(timedelta(hours=1))
    timeline.items += items(4, 253, newest=START + timedelta(minutes=30))
    timeline.queries.clear()
    page = await source.fetch((await source.fetch(cursor)).cursor)
    timeline.items += items(254, 260, newest=START + timedelta(minutes=40))  # while the pass goes on
    pages, cursor = await read(source, page.cursor)
    assert {query["since_id"] for query in timeline.queries} == {str(floor)}
    assert len(posts([page, *pages])) == 250
    pages, _ = await read(source, cursor)
    assert len(posts(pages)) == 7


async def test_several_searches_take_turns(timeline: Timeline) -> None:
    timeline.items = items(1, 3)
    async with plain_http() as http:
        source = timeline.source(http, search=("acme", "globex is:retweet"))
        pages, cursor = await read(source, {})
        assert [len(page.posts) for page in pages] == [0, 3, 0, 3]
        assert [query["query"] for query in timeline.queries] == ["(acme) -is:retweet", "globex is:retweet"]
        fewer = timeline.source(http, search=("acme",))
        pages, cursor = await read(fewer, cursor)
        assert list(cursor["walks"]) == ["acme"]  # type: ignore[arg-type]  # an object


@pytest.mark.parametrize("seed", range(12))
async def test_the_budget_holds_through_kills_and_lost_answers(timeline: Timeline, seed: int) -> None:
    """Kills before and after a call, lost answers, and refusals, at random; the server counts what it bills."""
    random = Random(seed)
    timeline.items = items(1, 2000)
    budget = random.choice([30, 100, 333, 1000])
    cursor: Cursor = {}
    stored, used = 0, False
    for _ in range(40):
        async with plain_http() as http:
            source = timeline.source(http, budget=budget)
            for _ in range(random.randint(1, 6)):
                timeline.web.fault = lose(timeline, random.choice(["", "", "cut", "500", "html"]))
                try:
                    page = await source.fetch(cursor)
                except SourceError as error:
                    used = used or "used up" in str(error)
                    continue
                if random.random() < 0.3:
                    break  # killed before the page is stored
                cursor = json.loads(json.dumps(page.cursor))
                stored += len(page.posts)
            assert timeline.billed <= budget
    assert used
    assert timeline.billed >= stored * 3


def lose(timeline: Timeline, how: str) -> Any:
    """An answer that is billed and does not arrive, or one that is not billed."""

    async def answer(request: aio.Request) -> aio.StreamResponse:
        if how == "500":
            return aio.Response(status=500)
        whole = await timeline.show(request)
        if how == "html":
            return aio.Response(body=b"<html>")
        if how == "cut":
            assert request.transport is not None
            request.transport.close()
        return whole

    return answer


async def test_after_a_lost_answer_a_small_call_comes_first(timeline: Timeline, source: XSource) -> None:
    timeline.items = items(1, 200)
    prepared = (await source.fetch({})).cursor
    timeline.web.fault = lose(timeline, "cut")
    with pytest.raises(SourceError):
        await source.fetch(prepared)
    timeline.web.fault = None
    page = await source.fetch(prepared)
    assert (page.posts, page.more, page.cursor["spent"], page.cursor["reserved"]) == ((), True, 300, 30)
    cursor = (await source.fetch(page.cursor)).cursor
    assert timeline.queries[-1]["max_results"] == "10"
    assert (await source.fetch(cursor)).cursor["reserved"] == 300


async def test_a_refusal_costs_nothing_and_is_asked_again(timeline: Timeline, source: XSource) -> None:
    timeline.items = items(1, 3)
    prepared = (await source.fetch({})).cursor
    timeline.web.fault = lose(timeline, "500")
    for _ in range(2):
        with pytest.raises(SourceError):
            await source.fetch(prepared)
    timeline.web.fault = None
    page = await source.fetch(prepared)
    assert (len(page.posts), page.cursor["spent"]) == (3, 9)
    assert page.left == "9,991 of 10,000 reads in 2026-11"


async def test_a_used_up_budget_waits_for_the_next_month(timeline: Timeline) -> None:
    timeline.items = items(1, 200)
    async with plain_http() as http:
        source = timeline.source(http, budget=60, authors=False)
        cursor = (await source.fetch((await source.fetch({})).cursor)).cursor
        assert (timeline.billed, cursor["spent"]) == (60, 60)
        with pytest.raises(SourceError, match="60 reads is used up until 2026-12-01") as caught:
            await source.fetch(cursor)
        assert caught.value.retry_after == timedelta(days=9, hours=12).total_seconds()
        timeline.clock.now = datetime(2026, 12, 1, tzinfo=UTC)
        page = await source.fetch(cursor)
        assert (page.cursor["spent"], page.cursor["reserved"]) == (0, 60)


def test_the_month_after_december() -> None:
    error = used_up(datetime(2026, 12, 31, 23, 0, tzinfo=UTC), 5)
    assert error.retry_after == 3600
    assert "2027-01-01" in str(error)


async def test_a_since_id_older_than_seven_days_is_a_gap(timeline: Timeline, source: XSource) -> None:
    timeline.items = items(1, 3)
    _, cursor = await read(source, {})
    timeline.clock.advance(timedelta(days=8))
    timeline.items += items(4, 5, newest=timeline.clock.now - timedelta(minutes=1))
    pages, _ = await read(source, cursor)
    (gap,) = [gap for page in pages for gap in page.gaps]
    assert gap.detail == "X shows seven days: posts before 2026-11-22 13:00 UTC are lost"
    assert timeline.queries[-1]["start_time"] == "2026-11-22T13:00:00Z"
    assert "since_id" not in timeline.queries[-1]


async def test_a_since_id_that_x_finds_too_old_is_a_gap_and_costs_nothing(timeline: Timeline, source: XSource) -> None:
    message = "'since_id' must be a tweet id created after 2026-11-14T12:00Z. Please use a larger 'since_id'"
    said = {"errors": [{"parameters": {"since_id": ["1"]}, "message": message}], "title": "Invalid Request"}
    cursor: Cursor = {"walks": {"acme": {"since_id": str(number_at(START))}}}
    prepared = (await source.fetch(cursor)).cursor
    timeline.web["/2/tweets/search/recent"] = (400, {}, json.dumps(said).encode())
    page = await source.fetch(prepared)
    assert page.gaps
    assert page.more
    assert page.cursor["spent"] == 0
    timeline.web["/2/tweets/search/recent"] = timeline.show
    await read(source, page.cursor)
    assert timeline.queries[-1]["start_time"] == "2026-11-14T13:00:00Z"


@pytest.mark.parametrize(
    ("status", "said", "retry_after"),
    [
        (402, {"title": "CreditsDepleted", "detail": "Your account has no credits."}, None),
        (429, {"title": "UsageCapExceeded", "detail": "Usage cap exceeded: Monthly product cap"}, 86400),
        (400, {"errors": [{"message": "Invalid query"}], "title": "Invalid Request"}, None),
        (403, ["x"], None),
    ],
)
async def test_problems_in_its_own_form(
    web: Web, source: XSource, status: int, said: Any, retry_after: float | None
) -> None:
    prepared = (await source.fetch({})).cursor
    web["/2/tweets/search/recent"] = (status, {}, json.dumps(said).encode())
    with pytest.raises(SourceError, match=f"HTTP {status}") as caught:
        await source.fetch(prepared)
    assert (caught.value.retry_after, caught.value.backoff_limit) == (retry_after, BACKOFF_LONG)
    assert not caught.value.permanent
    assert "s3cret" not in str(caught.value)


async def test_a_probe_reads_no_post(web: Web, source: XSource) -> None:
    web["/2/usage/tweets"] = (200, {}, b'{"data": {"project_usage": "1204"}}')
    assert "X has counted 1,204 posts" in await source.probe()
    assert [request.path for request in web.requests] == ["/2/usage/tweets"]


@pytest.mark.parametrize(
    "changes",
    [{"budget": None}, {"budget": 29}, {"search": ()}, {"search": ("a" * 499,)}, {"token": None}, {"search": ("",)}],
)
def test_mistakes_are_refused(changes: dict[str, Any]) -> None:
    assert XSettings.model_validate(KEYS | {"search": ("a" * 498,)})
    with pytest.raises(ValidationError):
        XSettings.model_validate(KEYS | changes)
