"""What Mastodon's streaming API sends over a WebSocket (docs.joinmastodon.org, methods/streaming), as pages.

An event is `{"stream": ["hashtag", TAG], "event": NAME, "payload": STRING}`. For `update` and `status.update` the
payload is a status, written as JSON within the string; for `delete` it is the id that the status has on this instance
alone. Which status that was is known of those that this connection has shown, the last 10,000 of them; other deletions
are passed over. `{"error": WHY, "status": HTTP STATUS}` is the answer to a subscription that was refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sources.base import JSON, Page, Post, SourceError
from sources.mastodon_status import read_status
from sources.shape import changed, item, text, whole

MOST_SHOWN = 10_000
LONGEST_ID = 64  # of a status on its instance; one that is longer is not remembered
MOST_ODD = 5  # messages in a row that are no events: this is another protocol


@dataclass(slots=True)
class Events:
    """What one connection tells of, page by page. `shown`: external ids by ids of the instance, the last one newest.

    refused: makes the error of what a subscription was refused with. ended: why nothing more is to be expected.
    """

    source: str
    host: str
    refused: Callable[[int, str], SourceError]
    shown: dict[str, str] = field(default_factory=dict)
    ended: SourceError | None = None
    _odd: int = 0

    def page(self, messages: list[bytes], now: datetime) -> Page:
        news, unreadable = _News(now), 0
        for message in messages:
            is_event = self._take(_decoded(message), news)
            unreadable += not is_event
            self._odd = 0 if is_event else self._odd + 1
        if self._odd >= MOST_ODD:
            self.ended = self.ended or changed("messages that are no events")
        return Page(
            posts=tuple(sorted(news.posts.values(), key=lambda post: post.published_at)),
            cursor={},
            body=bool(messages),
            edited=tuple(news.edited),
            deleted=tuple(news.deleted),
            notices=(f"{unreadable} events could not be read and were left out",) if unreadable else (),
            reached=now,
        )

    def _take(self, said: JSON, news: _News) -> bool:
        """Whether it is an event, of whatever kind."""
        event, payload = text(said, "event"), text(said, "payload")
        if event in ("update", "status.update"):
            return self._show(_decoded(payload), news, is_edit=event == "status.update")
        if event == "delete":
            gone = self.shown.pop(payload, None)
            if gone is not None:
                news.delete(gone)
            return bool(payload)
        if not event and text(said, "error"):
            self.ended = self.refused(whole(said, "status") or 500, text(said, "error")[:300])
            return True
        return bool(event)

    def _show(self, status: JSON, news: _News, *, is_edit: bool) -> bool:
        post = read_status(item(status), source=self.source, host=self.host, now=news.now)
        if post is None:
            return False
        news.show(post, is_edit=is_edit)
        self._remember(text(status, "id"), post.external_id)
        return True

    def _remember(self, number: str, external_id: str) -> None:
        if len(number) > LONGEST_ID:
            return
        self.shown.pop(number, None)
        self.shown[number] = external_id
        if len(self.shown) > MOST_SHOWN:
            del self.shown[next(iter(self.shown))]


@dataclass(slots=True)
class _News:
    """What the messages of one page come to, in their order."""

    now: datetime
    posts: dict[str, Post] = field(default_factory=dict)
    edited: dict[str, None] = field(default_factory=dict)
    deleted: dict[str, None] = field(default_factory=dict)

    def show(self, post: Post, *, is_edit: bool) -> None:
        if is_edit or post.external_id in self.deleted:
            self.edited[post.external_id] = None
        self.deleted.pop(post.external_id, None)
        self.posts[post.external_id] = post

    def delete(self, external_id: str) -> None:
        self.posts.pop(external_id, None)
        self.edited.pop(external_id, None)
        self.deleted[external_id] = None


def _decoded(written: str | bytes) -> JSON:
    try:
        said: JSON = json.loads(written)
    except (ValueError, RecursionError):
        return None
    return said
