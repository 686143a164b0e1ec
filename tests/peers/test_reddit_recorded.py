"""praw itself against a server that replays what Reddit once answered: every post and comment comes out whole."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import lxml.html
import pytest

from sources.base import Post, PostKind, SourceError
from sources.reddit import GONE, RedditSettings
from sources.registry import build
from tests.fakes import FixedClock, PlainHttp, plain_http, source_tools
from tests.peers.recordings import TOKEN, Exchange, exchanges
from tests.servers import Web

LATELY = "TestSubredditStreams.test_comments__with_continue_after_id"  # of 2023; most others are of 2016
FEWEST_ITEMS = 2000


@dataclass(slots=True)
class Replay:
    """Reddit as it was recorded; its clock stands when that was."""

    web: Web
    http: PlainHttp
    clock: FixedClock = field(default_factory=FixedClock)

    def __post_init__(self) -> None:
        token = next(each for each in exchanges(LATELY) if each.path == TOKEN)
        self.web[TOKEN] = token.answer

    def source(self, part: str = "r/recorded/new") -> Any:
        keys = {"name": "reddit", "type": "reddit", "subreddits": ["recorded", "test_subreddit"], "backlog": "1d"}
        login = {"client_id": "id", "client_secret": "secret", "base_url": self.web.base}
        return build(RedditSettings.model_validate(keys | login), source_tools(self.http, clock=self.clock))[part]

    def show(self, exchange: Exchange, path: str = "/r/recorded/new") -> None:
        self.clock.now = exchange.at
        self.web[path] = exchange.answer


@pytest.fixture
async def reddit(web: Web) -> Any:
    async with plain_http() as http:
        yield Replay(web, http)


def listings() -> Iterator[Exchange]:
    """Every recorded listing of posts and comments that shows something which none before it did."""
    known: set[str] = set()
    for exchange in exchanges():
        kinds = {child["kind"] for child in exchange.children}
        if exchange.method == "GET" and kinds and kinds <= {"t1", "t3"}:
            names = {child["data"]["name"] for child in exchange.children}
            if not names <= known:
                known |= names
                yield exchange


async def test_every_recorded_post_and_comment_comes_out_whole(reddit: Replay, say: Callable[[str], None]) -> None:
    source, count, wrong = reddit.source(), Counter[str](), []
    for exchange in listings():
        reddit.show(exchange)
        page = await source.fetch({})
        items = {child["data"]["name"]: child["data"] for child in exchange.children}
        count.update(listings=1, items=len(items), gone=len(page.deleted))
        assert page.notices == (), exchange.recording
        assert {*page.deleted, *(post.external_id for post in page.posts)} == items.keys(), exchange.recording
        assert [name for name in page.deleted if not has_nothing_to_say(items[name])] == []
        wrong += [found for post in page.posts if (found := differences(post, items[post.external_id]))]
    say(f"recorded listings of Reddit: {', '.join(f'{number} {name}' for name, number in count.items())}")
    assert wrong == []
    assert count["items"] >= FEWEST_ITEMS


def has_nothing_to_say(item: dict[str, Any]) -> bool:
    texts = {item.get("body"), item.get("selftext"), item.get("title")}
    return bool(texts & {*GONE, "[deleted by user]"} or item.get("removed_by_category"))


def differences(post: Post, item: dict[str, Any]) -> dict[str, tuple[object, object]]:
    """Where the post differs from what was recorded, read without praw and without our own code."""
    is_comment = item["name"].startswith("t1_")
    numbers = [item[key] for key in ("score", "num_comments") if key in item]
    pairs: dict[str, tuple[object, object]] = {
        "id": (post.external_id, item["name"]),
        "kind": (post.kind, PostKind.COMMENT if is_comment else PostKind.POST),
        "author": (post.author, None if item["author"] == "[deleted]" else item["author"]),
        "title": (post.title.split(), [] if is_comment else shown(item["title"]).split()),
        "words": (post.text.split(), shown(said_in(item)).split()),
        "parent": (post.parent, item.get("parent_id")),
        "thread": (post.thread, item.get("link_id", item["name"])),
        "at": (post.published_at.timestamp(), item["created_utc"]),
        "engagement": (post.engagement, sum(numbers) if numbers else None),
    }
    if "permalink" in item:
        pairs["url"] = (post.url, f"https://www.reddit.com{item['permalink']}")
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def said_in(item: dict[str, Any]) -> str:
    html = item.get("body_html") or item.get("selftext_html")
    words = "".join(map(str, lxml.html.fromstring(html).itertext())) if html else ""
    is_link = "title" in item and not item["is_self"]
    return f"{words} {item['url']}" if is_link else words


def shown(text: str) -> str:
    """As a browser shows it: old posts have letters of Windows-1252 as control characters; some signs are unseen."""
    text = re.sub("[\x80-\x9f]", lambda sign: bytes([ord(sign[0])]).decode("cp1252", "ignore"), text)
    return re.sub("[\ufeff\u00ad]", "", text)


async def test_praw_asks_what_it_asked_when_it_was_recorded(reddit: Replay) -> None:
    token, listing, *_ = exchanges(LATELY)
    reddit.show(listing, "/r/test_subreddit/comments")
    await reddit.source("r/test_subreddit/comments").fetch({})
    asked = [(request.method, request.path.replace("/?", "?")) for request in reddit.web.requests]
    assert asked == [(each.method, each.path.replace("/?", "?")) for each in (token, listing)]
    assert reddit.web.requests[1].headers["authorization"] == "bearer access_token"


async def test_what_is_left_of_the_limit_is_read_from_recorded_headers(reddit: Replay) -> None:
    listing = next(each for each in exchanges(LATELY) if each.children)
    assert listing.headers["x-ratelimit-remaining"] == "599.0"
    reddit.show(listing)
    page = await reddit.source().fetch({})
    assert page.left == f"599 of 600 requests until {listing.at + timedelta(seconds=525):%Y-%m-%d %H:%M} UTC"
    assert reddit.http.paused == []


async def test_a_pass_through_recorded_pages_ends_and_the_next_one_brings_what_is_new(reddit: Replay) -> None:
    """All comments of Reddit as they came within seconds: the next page is one that was recorded earlier."""
    recorded = [*exchanges("TestSubredditStreams.test_comments")]
    pages = [each for each in recorded if each.children]
    older, newer = min(pages, key=newest), max(pages, key=newest)
    reddit.show(older)
    source = reddit.source()
    first = await source.fetch({})
    reddit.show(next(each for each in recorded if b'"children": []' in each.body))
    ended = await source.fetch(first.cursor)
    assert (first.more, ended.more, ended.posts) == (True, False, ())
    reddit.show(newer)
    again = await source.fetch(ended.cursor)
    come = {child["data"]["name"] for child in newer.children} - {child["data"]["name"] for child in older.children}
    assert come
    assert come <= {post.external_id for post in again.posts}


def newest(listing: Exchange) -> float:
    return max(float(child["data"]["created_utc"]) for child in listing.children)


REFUSALS = {
    "TestAuthImplicit.test_implicit__with_invalid_token": (401, True, None, "Unauthorized"),
    "TestInbox.test_message__unauthorized": (403, False, None, "Forbidden"),
    "TestRedditors.test_partial_redditors__not_found": (404, False, None, "Not Found"),
    "TestSession.test_request__too__many_requests__with_retry_headers": (429, False, 4.0, "429"),
    "TestSession.test_request__internal_server_error": (500, False, None, "500"),
    "TestSession.test_request__bad_gateway": (502, False, None, "502"),
    "TestSession.test_request__service_unavailable": (503, False, None, "503"),
    "TestSession.test_request__gateway_timeout": (504, False, None, "504"),
    "TestSession.test_request__cloudflare_unknown_error": (520, False, None, "520"),
}


@pytest.mark.parametrize("recording", REFUSALS)
async def test_recorded_refusals_are_named(reddit: Replay, recording: str) -> None:
    status, permanent, pause, words = REFUSALS[recording]
    reddit.show(next(each for each in exchanges(recording) if each.status == status))
    with pytest.raises(SourceError, match=words) as refused:
        await reddit.source().fetch({})
    assert (refused.value.permanent, refused.value.retry_after) == (permanent, pause)


@pytest.mark.parametrize(
    ("recording", "permanent"),
    [
        ("TestAuthorizer.test_authorize__with_invalid_code", True),
        ("TestScriptAuthorizer.test_refresh__with_invalid_username_or_password", True),
        ("TestAuthorizer.test_refresh__with_invalid_token", False),
    ],
)
async def test_recorded_refusals_of_a_token_are_named(reddit: Replay, recording: str, permanent: bool) -> None:
    reddit.web[TOKEN] = next(each for each in exchanges(recording) if each.path == TOKEN).answer
    with pytest.raises(SourceError) as refused:
        await reddit.source().fetch({})
    assert refused.value.permanent == permanent
    assert "secret" not in str(refused.value)
