"""Presets: the feed's address out of the site's, and what its entries are."""

from __future__ import annotations

import json

import pytest

from sources.base import PostKind
from sources.feed import FeedSettings, FeedSource
from sources.feed_presets import Preset
from tests.fakes import FixedClock, JsonParser, plain_http
from tests.servers import Web

CHANNEL = "UCabcdefghijklmnopqrstuv"
CASES = [
    ("phpbb", "https://b.test", "https://b.test/feed.php", PostKind.POST),
    ("phpbb", "https://b.test/forum/index.php?sid=0123", "https://b.test/forum/feed.php", PostKind.POST),
    ("phpbb", "https://b.test/forum/viewforum.php?f=7", "https://b.test/forum/feed.php?f=7", PostKind.POST),
    ("xenforo", "https://b.test/", "https://b.test/forums/-/index.rss?order=post_date", PostKind.POST),
    (
        "xenforo",
        "https://b.test/c/forums/handys.12/",
        "https://b.test/c/forums/handys.12/index.rss?order=post_date",
        PostKind.POST,
    ),
    ("vbulletin", "https://b.test/vb/", "https://b.test/vb/external.php?type=RSS2", PostKind.POST),
    (
        "vbulletin",
        "https://b.test/vb/forumdisplay.php?f=3",
        "https://b.test/vb/external.php?type=RSS2&forumids=3",
        PostKind.POST,
    ),
    ("wordpress", "https://b.test/blog", "https://b.test/blog/?feed=rss2", PostKind.ARTICLE),
    ("wordpress-comments", "https://b.test/", "https://b.test/?feed=comments-rss2", PostKind.COMMENT),
    ("lobsters", "https://lobste.rs", "https://lobste.rs/newest.rss", PostKind.POST),
    ("lobsters-comments", "https://lobste.rs/", "https://lobste.rs/comments.rss", PostKind.COMMENT),
    (
        "youtube-channel",
        f"https://www.youtube.com/channel/{CHANNEL}/videos",
        f"https://www.youtube.com/feeds/videos.xml?channel_id={CHANNEL}",
        PostKind.POST,
    ),
    (
        "youtube-channel",
        "https://www.youtube.com/playlist?list=PLabc",
        "https://www.youtube.com/feeds/videos.xml?playlist_id=PLabc",
        PostKind.POST,
    ),
    ("youtube-channel", "https://www.youtube.com/@acme", "https://www.youtube.com/@acme", PostKind.POST),
]


def settings(preset: str, url: str, **keys: str) -> FeedSettings:
    return FeedSettings.model_validate({"name": "b", "type": "feed", "preset": preset, "url": url} | keys)


def test_every_preset_has_a_case() -> None:
    assert {case[0] for case in CASES} == set(Preset)


@pytest.mark.parametrize(("preset", "url", "address", "kind"), CASES)
async def test_a_preset_makes_the_address_and_sets_the_kind(
    web: Web, preset: str, url: str, address: str, kind: PostKind
) -> None:
    config = settings(preset, url, base_url=web.base)
    assert config.address == address
    path = "/" + address.split("/", 3)[3]
    entry = {"id": "https://b.test/1", "link": "https://b.test/1", "title": "T"}
    web[path.partition("?")[0]] = (200, {}, json.dumps({"entries": [entry]}).encode())
    async with plain_http() as http:
        (post,) = (await FeedSource(config, http, JsonParser(), FixedClock()).fetch({})).posts
    assert post.kind is kind
    assert [request.path for request in web.requests] == [path]
