"""What is special about YouTube: threads with replies, its errors, and the bucket of searches."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web as aio
from pydantic import ValidationError

from sources.base import BACKOFF_LONG, BACKOFF_SHORT, Cursor, Page, PostKind, SourceError
from sources.registry import build
from sources.youtube import YouTubeSettings, midnight
from tests.fakes import START, FixedClock, PlainHttp, plain_http, source_tools
from tests.servers import Web
from tests.sources.benches.bench import Item
from tests.sources.benches.youtube import VIDEO, error, thread

CHANNEL = "UC_x5XG1OV2P6uZZ5FSM9Ttw"
KEYS = {"name": "mine", "type": "youtube", "key": "s3cret"}
TO_MIDNIGHT = 20 * 3600  # START is four in the morning in California


@dataclass(slots=True)
class Tube:
    web: Web
    http: PlainHttp
    clock: FixedClock = field(default_factory=FixedClock)

    def part(self, name: str, **settings: Any) -> Any:
        config = YouTubeSettings.model_validate(KEYS | {"base_url": self.web.base} | settings)
        return build(config, source_tools(self.http, clock=self.clock))[name]

    async def comments(self, cursor: Cursor | None = None) -> Page:
        page: Page = await self.part(f"video/{VIDEO}", videos=[VIDEO]).fetch(cursor or {})
        return page

    async def search(self, cursor: Cursor, *queries: str, **settings: Any) -> Page:
        page: Page = await self.part("search", search=queries or ("acme",), **settings).fetch(cursor)
        return page


@pytest.fixture
async def tube(web: Web) -> AsyncIterator[Tube]:
    async with plain_http() as http:
        yield Tube(web, http)


def video(number: int, **changes: Any) -> dict[str, Any]:
    at = (START - timedelta(minutes=number)).isoformat().replace("+00:00", "Z")
    snippet = {"title": "It&#39;s Acme", "description": "A &amp; B", "channelTitle": "Kim", "publishedAt": at}
    return {"id": {"kind": "youtube#video", "videoId": f"video-{number:05}"}, "snippet": snippet | changes}


async def test_a_thread_with_replies(tube: Tube) -> None:
    found = thread(Item(1, START - timedelta(minutes=3), "Geht nicht &lt;3"))
    reply = {"id": "Ugx1.9a", "snippet": found["snippet"]["topLevelComment"]["snippet"] | {"parentId": "Ugx1"}}
    reply["snippet"] = reply["snippet"] | {"publishedAt": "2026-11-21T11:59:00Z", "textDisplay": "Doch"}
    broken = {"id": "Ugx1.9b", "snippet": {"textDisplay": "undated"}}
    found["replies"] = {"comments": [reply, broken, "x"]}
    tube.web["/youtube/v3/commentThreads"] = (200, {}, json.dumps({"items": [found]}).encode())
    first, second = (await tube.comments()).posts
    assert (first.external_id, first.text, first.author) == ("Ugx1", "Geht nicht <3", "@kim")
    assert (first.url, first.thread, first.parent) == (f"https://www.youtube.com/watch?v={VIDEO}&lc=Ugx1", VIDEO, VIDEO)
    assert (first.kind, first.engagement, first.title) == (PostKind.COMMENT, 2, "")
    assert (second.external_id, second.parent, second.thread, second.text) == ("Ugx1.9a", "Ugx1", VIDEO, "Doch")


async def test_a_part_for_each_channel_and_video_and_one_for_all_searches(tube: Tube) -> None:
    config = YouTubeSettings.model_validate(KEYS | {"channels": [CHANNEL], "videos": [VIDEO], "search": ("a", "b")})
    assert list(build(config, source_tools(tube.http))) == [f"channel/{CHANNEL}", f"video/{VIDEO}", "search"]
    tube.web["/youtube/v3/commentThreads"] = (200, {}, b'{"items": []}')
    await tube.part(f"channel/{CHANNEL}", channels=[CHANNEL]).fetch({})
    assert f"allThreadsRelatedToChannelId={CHANNEL}&key=s3cret" in tube.web.requests[-1].path


async def test_a_page_token_that_ran_out_ends_the_pass_and_loses_nothing(tube: Tube) -> None:
    tube.web["/youtube/v3/commentThreads"] = error(400, "invalidPageToken", "The request specifies an invalid token.")
    page = await tube.comments({"floor": 5, "top": 9, "next": 7, "page": "Q1"})
    assert (page.cursor, page.more) == ({"floor": 5}, False)
    assert page.notices == ("a page token ran out: the pass begins anew",)
    with pytest.raises(SourceError, match="invalidPageToken"):
        await tube.comments({"floor": 5})


async def test_a_used_up_quota_is_waited_for_until_midnight_in_california(tube: Tube) -> None:
    tube.web["/youtube/v3/commentThreads"] = error(403, "quotaExceeded", "You have exceeded your quota.")
    with pytest.raises(SourceError) as caught:
        await tube.comments()
    assert caught.value.retry_after == TO_MIDNIGHT
    assert tube.http.paused == [(tube.web.url("/youtube/v3/commentThreads"), TO_MIDNIGHT)]
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("now", "hours"),
    [
        (datetime(2026, 3, 8, 7, 59, tzinfo=UTC), 1 / 60),  # clocks go forward that night: midnight is at 8:00 UTC
        (datetime(2026, 3, 8, 8, 0, tzinfo=UTC), 23),
        (datetime(2026, 11, 1, 7, 0, tzinfo=UTC), 25),
    ],
)
def test_midnight_where_clocks_change(now: datetime, hours: float) -> None:
    assert midnight(now) == pytest.approx(hours * 3600)


@pytest.mark.parametrize(
    ("said", "permanent", "retry_after"),
    [
        (error(400, "keyInvalid", "Bad Request"), True, None),
        (error(403, "commentsDisabled", "x"), False, None),
        (error(403, "accessNotConfigured", "x"), False, None),
        (error(403, "rateLimitExceeded", "x"), False, 60),
        ((403, {}, b"<html>"), False, None),
        ((403, {}, b'{"error": {"errors": "x", "details": [1, {"reason": 2}]}}'), False, None),
    ],
)
async def test_errors_in_their_own_form(tube: Tube, said: Any, permanent: bool, retry_after: float | None) -> None:
    tube.web["/youtube/v3/commentThreads"] = said
    with pytest.raises(SourceError) as caught:
        await tube.comments()
    assert (caught.value.permanent, caught.value.retry_after) == (permanent, retry_after)
    assert caught.value.backoff_limit == (BACKOFF_SHORT if retry_after else BACKOFF_LONG)


async def test_a_video_that_a_search_finds(tube: Tube) -> None:
    channel = {"id": {"kind": "youtube#channel", "channelId": CHANNEL}, "snippet": {}}
    tube.web["/youtube/v3/search"] = (200, {}, json.dumps({"items": [video(1), channel]}).encode())
    page = await tube.search({})
    (post,) = page.posts
    assert (post.external_id, post.title, post.text, post.author) == ("video-00001", "It's Acme", "A & B", "Kim")
    assert post.url == "https://www.youtube.com/watch?v=video-00001"
    assert "publishedAfter=2026-11-20T12:00:00Z" in tube.web.requests[-1].path
    assert page.left == "89 of 90 searches until midnight Pacific time"
    assert page.notices == ("1 videos could not be read and were left out",)


async def test_searches_take_turns_and_are_spread_over_the_day(tube: Tube) -> None:
    asked: list[str] = []

    async def show(request: aio.Request) -> aio.Response:
        asked.append(request.query["q"] + request.query.get("pageToken", ""))
        follows = {"nextPageToken": "2"} if asked[-1] == "a" else {}
        return aio.json_response({"items": [video(len(asked))]} | follows)

    tube.web["/youtube/v3/search"] = show
    cursor: Cursor = {}
    for more in (True, True, False):
        page = await tube.search(cursor, "a", "b", search_calls=96)
        assert page.more == more
        cursor = json.loads(json.dumps(page.cursor))
    assert asked == ["a", "a2", "b"]
    tube.clock.advance(timedelta(minutes=29))
    page = await tube.search(cursor, "a", "b", search_calls=96)
    assert (page.cursor, page.body, page.posts) == (cursor, False, ())
    tube.clock.advance(timedelta(minutes=2))
    await tube.search(cursor, "a", "b", search_calls=96)
    assert asked[3:] == ["a"]


async def test_the_bucket_is_never_exceeded_and_renewed_at_midnight(tube: Tube) -> None:
    tube.web["/youtube/v3/search"] = (200, {}, json.dumps({"items": [video(1)], "nextPageToken": "x"}).encode())
    cursor: Cursor = {}
    for _ in range(3):
        cursor = (await tube.search(cursor, search_calls=3)).cursor
    asked = len(tube.web.requests)
    with pytest.raises(SourceError, match="used up") as caught:
        await tube.search(cursor, search_calls=3)
    assert caught.value.retry_after == TO_MIDNIGHT
    assert len(tube.web.requests) == asked
    tube.clock.advance(timedelta(seconds=TO_MIDNIGHT))
    assert (await tube.search(cursor, search_calls=3)).cursor["spent"] == 1


async def test_a_bucket_that_others_used_up_does_not_hold_up_the_comments(tube: Tube) -> None:
    tube.web["/youtube/v3/search"] = error(403, "quotaExceeded", "x")
    with pytest.raises(SourceError) as caught:
        await tube.search({})
    assert caught.value.retry_after == TO_MIDNIGHT
    assert tube.http.paused == []


async def test_a_probe_spends_no_search(tube: Tube) -> None:
    tube.web["/youtube/v3/i18nLanguages"] = (200, {}, b'{"items": []}')
    assert await tube.part("search", search=("a", "b")).probe() == "the key works; 2 searches share 90 calls a day"


async def test_a_search_that_was_taken_out_leaves_no_hole(tube: Tube) -> None:
    tube.web["/youtube/v3/search"] = (200, {}, json.dumps({"items": [video(1)]}).encode())
    page = await tube.search({"query": 5, "walks": {"gone": 3, "acme": "x"}, "day": 7, "spent": "x"})
    assert len(page.posts) == 1
    assert not page.more


@pytest.mark.parametrize(
    "changes", [{}, {"channels": ["acme"]}, {"videos": ["short"]}, {"search": ("a",), "search_calls": 0}, {"key": None}]
)
def test_mistakes_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        YouTubeSettings.model_validate(KEYS | changes)
