"""From a PostView or a CommentView of Lemmy's API to a post."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sources.base import Post, PostKind
from sources.dates import published
from sources.feed_identity import stable_id
from sources.http import web_link
from sources.shape import Item, counted, flag, item, text, whole
from sources.text import html_to_text, plain_text

ERASED = "*Permanently Deleted*"  # what stands in place of what an erased account wrote


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes posts of one source. `noun` is the key of a view that holds the thing itself."""

    source: str
    noun: Literal["post", "comment"]

    def post(self, view: Item, page: list[Item], now: datetime) -> Post | None:
        """`page` is what it was listed with: there the comment that it answers may be found."""
        thing = item(view, self.noun)
        identity = text(thing, "ap_id")
        if not identity:
            return None
        published_at, dated = published(text(thing, "published"), now)
        body = text(thing, "body") or text(thing, "content")
        is_post = self.noun == "post"
        link = plain_text(text(thing, "url"))
        return Post(
            source=self.source,
            external_id=stable_id(identity),
            url=web_link(identity),
            title=plain_text(text(thing, "name")),
            text="\n\n".join(filter(None, (html_to_text(body), link))),
            author=_account(item(view, "creator")),
            kind=PostKind.POST if is_post else PostKind.COMMENT,
            thread=stable_id(identity if is_post else text(view, "post", "ap_id")) or None,
            parent=None if is_post else _parent(view, page),
            engagement=counted(item(view, "counts"), "upvotes", "comments" if is_post else "child_count"),
            published_at=published_at,
            published_raw=text(thing, "published") or None,
            dated=dated,
            raw=body,
        )


def is_gone(view: Item, noun: str) -> bool:
    """Deleted by its author, or removed by a moderator."""
    thing = item(view, noun)
    is_erased = ERASED in (text(thing, "content"), text(thing, "name"))
    return bool(text(thing, "ap_id")) and bool(is_erased or flag(thing, "deleted") or flag(thing, "removed"))


def _account(creator: Item) -> str | None:
    """`name@instance`: names are unique within an instance only."""
    name = plain_text(text(creator, "name"))
    host = text(creator, "actor_id").partition("://")[2].partition("/")[0]
    return f"{name}@{host}" if name and host else name or None


def _parent(view: Item, page: list[Item]) -> str | None:
    """What a comment answers: its post, or a comment, whose address only the list itself may tell.

    `path` is `0.12.15`: the ids within the instance from the first comment down to this one.
    """
    above = text(view, "comment", "path").split(".")[1:-1]
    if not above:
        return stable_id(text(view, "post", "ap_id")) or None
    for other in page:
        if str(whole(other, "comment", "id")) == above[-1]:
            return stable_id(text(other, "comment", "ap_id")) or None
    return None
