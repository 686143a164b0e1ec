"""What Meta pushes about Pages, Instagram, WhatsApp and Messenger, read to posts, deletions, and ids to look up.

All share one frame, `entry[]` with `changes[]` (`field`, `value`) or `messaging[]`; the fields are those of
developers.facebook.com, Webhooks reference: page (feed, mention, ratings), instagram (comments, live_comments,
mentions), WhatsApp Business (messages); Messenger Platform, webhook events. Whoever owns the Page, account or number
is left out: that is the brand itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from sources.base import JSON, Post, PostKind
from sources.feed_identity import digest
from sources.http import web_link
from sources.shape import find, flag, item, items, moment, number, reference, text
from sources.text import html_to_text, plain_text

WORDLESS = frozenset(  # fields and items that tell of something nobody wrote
    {
        *("reaction", "like", "story_insights", "message_reads", "message_deliveries", "message_reactions", "history"),
        *("messaging_seen", "messaging_optins", "messaging_referrals", "messaging_handovers", "message_echoes"),
        *("smb_message_echoes", "smb_app_state_sync", "message_template_status_update", "account_update"),
        "phone_number_quality_update",
    }
)
WRITTEN = ("add", "edited", "edit", "update")  # verbs
_GRAPH_ID = re.compile(r"\d+(_\d+)*", re.ASCII)
MILLISECONDS = 100_000_000_000  # from here on a time is in them


@dataclass(frozen=True, slots=True)
class Removed:
    """What its author or the brand took away."""

    external_id: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Something that mentions the brand, of which only the id came. `owner` is the account that it mentions."""

    place: str  # instagram media, instagram comment, or page
    owner: str
    id: str

    def __str__(self) -> str:
        return f"{self.place} {self.id}"

    @property
    def is_askable(self) -> bool:
        """Whether the ids are such as the Graph API has, and may stand in an address."""
        return bool(_GRAPH_ID.fullmatch(self.id) and _GRAPH_ID.fullmatch(self.owner))


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that could not be read."""

    what: str


Event: TypeAlias = Post | Removed | Wanted | Unread


@dataclass(frozen=True, slots=True)
class Reading:
    """How the deliveries of one source are read; `received` is when one came."""

    source: str
    received: datetime

    def events(self, body: JSON) -> Iterator[Event]:
        """What a delivery tells, in its order."""
        entries = items(body, "entry")
        if not entries:
            yield Unread("no `entry`")
        for entry in entries:
            owner = reference(entry, "id") or ""
            for change in items(entry, "changes"):
                yield from self._change(text(body, "object"), owner, find(entry, "time"), change)
            for event in (*items(entry, "messaging"), *items(entry, "standby")):
                yield from self._message(owner, event)

    def _change(self, kind: str, owner: str, time: JSON, change: JSON) -> Iterator[Event]:
        field, value = text(change, "field"), item(change, "value")
        match field:
            case "feed" | "mention" | "group_feed":
                yield from self._page(field, owner, time, value)
            case "ratings":
                yield from self._rating(owner, time, value)
            case "comments" | "live_comments":
                yield from self._instagram_comment(owner, time, value)
            case "mentions":
                yield from self._instagram_mention(owner, value)
            case "messages" if kind == "whatsapp_business_account":
                yield from self._whatsapp(value)
            case "messages" | "messaging_postbacks" | "message_edit" | "message_edits":
                yield from self._message(owner, value)
            case _ if field not in WORDLESS:
                yield Unread(f"the field {plain_text(field)[:40]!r} is not read")

    def _page(self, field: str, owner: str, time: JSON, value: JSON) -> Iterator[Event]:
        what, verb = text(value, "item"), text(value, "verb")
        is_comment = what == "comment"
        name = reference(value, "comment_id") if is_comment else reference(value, "post_id")
        if what in WORDLESS or verb not in (*WRITTEN, "remove"):
            return
        if name is None:
            yield Unread(f"a {plain_text(field)} without its id")
        elif verb == "remove":
            yield Removed(name)
        elif owner not in _writers(value):
            if text(value, "message"):
                yield self._page_post(name, time, value, is_comment=is_comment)
            elif field == "mention":
                yield Wanted("page", owner, name)

    def _page_post(self, name: str, time: JSON, value: JSON, *, is_comment: bool) -> Post:
        thread = reference(value, "post_id")
        return self._post(
            name,
            text(value, "message"),
            time=find(value, "created_time") or time,
            author=text(value, "from", "name") or text(value, "sender_name"),
            url=text(value, "permalink_url") or text(value, "post", "permalink_url"),
            kind=PostKind.COMMENT if is_comment else PostKind.POST,
            parent=(reference(value, "parent_id") or thread) if is_comment else None,
            thread=thread,
        )

    def _rating(self, owner: str, time: JSON, value: JSON) -> Iterator[Event]:
        if text(value, "item") == "comment":
            yield from self._page("ratings", owner, time, value)
            return
        name = reference(value, "open_graph_story_id") or reference(value, "review_id")
        if name is not None and text(value, "verb") == "remove":
            yield Removed(name)
        elif name is not None and text(value, "verb") in WRITTEN:
            yield self._post(
                name,
                text(value, "review_text"),
                time=find(value, "created_time") or time,
                author=text(value, "reviewer_name"),
                kind=PostKind.REVIEW,
                rating=number(value, "rating"),
            )

    def _instagram_comment(self, owner: str, time: JSON, value: JSON) -> Iterator[Event]:
        name, media = reference(value, "id"), reference(value, "media", "id")
        if name is None:
            yield Unread("an Instagram comment without its id")
        elif owner not in _writers(value):
            yield self._post(
                name,
                text(value, "text"),
                time=time,
                author=text(value, "from", "username"),
                kind=PostKind.COMMENT,
                parent=reference(value, "parent_id") or media,
                thread=media,
            )

    def _instagram_mention(self, owner: str, value: JSON) -> Iterator[Event]:
        comment, media = reference(value, "comment_id"), reference(value, "media_id")
        if comment:
            yield Wanted("instagram comment", owner, comment)
        elif media:
            yield Wanted("instagram media", owner, media)
        else:
            yield Unread("an Instagram mention without its id")

    def _whatsapp(self, value: JSON) -> Iterator[Event]:
        names = {text(each, "wa_id"): text(each, "profile", "name") for each in items(value, "contacts")}
        own = {reference(value, "metadata", key) for key in ("display_phone_number", "phone_number_id")}
        for message in items(value, "messages"):
            name, sender = reference(message, "id"), text(message, "from")
            if name is None:
                yield Unread("a WhatsApp message without its id")
            elif sender not in own and (words := _whatsapp_words(message)):
                yield self._post(
                    name,
                    words,
                    time=find(message, "timestamp"),
                    author=names.get(sender) or sender,
                    kind=PostKind.MESSAGE,
                    parent=reference(message, "context", "id"),
                    thread=digest(f"{text(value, 'metadata', 'phone_number_id')} {sender}"),
                )

    def _message(self, owner: str, event: JSON) -> Iterator[Event]:
        """An event of Messenger or of Instagram's messages."""
        message = item(event, "message") or item(event, "message_edit") or item(event, "postback")
        name, sender = reference(message, "mid"), reference(event, "sender", "id")
        if not message or flag(message, "is_echo") or sender == owner:
            return
        if name is None:
            yield Unread("a message without its id")
        elif flag(message, "is_deleted"):
            yield Removed(name)
        elif words := text(message, "text") or text(message, "title"):
            yield self._post(
                name,
                words,
                time=find(event, "timestamp"),
                author=sender or "",
                kind=PostKind.MESSAGE,
                parent=reference(message, "reply_to", "mid"),
                thread=f"{owner}:{sender}",
            )

    def _post(
        self,
        name: str,
        words: str,
        *,
        time: JSON,
        author: str,
        kind: PostKind,
        url: str = "",
        parent: str | None = None,
        thread: str | None = None,
        rating: float | None = None,
    ) -> Post:
        return Post(
            source=self.source,
            external_id=name,
            text=html_to_text(words),
            published_at=self._moment(time),
            author=plain_text(author) or None,
            url=web_link(url),
            kind=kind,
            parent=parent,
            thread=thread,
            rating=rating,
            raw=words,
        )

    def _moment(self, time: JSON) -> datetime:
        """Seconds or milliseconds since 1970, as number or text; else the time of arrival."""
        said = text(time)
        seconds = float(said) if said.isascii() and said.isdigit() and len(said) < 20 else number(time)
        if seconds is not None and seconds >= MILLISECONDS:
            seconds /= 1000
        when = moment(seconds) if seconds else None
        return min(when, self.received) if when else self.received


def _writers(value: JSON) -> set[str | None]:
    return {reference(value, "from", "id"), reference(value, "sender_id")}


def _whatsapp_words(message: JSON) -> str:
    """What a message says, by its type: also what stands under a picture, and on a button."""
    kind = text(message, "type")
    places: dict[str, tuple[tuple[str, ...], ...]] = {
        "text": (("text", "body"),),
        "button": (("button", "text"),),
        "interactive": (("interactive", "button_reply", "title"), ("interactive", "list_reply", "title")),
        "document": (("document", "caption"), ("document", "filename")),
        "order": (("order", "text"),),
    }
    found = (text(message, *place) for place in places.get(kind, ((kind, "caption"),)))
    return next(filter(None, found), "")
