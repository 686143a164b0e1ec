"""A status of Mastodon's API (docs.joinmastodon.org, entities/Status) as a post.

The same status has another `id` on every instance, but one `uri`: that is what it is known by. Accounts of the
instance itself are named there without it; it is added, so that an author is called the same everywhere.
"""

from __future__ import annotations

from datetime import datetime

from sources.base import Post, PostKind
from sources.dates import published
from sources.feed_identity import stable_id
from sources.http import web_link
from sources.shape import Item, counted, items, text, whole
from sources.text import html_to_text, plain_text

COUNTS = ("replies_count", "reblogs_count", "favourites_count", "quotes_count")
MOST_MEDIA = 16


def read_status(status: Item, *, source: str, host: str, now: datetime) -> Post | None:
    """The post; None where the status is none. `host` is that of the instance."""
    uri, number = text(status, "uri") or text(status, "url"), text(status, "id")
    if not uri or not number or not isinstance(status.get("content"), str):
        return None
    published_at, dated = published(text(status, "created_at"), now)
    answers = text(status, "in_reply_to_id")
    pictures = [text(media, "description") for media in items(status, "media_attachments")[:MOST_MEDIA]]
    return Post(
        source=source,
        external_id=stable_id(uri),
        url=web_link(text(status, "url")) or web_link(uri),
        title=plain_text(text(status, "spoiler_text")),
        text="\n".join(filter(None, (html_to_text(text(status, "content")), *map(plain_text, pictures)))),
        author=_account(plain_text(text(status, "account", "acct")), host),
        lang=plain_text(text(status, "language"))[:8].split("-")[0].lower() or None,
        kind=PostKind.COMMENT if answers else PostKind.POST,
        parent=f"{host}/{plain_text(answers)}" if answers else None,
        engagement=counted(status, *COUNTS),
        followers=whole(status, "account", "followers_count"),
        published_at=published_at,
        published_raw=text(status, "created_at") or None,
        dated=dated,
        raw=text(status, "content"),
    )


def _account(name: str, host: str) -> str | None:
    if not name:
        return None
    return name if "@" in name else f"{name}@{host}"
