"""RSS, RDF, Atom and JSON feeds.

A feed has no positions: each body is one whole pass. Asked conditionally with the validators byte for byte as they
came (RFC 9110, section 13); once a day unconditionally, because some caches answer 304 for ever. The cursor:
{etag, modified, full_at, policy, last, address, moved, moved_times, found}, see State.

Where the address is a page of a site instead, the feed that it leads to is read, see sources.feed_discovery.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, Strict

from sources.base import (
    BACKOFF_LONG,
    FULL_TEXT,
    Clock,
    Cursor,
    Gap,
    Http,
    Page,
    Post,
    PostKind,
    Response,
    SourceError,
    SourceSettings,
)
from sources.dates import published
from sources.document import Document, Entry, FeedParser, NotAFeed
from sources.feed_discovery import Discovery, not_a_feed, read
from sources.feed_entry import language
from sources.feed_identity import Policy, Reading, identify
from sources.feed_presets import Preset, feed_address, kind_of
from sources.http import WebAddress, based, get, rebased, shown, web_link
from sources.text import html_to_text, plain_text

SIGHTINGS = 3  # consecutive permanent redirects to one address before it is believed
FULL_EVERY = timedelta(days=1)
ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml, "
    "application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.5"
)


class FeedSettings(SourceSettings):
    """One feed, by its own address or by that of its site."""

    type: Literal["feed"]
    url: WebAddress = Field(description="address of the feed (RSS, RDF, Atom or JSON Feed), or of a site that has one")
    preset: Annotated[Preset, Strict(False)] | None = Field(
        None, description="the software of the site: its feed's address is made of `url`"
    )
    full_text: bool = Field(False, description=FULL_TEXT)

    @property
    def address(self) -> str:
        """Where the feed is, or the page that leads to it."""
        return self.url if self.preset is None else feed_address(self.preset, self.url)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The cursor, read. Default values are left out of it."""

    etag: str = ""
    modified: str = ""
    full_at: str = ""  # when a body was last read, ISO 8601
    policy: str = Policy.GUID
    last: dict[str, str] = field(default_factory=dict)  # of the last document that had entries
    address: str = ""  # where permanent redirects led often enough
    moved: str = ""  # where they lead now
    moved_times: int = 0
    found: str = ""  # where the page at the configured address led; kept until it fails

    @classmethod
    def of(cls, cursor: Cursor) -> State:
        known: dict[str, Any] = {key: value for key, value in cursor.items() if key in cls.__slots__}
        return cls(**known)

    def cursor(self) -> Cursor:
        empty = State()
        values = {key: getattr(self, key) for key in self.__slots__}
        return {key: value for key, value in values.items() if value != getattr(empty, key)}


class FeedSource:
    """One feed. Raises SourceError as sources.http.get does, and for bodies that are no feed.

    refine: what is made of each entry before it is identified. most: how many entries a document can hold at all, where
    one with fewer shows everything there is: then nothing in common with the last one proves no gap. discovers: whether
    a page at the address may lead to the feed.
    """

    overlap = timedelta(0)  # every document is read whole

    def __init__(
        self,
        config: FeedSettings,
        http: Http,
        parser: FeedParser,
        clock: Clock,
        *,
        refine: Callable[[Entry], Entry] = lambda entry: entry,
        most: int = 0,
        discovers: bool = True,
    ) -> None:
        self._name = config.name
        self._url = based(config.base_url, config.address)
        self._scope = _scope(config.address)
        self._kind = kind_of(config.preset) if config.preset else None
        self._full_text = config.full_text
        self._refine = refine
        self._most = most
        self._discovers = discovers
        self._http = http
        self._parser = parser
        self._discovery = Discovery(http, parser, rebased(config.base_url, config.address))
        self._clock = clock

    async def fetch(self, cursor: Cursor) -> Page:
        now = self._clock()
        state = before = State.of(cursor)
        conditions = _conditions(state, now)
        response, state, notices = await self._ask(state, conditions)
        if response.status == 304:
            if not conditions:
                raise SourceError(f"{shown(response.url)}: answers 304 (not modified) to an unconditional request")
            return Page(posts=(), cursor=state.cursor(), body=False, notices=notices)
        try:
            document = await read(self._parser, response)
        except NotAFeed as refusal:
            # The address itself has given a feed, or nothing else would do.
            is_known = not self._discovers or (bool(state.full_at) and not before.found)
            response, document, state, found = await self._discover(response, refusal, state, is_known)
            notices = (*notices, found)
        etag, modified = _validators(response, document)
        state = replace(state, etag=etag, modified=modified, full_at=now.isoformat())
        page = await asyncio.to_thread(self._page, document, state, now)
        return replace(page, notices=(*notices, *page.notices))

    async def probe(self) -> str:
        response = await get(self._http, self._url, {"Accept": ACCEPT})
        try:
            return _described(await read(self._parser, response))
        except NotAFeed as refusal:
            if not self._discovers:
                raise not_a_feed(response, refusal) from refusal
            found = await self._discovery.find(response, refusal, {"Accept": ACCEPT})
            return f"a page; {found}: {_described(found.document)}"

    async def _discover(
        self, response: Response, refusal: NotAFeed, state: State, is_known: bool
    ) -> tuple[Response, Document, State, str]:
        """The feed that the configured address leads to, and what the operator should know of it."""
        if is_known:
            raise not_a_feed(response, refusal) from refusal
        headers = {"Accept": ACCEPT, "Cache-Control": "no-cache"}
        if state.found or state.address:  # what was found is no feed any more
            response, state = await get(self._http, self._url, headers), replace(state, found="", address="")
            with suppress(NotAFeed):
                return response, await read(self._parser, response), state, f"{shown(self._url)} is a feed by now"
        found = await self._discovery.find(response, refusal, headers)
        state = replace(state, found=found.address, moved="", moved_times=0)
        return found.response, found.document, state, f"{shown(response.url)} is a page; read from now on is {found}"

    async def _ask(self, state: State, conditions: dict[str, str]) -> tuple[Response, State, tuple[str, ...]]:
        """The answer, and the state after what it says about the address."""
        headers = {"Accept": ACCEPT} | (conditions or {"Cache-Control": "no-cache"})
        try:
            response = await get(self._http, state.address or state.found or self._url, headers)
        except SourceError as error:
            if not (state.address or state.found) or not (error.permanent or error.backoff_limit == BACKOFF_LONG):
                raise
            response = await get(self._http, self._url, headers)
            state = replace(state, address="", found="")
            return response, *_sighted(state, response, f"{error}; back to {shown(self._url)}")
        return response, *_sighted(state, response)

    def _page(self, document: Document, state: State, now: datetime) -> Page:
        document = replace(document, entries=tuple(map(self._refine, _usable(document))))
        notices = [f"the feed is damaged; {len(document.entries)} entries could be read"] if document.damaged else []
        if not document.entries:
            return Page(posts=(), cursor=state.cursor(), body=False, notices=tuple(notices))
        before = Policy(state.policy)
        reading = identify(document.entries, scope=self._scope, policy=before, last=state.last)
        if reading.policy is not before:
            notices.append(f"entries are told apart by {reading.policy} from now on, {before} proved unreliable")
        is_full = len(document.entries) >= self._most
        if self._most and is_full:
            notices.append(f"{len(document.entries)} entries are all that it shows: what else there is cannot be seen")
        posts = self._posts(document, reading, now)
        return Page(
            posts=posts,
            cursor=replace(state, policy=reading.policy.value, last=reading.last).cursor(),
            gaps=_gaps(reading, state) if is_full else (),
            articles=_articles(posts) if self._full_text else {},
            renamed=reading.renamed,
            notices=tuple(notices),
        )

    def _posts(self, document: Document, reading: Reading, now: datetime) -> tuple[Post, ...]:
        named: dict[str, Entry] = {}
        for external_id, entry in zip(reading.ids, document.entries, strict=True):
            named.setdefault(external_id, entry)
        posts = [self._post(external_id, entry, document, now) for external_id, entry in named.items()]
        # Documents are newest first as a rule, which decides where dates are missing or the same.
        return tuple(sorted(reversed(posts), key=lambda post: post.published_at))

    def _post(self, external_id: str, entry: Entry, document: Document, now: datetime) -> Post:
        published_at, dated = published(entry.date, now)
        return Post(
            source=self._name,
            external_id=external_id,
            url=web_link(entry.link),
            title=html_to_text(entry.title),
            text=html_to_text(entry.content),
            author=plain_text(entry.author or "") or None,
            lang=language(entry.lang) or language(document.lang),
            kind=self._kind or (PostKind.COMMENT if _is_comment(entry, document) else PostKind.ARTICLE),
            thread=entry.thread,
            published_at=published_at,
            published_raw=entry.date,
            dated=dated,
            raw=entry.content,
        )


def _articles(posts: Sequence[Post]) -> dict[str, str]:
    """What entries link to; a comment links to what it comments on."""
    return {post.external_id: post.url for post in posts if post.url and post.kind is not PostKind.COMMENT}


def _described(document: Document) -> str:
    title = " ".join(html_to_text(document.title).split())[:100]
    return f"{document.format} feed {title!r} with {len(document.entries)} entries"


def _usable(document: Document) -> tuple[Entry, ...]:
    """Entries that say something, without the one that the damage cut off before its guid or its link.

    That one would get another id, and count as a second post when it comes whole.
    """
    entries = document.entries
    if document.damaged and len(entries) > 1:
        first, last = entries[0], entries[-1]
        if (first.id and not last.id) or (first.link and not last.link):
            entries = entries[:-1]
    return tuple(entry for entry in entries if entry.id or entry.link or entry.title or entry.content)


_COMMENT = re.compile(r"#comment-?\d+$")  # WordPress, Movable Type, Drupal


def _is_comment(entry: Entry, document: Document) -> bool:
    """In Atom only an answer has a thread (RFC 4685); in RSS it may be the page where comments are welcome."""
    return bool(_COMMENT.search(entry.link or "") or (entry.thread and document.format == "atom"))


def _scope(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.netloc.rpartition('@')[2].lower()}{parts.path}"


def _gaps(reading: Reading, state: State) -> tuple[Gap, ...]:
    if not reading.gap:
        return ()
    return (
        Gap(f"none of the {len(state.last)} entries of the last document is in this one: what came between is lost"),
    )


def _conditions(state: State, now: datetime) -> dict[str, str]:
    """Headers that make the request conditional; {} where the body is wanted whatever they say."""
    if not state.full_at or not timedelta(0) <= now - datetime.fromisoformat(state.full_at) < FULL_EVERY:
        return {}
    headers = {"If-None-Match": state.etag, "If-Modified-Since": state.modified}
    return {name: value for name, value in headers.items() if value}


def _validators(response: Response, document: Document) -> tuple[str, str]:
    """For the next request; none after a damaged body, which may be whole next time under the same ones."""
    if document.damaged:
        return "", ""
    etag, modified = (response.headers.get(name, "") for name in ("etag", "last-modified"))
    return etag if etag.isprintable() else "", modified if modified.isprintable() else ""


def _sighted(state: State, response: Response, *notices: str) -> tuple[State, tuple[str, ...]]:
    """Count permanent redirects to one and the same address; believe them from the third in a row on."""
    if response.moved_to is None:
        return replace(state, moved="", moved_times=0) if state.moved else state, notices
    times = state.moved_times + 1 if response.moved_to == state.moved else 1
    if times < SIGHTINGS:
        return replace(state, moved=response.moved_to, moved_times=times), notices
    notice = f"moved for good to {shown(response.moved_to)}, which is asked from now on"
    return replace(state, address=response.moved_to, moved="", moved_times=0), (*notices, notice)
