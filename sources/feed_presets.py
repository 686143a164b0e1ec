"""From the address of a board, a blog or a channel to that of its feed, where its software is known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from sources.base import PostKind


class Preset(StrEnum):
    """The software of a site, and which of its feeds."""

    PHPBB = "phpbb"
    XENFORO = "xenforo"
    VBULLETIN = "vbulletin"
    WORDPRESS = "wordpress"
    WORDPRESS_COMMENTS = "wordpress-comments"
    LOBSTERS = "lobsters"
    LOBSTERS_COMMENTS = "lobsters-comments"
    YOUTUBE_CHANNEL = "youtube-channel"


@dataclass(frozen=True, slots=True)
class _Recipe:
    """`place` is appended to the folder of the address; `query` maps keys of the address to those of the feed."""

    kind: PostKind
    place: str
    fixed: str = ""  # query string
    query: Mapping[str, str] | None = None


_RECIPES = {
    Preset.PHPBB: _Recipe(PostKind.POST, "feed.php", query={"f": "f", "t": "t", "mode": "mode"}),
    Preset.XENFORO: _Recipe(PostKind.POST, "index.rss", "order=post_date"),
    Preset.VBULLETIN: _Recipe(PostKind.POST, "external.php", "type=RSS2", {"f": "forumids", "forumids": "forumids"}),
    Preset.WORDPRESS: _Recipe(PostKind.ARTICLE, "", "feed=rss2"),
    Preset.WORDPRESS_COMMENTS: _Recipe(PostKind.COMMENT, "", "feed=comments-rss2"),
    Preset.LOBSTERS: _Recipe(PostKind.POST, "newest.rss"),
    Preset.LOBSTERS_COMMENTS: _Recipe(PostKind.COMMENT, "comments.rss"),
}
_FORUM = re.compile(r"/forums/[^/]+$")  # of XenForo: /forums/name.12/
_CHANNEL = re.compile(r"/channel/(UC[\w-]{22})(?:/|$)")


def kind_of(preset: Preset) -> PostKind:
    """What the entries of its feed are."""
    return PostKind.POST if preset is Preset.YOUTUBE_CHANNEL else _RECIPES[preset].kind


def feed_address(preset: Preset, url: str) -> str:
    """The address of the feed; that of the page where only the page can say it (a YouTube handle)."""
    if preset is Preset.YOUTUBE_CHANNEL:
        return _youtube(url)
    recipe = _RECIPES[preset]
    parts = urlsplit(url)
    folder = _folder(parts.path)
    if preset is Preset.XENFORO and not _FORUM.search(folder):
        folder += "/forums/-"
    given = parse_qs(parts.query)
    taken = {ours: given[theirs][0] for theirs, ours in (recipe.query or {}).items() if theirs in given}
    query = "&".join(filter(None, (recipe.fixed, urlencode(taken))))
    return urlunsplit((parts.scheme, parts.netloc, f"{folder}/{recipe.place}", query, ""))


def _folder(path: str) -> str:
    """The path without the page in it (`/board/index.php`), if there is one."""
    folder, _, page = path.rstrip("/").rpartition("/")
    return folder if page.endswith((".php", ".html", ".htm")) else path.rstrip("/")


def _youtube(url: str) -> str:
    parts = urlsplit(url)
    channel = _CHANNEL.match(parts.path)
    playlist = parse_qs(parts.query).get("list")
    if channel is None and playlist is None:
        return url
    key, value = ("channel_id", channel[1]) if channel else ("playlist_id", (playlist or [""])[0])
    return urlunsplit((parts.scheme, parts.netloc, "/feeds/videos.xml", urlencode({key: value}), ""))
