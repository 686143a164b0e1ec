"""A record `app.bsky.feed.post` (lexicon of the same name, bluesky-social/atproto) as a post.

A record says when its author wrote it; that is believed unless the network saw it earlier.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache

from sources.base import JSON, Post, PostKind
from sources.dates import EARLIEST
from sources.http import web_link
from sources.shape import Item, find, item, items, text
from sources.text import plain_text

COLLECTION = "app.bsky.feed.post"
PROFILE = "https://bsky.app/profile"
MOST_PARTS = 50  # links, titles and tags of one post


def read_post(
    record: Item,
    *,
    source: str,
    did: str,
    rkey: str,
    seen_at: datetime,
    author: str | None = None,
    engagement: int | None = None,
) -> Post | None:
    """The post; None where the record is none. `author` is the handle where it is known, else the DID stands there."""
    written = record.get("text")
    if not isinstance(written, str):
        return None
    uri = f"at://{did}/{COLLECTION}/{rkey}"
    reply = item(record, "reply") if "reply" in record else {}
    created = record.get("createdAt")
    return Post(
        source=source,
        external_id=uri,
        url=web_link(f"{PROFILE}/{did}/post/{rkey}"),
        text=plain_text(_whole(record, written)),
        author=author or did,
        lang=_language(record.get("langs")),
        kind=PostKind.COMMENT if reply else PostKind.POST,
        parent=(text(reply, "parent", "uri") or None) if reply else None,
        thread=(text(reply, "root", "uri") or uri) if reply else uri,
        engagement=engagement,
        published_at=_published(created, seen_at),
        published_raw=created if isinstance(created, str) else None,
        raw=written,
    )


def instant(value: JSON) -> datetime | None:
    """A datetime as atproto writes it (RFC 3339); None where it is none or before 1990."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        when = datetime.fromisoformat(value)
        if when.tzinfo is not UTC:
            when = when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return when if when >= EARLIEST else None


def _published(created: JSON, seen_at: datetime) -> datetime:
    when = instant(created)
    return seen_at if when is None else min(when, seen_at)


def _language(langs: JSON) -> str | None:
    first = find(langs, 0)
    return _primary(first) if isinstance(first, str) and len(first) <= 20 else None


@lru_cache(maxsize=1024)
def _primary(tag: str) -> str | None:
    """`de` of `de-AT`."""
    return plain_text(tag).split("-")[0].lower() or None


def _whole(record: Item, written: str) -> str:
    """The text with what readers see beside it: titles of link cards, descriptions of images, links, further tags."""
    if not ("facets" in record or "embed" in record or "tags" in record):
        return written
    found: dict[str, None] = {}
    for part in (*_embedded(record), *_links(record), *_tags(record)):
        if part and part not in written and len(found) < MOST_PARTS:
            found[part] = None
    return "\n".join((written, *found))


def _embedded(record: Item) -> Iterator[str]:
    embed = item(record, "embed")
    media = item(embed, "media") or embed  # recordWithMedia
    yield text(media, "external", "title")
    yield text(media, "alt")
    for image in (*items(media, "images"), *items(media, "items")):
        yield text(image, "alt")
    yield web_link(text(media, "external", "uri")) or ""


def _links(record: Item) -> Iterator[str]:
    for facet in items(record, "facets"):
        for feature in items(facet, "features"):
            yield web_link(text(feature, "uri")) or ""


def _tags(record: Item) -> Iterator[str]:
    tags = record.get("tags")
    for tag in tags if isinstance(tags, list) else ():
        if isinstance(tag, str):
            yield f"#{tag}"
