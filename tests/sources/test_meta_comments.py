"""Comments of a Page through the Graph API: passes, places that run out, limits and errors in its own form."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from aiohttp import web as aio
from pydantic import TypeAdapter

from sources.base import BACKOFF_LONG, BACKOFF_SHORT, Cursor, Page, PostKind, SourceError
from sources.meta_comments import COMMENTS, POSTS, MetaComments
from sources.meta_graph import read_usage
from sources.registry import SourceConfig, build, fingerprint
from tests.fakes import START, FixedClock, PlainHttp, plain_http, source_tools
from tests.servers import Web

CONFIG: TypeAdapter[SourceConfig] = TypeAdapter(SourceConfig)
BASIC: dict[str, Any] = {
    "name": "page",
    "type": "meta",
    "app_secret": "s",
    "verify_token": "v",
    "page_id": "100",
    "page_token": "page-token",
}
KIM, OWN = {"id": "5", "name": "Kim"}, {"id": "100", "name": "Acme"}


@dataclass(slots=True)
class Facebook:
    """A Page: posts newest first, each with its comments; places in lists are offsets that look like tokens."""

    posts: list[dict[str, Any]] = field(default_factory=list)
    comments: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def post(self, name: str, at: datetime, **more: Any) -> None:
        basic = {"id": name, "created_time": f"{at:%Y-%m-%dT%H:%M:%S}+0000", "from": OWN, "message": f"post {name}"}
        self.posts.insert(0, basic | more)

    def comment(self, post: str, name: str, at: datetime, **more: Any) -> None:
        basic = {"id": name, "created_time": f"{at:%Y-%m-%dT%H:%M:%S}+0000", "from": KIM, "message": f"text {name}"}
        self.comments.setdefault(post, []).insert(0, basic | more)

    async def __call__(self, request: aio.Request) -> aio.Response:
        path, after = request.path.removeprefix("/v25.0/"), request.query.get("after", "p0")
        if path == "100":
            return self._say({"name": "Acme", "id": "100"})
        if path == "100/feed":
            since = int(request.query["since"])
            shown = [post for post in self.posts if datetime.fromisoformat(post["created_time"]).timestamp() >= since]
            answer = _page(shown, after, int(request.query["limit"]))
            for post in answer["data"]:
                if self.comments.get(post["id"]):
                    post["comments"] = _page(self.comments[post["id"]], "p0", COMMENTS)
            return self._say(answer)
        return self._say(_page(self.comments[path.split("/")[0]], after, int(request.query["limit"])))

    def _say(self, answer: Any) -> aio.Response:
        return aio.json_response(answer, headers=self.headers)


def _page(found: list[dict[str, Any]], after: str, limit: int) -> dict[str, Any]:
    begin = int(after[1:])
    end = begin + limit
    paging = {"cursors": {"before": after, "after": f"p{end}"}}
    more = {"next": "https://graph.facebook.com/..."} if end < len(found) else {}
    return {"data": [dict(one) for one in found[begin:end]], "paging": paging | more}


@dataclass(slots=True)
class Reader:
    """Plays the pipeline for the part `comments`."""

    web: Web
    http: PlainHttp
    clock: FixedClock = field(default_factory=FixedClock)
    cursor: Cursor = field(default_factory=dict)
    pages: list[Page] = field(default_factory=list)

    @property
    def source(self) -> MetaComments:
        config = CONFIG.validate_python(BASIC | {"base_url": self.web.base})
        made = build(config, source_tools(self.http, clock=self.clock))["comments"]
        assert isinstance(made, MetaComments)
        return made

    async def read(self, most: int = 100) -> list[str]:
        """External ids of a pass, or of its first pages."""
        ids: list[str] = []
        for _ in range(most):
            page = await self.source.fetch(json.loads(json.dumps(self.cursor)))
            self.cursor = page.cursor
            self.pages.append(page)
            ids += [post.external_id for post in page.posts]
            if not page.more:
                break
        return ids


@pytest.fixture
def facebook(web: Web) -> Facebook:
    web["/v25.0/*"] = served = Facebook()
    return served


@pytest.fixture
async def reader(web: Web) -> AsyncIterator[Reader]:
    async with plain_http() as http:
        yield Reader(web, http)


def ago(**delta: float) -> datetime:
    return START - timedelta(**delta)


async def test_comments_and_posts_of_others(facebook: Facebook, reader: Reader) -> None:
    facebook.post("100_1", ago(hours=3))
    facebook.post("100_2", ago(hours=2), **{"from": KIM}, permalink_url="https://www.facebook.com/2")
    facebook.comment("100_1", "1_1", ago(hours=1), like_count=2, comment_count=1, permalink_url="https://x.test/1")
    facebook.comment("100_1", "1_2", ago(minutes=50), **{"from": OWN}, parent={"id": "1_1"})
    facebook.comment("100_1", "1_3", ago(minutes=40), message="")
    assert await reader.read() == ["100_2", "1_1"]
    post, comment = reader.pages[0].posts
    assert (post.kind, post.thread, post.author, post.url) == (
        PostKind.POST,
        "100_2",
        "Kim",
        "https://www.facebook.com/2",
    )
    assert (comment.kind, comment.parent, comment.thread) == (PostKind.COMMENT, "100_1", "100_1")
    assert (comment.engagement, comment.answered, post.answered) == (3, True, None)
    assert comment.published_at == ago(hours=1)


async def test_a_pass_reads_every_new_comment_however_many(facebook: Facebook, reader: Reader) -> None:
    for number in range(2 * POSTS + 5):
        facebook.post(f"100_{number}", ago(days=3, minutes=-number))
    await reader.read()
    reader.clock.advance(timedelta(hours=2))
    new = [("100_0", 170), ("100_30", 60), ("100_54", 3)]
    wanted = set()
    for post, count in new:
        for number in range(count):
            name = f"{post[4:]}_{number}"
            facebook.comment(post, name, ago(minutes=count - number))
            wanted.add(name)
    found = await reader.read()
    assert set(found) == wanted
    assert len(found) == len(wanted)
    reader.clock.advance(timedelta(hours=3))
    before = len(reader.web.requests)
    again = await reader.read()
    assert set(again) <= wanted
    assert len(reader.web.requests) - before == 3  # the feed alone: nothing new goes deeper


async def test_a_pass_that_is_broken_off_goes_on(facebook: Facebook, reader: Reader) -> None:
    facebook.post("100_1", ago(days=3))
    await reader.read()
    for number in range(130):
        facebook.comment("100_1", f"1_{number}", ago(seconds=200 - number))
    first = await reader.read(most=1)
    assert reader.pages[-1].more
    assert await reader.source.fetch(reader.cursor) == await reader.source.fetch(reader.cursor)
    assert set(first) | set(await reader.read()) == {f"1_{number}" for number in range(130)}


async def test_a_comment_that_appears_late_is_found(facebook: Facebook, reader: Reader) -> None:
    facebook.post("100_1", ago(days=3))
    facebook.comment("100_1", "1_1", ago(minutes=1))
    await reader.read()
    facebook.comment("100_1", "1_0", ago(minutes=10))
    assert "1_0" in await reader.read()


async def test_posts_that_are_too_old_are_not_asked_for(facebook: Facebook, reader: Reader) -> None:
    facebook.post("100_1", ago(days=15))
    facebook.comment("100_1", "1_1", ago(minutes=1))
    assert await reader.read() == []


async def test_a_place_that_has_run_out_begins_anew_and_loses_nothing(facebook: Facebook, reader: Reader) -> None:
    for number in range(POSTS + 5):
        facebook.post(f"100_{number}", ago(days=3, minutes=-number))
    await reader.read()
    floor = reader.cursor
    facebook.comment("100_0", "0_1", ago(minutes=1))
    await reader.read(most=1)
    assert reader.pages[-1].more
    reader.web.fault = _says({"code": 100, "message": "cursor is invalid"}, 400)
    await reader.read()
    assert reader.cursor == floor
    assert "begins anew" in reader.pages[-1].notices[0]
    reader.web.fault = None
    assert await reader.read() == ["0_1"]


def _says(error: Any, status: int, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def answer(request: aio.Request) -> aio.Response:
        return aio.json_response({"error": error}, status=status, headers=named)

    return answer


BUSINESS = json.dumps(
    {"100": [{"type": "pages", "call_count": 100, "total_time": 1, "estimated_time_to_regain_access": 7}]}
)


@pytest.mark.parametrize("code", [4, 17, 32, 613, 80001])
@pytest.mark.parametrize("status", [400, 403, 429])
async def test_too_many_calls(facebook: Facebook, reader: Reader, code: int, status: int) -> None:
    reader.web.fault = _says({"code": code, "message": "limit reached"}, status, X_Business_Use_Case_Usage=BUSINESS)
    with pytest.raises(SourceError, match="limit reached") as caught:
        await reader.read()
    assert (caught.value.retry_after, caught.value.permanent) == (420, False)
    assert (f"{reader.web.base}/v25.0/100/feed", 420) in [(url.split("?")[0], s) for url, s in reader.http.paused]


async def test_too_many_calls_without_a_time(facebook: Facebook, reader: Reader) -> None:
    reader.web.fault = _says({"code": 4, "message": "limit reached"}, 400)
    with pytest.raises(SourceError) as caught:
        await reader.read()
    assert caught.value.retry_after == 900


@pytest.mark.parametrize(
    ("status", "error", "is_permanent", "limit"),
    [
        (400, {"code": 190, "message": "expired"}, True, BACKOFF_SHORT),
        (401, {"code": 190, "message": "expired"}, True, BACKOFF_SHORT),
        (401, {}, True, BACKOFF_LONG),
        (500, {"code": 1, "message": "unknown"}, False, BACKOFF_SHORT),
        (400, {"code": 2, "message": "unavailable"}, False, BACKOFF_SHORT),
        (403, {"code": 10, "message": "no permission"}, False, BACKOFF_LONG),
        (400, {"code": 100, "message": "no such field"}, False, BACKOFF_LONG),
        (404, {}, False, BACKOFF_LONG),
        (503, {}, False, BACKOFF_SHORT),
    ],
)
async def test_refusals(
    facebook: Facebook, reader: Reader, status: int, error: Any, is_permanent: bool, limit: timedelta
) -> None:
    reader.web.fault = _says(error, status)
    with pytest.raises(SourceError) as caught:
        await reader.read()
    assert caught.value.permanent == is_permanent
    assert is_permanent or caught.value.backoff_limit == limit
    assert "page-token" not in str(caught.value)
    with pytest.raises(SourceError):
        await reader.source.probe()


async def test_the_host_is_left_alone_before_the_last_calls_are_used(facebook: Facebook, reader: Reader) -> None:
    facebook.headers = {"X-App-Usage": '{"call_count": 94, "total_cputime": 3, "total_time": 5}'}
    await reader.read()
    assert (reader.http.paused, reader.pages[-1].left) == ([], "94 % of the calls of this hour used")
    facebook.headers = {"X-App-Usage": '{"call_count": 10, "total_cputime": 96, "total_time": 5}'}
    await reader.read()
    assert [seconds for _, seconds in reader.http.paused] == [900]


@pytest.mark.parametrize("said", ["", "x", "[]", "5", "null", '{"a": 5}', '{"call_count": "many"}', "[" * 5000])
def test_odd_usage_counts_as_none(said: str) -> None:
    assert read_usage({"x-app-usage": said, "x-business-use-case-usage": said}) == (None, None)


@pytest.mark.parametrize("body", [b"", b"x", b"[]", b"{}", b'{"data": 5}', b'{"data": [{"message": "x"}]}'])
async def test_a_changed_shape_is_a_source_error(reader: Reader, body: bytes) -> None:
    reader.web["/v25.0/100/feed"] = (200, {}, body)
    with pytest.raises(SourceError):
        await reader.read()


async def test_an_empty_page_is_no_error_and_a_probe_names_it(facebook: Facebook, reader: Reader) -> None:
    assert await reader.read() == []
    assert await reader.source.probe() == "answers for the Page Acme"


def test_parts_and_fingerprints() -> None:
    config, other = (CONFIG.validate_python(BASIC | more) for more in ({}, {"page_id": "101"}))
    assert fingerprint(config, "") == fingerprint(other, "")  # what waits in the inbox is still to be read
    assert fingerprint(config, "comments") != fingerprint(other, "comments")
