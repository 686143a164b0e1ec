"""Facebook Pages, Instagram, WhatsApp and Messenger: what Meta pushes about the brand's own accounts.

The handshake and signatures follow developers.facebook.com, Webhooks, Getting started. Meta keeps nothing to be asked
for later, so a delivery is in the inbox before it is acknowledged. Of mentions often only the id comes: they are looked
up through the Graph API where there is a token.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field, SecretStr, model_validator

from sources.base import (
    JSON,
    Clock,
    Cursor,
    Duration,
    Http,
    Inbox,
    Interval,
    Kept,
    Page,
    Post,
    PostKind,
    Pushed,
    Reply,
    SourceError,
    SourceSettings,
)
from sources.dates import published
from sources.http import based, web_link
from sources.mapping import read_items
from sources.meta_events import Event, Reading, Removed, Unread, Wanted
from sources.meta_graph import ADDRESS, Graph
from sources.shape import Item, counted, item, reference, text, whole
from sources.text import html_to_text, plain_text

PAGE_BODIES = 20
MOST_LOOKUPS = 200  # on one page
NOTICES = 20
PATIENCE = timedelta(hours=1)  # for which a look-up that fails is tried again; then its id stays in a notice
COMMENT_FIELDS = "id,text,timestamp,username,like_count,media{id,permalink}"
MEDIA_FIELDS = "id,caption,timestamp,username,permalink,like_count,comments_count"
PAGE_FIELDS = "id,message,created_time,from{id,name},permalink_url"


class MetaSettings(SourceSettings):
    """An app of Meta's that is subscribed to Pages, Instagram accounts or WhatsApp numbers."""

    type: Literal["meta"]
    app_secret: SecretStr = Field(min_length=1, description="the app's secret: deliveries are signed with it")
    verify_token: SecretStr = Field(min_length=1, description="what the app's webhook is set up with, of your choice")
    page_id: str | None = Field(None, pattern=r"^\d+$", description="the Page whose comments are asked for too")
    page_token: SecretStr | None = Field(None, description="its access token; also for looking up mentions")
    posts_within: Interval = Field(timedelta(days=14), description="how old posts may be whose comments are asked for")
    every: Interval = Field(timedelta(minutes=5), description="pause between two passes over comments")
    backlog: Duration = Field(timedelta(days=1), description="how far back a first pass alerts")

    @model_validator(mode="after")
    def _is_complete(self) -> MetaSettings:
        if (self.page_id is None) != (self.page_token is None):
            raise ValueError("page_id and page_token go together")
        return self


def graph_of(config: MetaSettings, http: Http, clock: Clock) -> Graph | None:
    """The API with the token of the settings."""
    if config.page_token is None:
        return None
    secrets = {"token": config.page_token.get_secret_value(), "app_secret": config.app_secret.get_secret_value()}
    return Graph(http, clock, address=based(config.base_url, ADDRESS), **secrets)


class MetaSource:
    """Takes deliveries and reads them from the inbox."""

    overlap = timedelta(0)
    methods = ("GET", "POST")
    largest = 2**20  # Meta's batches have a thousand changes at the most

    def __init__(self, config: MetaSettings, graph: Graph | None, inbox: Inbox, clock: Clock) -> None:
        self._config = config
        self._graph = graph
        self._inbox = inbox
        self._clock = clock

    def accept(self, pushed: Pushed) -> Reply:
        if pushed.method == "GET":
            return self._handshake(pushed)
        given = pushed.headers.get("x-hub-signature-256", "").encode("utf-8", "surrogateescape")
        secret = self._config.app_secret.get_secret_value().encode()
        expected = "sha256=" + hmac.digest(secret, pushed.body, hashlib.sha256).hex()
        if not hmac.compare_digest(given, expected.encode()):
            return Reply(status=401, text="X-Hub-Signature-256 is not that of the body")
        try:
            read_items(pushed.body)
        except ValueError as error:
            return Reply(status=400, text=str(error))
        return Reply(text="kept", key=hashlib.sha256(pushed.body).hexdigest())

    def _handshake(self, pushed: Pushed) -> Reply:
        """How Meta asks whether this is the right place; it is not signed."""
        token = pushed.query.get("hub.verify_token", "").encode("utf-8", "surrogateescape")
        known = self._config.verify_token.get_secret_value().encode()
        if pushed.query.get("hub.mode") != "subscribe" or not hmac.compare_digest(token, known):
            return Reply(status=403, text="not the verify_token of this source")
        return Reply(text=pushed.query.get("hub.challenge", "")[:1000])

    async def fetch(self, cursor: Cursor) -> Page:
        after = whole(cursor, "after") or 0
        bodies = await self._inbox.read(self._config.name, after, PAGE_BODIES)
        read = _Read()
        for kept in bodies:
            for event in self._events(kept):
                await self._take(kept, event, read)
        notices = list(dict.fromkeys(read.notices))
        return Page(
            posts=tuple(sorted(read.posts.values(), key=lambda post: post.published_at)),
            cursor={"after": bodies[-1].id if bodies else after},
            more=len(bodies) == PAGE_BODIES,
            body=bool(bodies),
            deleted=tuple(read.deleted),
            notices=tuple(notices[:NOTICES]),
            left=self._graph.left if self._graph else "",
        )

    async def probe(self) -> str:
        return f"waits for pushes at /hooks/{self._config.name}"

    def _events(self, kept: Kept) -> list[Event]:
        reading = Reading(self._config.name, min(kept.received_at, self._clock()))
        try:
            bodies: list[JSON] = read_items(kept.body)
        except ValueError as error:
            return [Unread(str(error))]
        return [event for body in bodies for event in reading.events(body)]

    async def _take(self, kept: Kept, event: Event, read: _Read) -> None:
        match event:
            case Post():
                read.add(event)
            case Removed(external_id):
                read.posts.pop(external_id, None)
                read.deleted[external_id] = None
            case Unread(what):
                read.notices.append(f"delivery {kept.id}: {what}")
            case Wanted():
                read.lookups += 1
                found = await self._look_up(event, kept) if read.lookups <= MOST_LOOKUPS else "too many at once"
                if isinstance(found, Post):
                    read.add(found)
                else:
                    read.notices.append(f"a mention could not be looked up ({event}): {found}")

    async def _look_up(self, wanted: Wanted, kept: Kept) -> Post | str:
        """The post, or why there is none. Raises SourceError where it is worth another try."""
        if self._graph is None or not wanted.is_askable:
            return "no page_token" if self._graph is None else "no id of the Graph API"
        try:
            answer = await self._ask(self._graph, wanted)
        except SourceError as error:
            is_passing = error.retry_after is not None or error.backoff_limit < timedelta(hours=24)
            if is_passing and not error.permanent and self._clock() - kept.received_at < PATIENCE:
                raise
            return str(error)
        now = min(kept.received_at, self._clock())
        return _looked_up(answer, wanted, self._config.name, now) or "the answer has not what was asked for"

    async def _ask(self, graph: Graph, wanted: Wanted) -> Item:
        if wanted.place == "page":
            return item(await graph.get(wanted.id, fields=PAGE_FIELDS))
        name, fields = ("mentioned_media", MEDIA_FIELDS)
        if wanted.place == "instagram comment":
            name, fields = ("mentioned_comment", COMMENT_FIELDS)
        key = f"{name.removeprefix('mentioned_')}_id"
        return item(await graph.get(wanted.owner, fields=f"{name}.{key}({wanted.id}){{{fields}}}"), name)


class _Read:
    """What the bodies of one page tell, the last word on each id."""

    def __init__(self) -> None:
        self.posts: dict[str, Post] = {}
        self.deleted: dict[str, None] = {}
        self.notices: list[str] = []
        self.lookups = 0

    def add(self, post: Post) -> None:
        self.deleted.pop(post.external_id, None)
        self.posts[post.external_id] = post


def _looked_up(answer: Item, wanted: Wanted, source: str, now: datetime) -> Post | None:
    if reference(answer, "id") is None:
        return None
    words = text(answer, "text") or text(answer, "caption") or text(answer, "message")
    raw_date = text(answer, "timestamp") or text(answer, "created_time")
    thread = reference(answer, "media", "id")
    return Post(
        source=source,
        external_id=wanted.id,
        text=html_to_text(words),
        published_at=published(raw_date, now)[0],
        published_raw=raw_date or None,
        author=plain_text(text(answer, "username") or text(answer, "from", "name")) or None,
        url=web_link(text(answer, "permalink") or text(answer, "permalink_url") or text(answer, "media", "permalink")),
        kind=PostKind.COMMENT if wanted.place == "instagram comment" else PostKind.POST,
        parent=thread,
        thread=thread,
        engagement=counted(answer, "like_count", "comments_count"),
        raw=words,
    )
