"""Comments on a Page's posts, and posts by others on it, asked for through the Graph API.

A pass goes through `/{page}/feed` (newest first, `paging.cursors.after`) as far back as `posts_within`, each post with
its newest comments; where those are not all that are new, through `/{post}/comments`. What is read comes again until it
is older than where the last finished pass began.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sources.base import JSON, Clock, Cursor, Page, Post, PostKind
from sources.dates import published
from sources.http import web_link
from sources.meta_graph import Graph, NotThereError
from sources.shape import Item, counted, find, item, items, listed, reference, text, usable, whole
from sources.text import html_to_text, plain_text

POSTS = 25  # of one answer
COMMENTS = 50  # of one answer, for each post
FIELDS = "id,message,created_time,from{id,name},permalink_url,like_count,comment_count,parent{id}"
_ORDER = "order(reverse_chronological)"
FEED_FIELDS = (
    "id,message,created_time,from{id,name},permalink_url,"
    f"comments.filter(stream).{_ORDER}.limit({COMMENTS}){{{FIELDS}}}"
)
MOST_OPEN = 200  # posts that one answer may leave with comments still to be read


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The cursor. Times in seconds since 1970.

    floor: the newest of the last finished pass. top: the newest of this one. next: where the feed goes on, "" at its
    beginning, None at its end. open: posts whose older comments are still to be read, and where.
    """

    floor: int
    top: int = 0
    next: str | None = ""
    open: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, cursor: Cursor, first: int) -> Place:
        waiting = find(cursor, "open")
        pairs = [(text(each, 0), text(each, 1)) for each in (waiting if isinstance(waiting, list) else [])]
        is_under_way = "open" in cursor
        return cls(
            floor=whole(cursor, "floor") or first,
            top=whole(cursor, "top") or 0,
            next=(text(cursor, "next") or None) if is_under_way else "",
            open=tuple(pairs),
        )

    @property
    def is_done(self) -> bool:
        return self.next is None and not self.open

    def cursor(self) -> Cursor:
        if self.is_done:
            return {"floor": max(self.top, self.floor)}
        return {"floor": self.floor, "top": self.top, "next": self.next, "open": [list(pair) for pair in self.open]}


class MetaComments:
    """The part `comments` of a Page."""

    overlap = timedelta(minutes=15)

    def __init__(
        self, name: str, page_id: str, graph: Graph, clock: Clock, *, backlog: timedelta, posts_within: timedelta
    ) -> None:
        self._name = name
        self._page = page_id
        self._graph = graph
        self._clock = clock
        self._backlog = backlog
        self._posts_within = posts_within

    async def fetch(self, cursor: Cursor) -> Page:
        now = self._clock()
        place = Place.of(cursor, int((now - self._backlog).timestamp()))
        found, after, notices = await self._step(place, now)
        made = [self._post(each, now) for each in found]
        notices += list(usable(found, made, "comments"))
        posts = [post for post in made if post is not None and post.text]
        after = replace(after, top=max([after.top, *(int(post.published_at.timestamp()) for post in posts)]))
        return Page(
            posts=tuple(sorted(self._without_own(posts, found), key=lambda post: post.published_at)),
            cursor=after.cursor(),
            more=not after.is_done,
            notices=tuple(notices),
            left=self._graph.left,
        )

    async def probe(self) -> str:
        name = text(await self._graph.get(self._page, fields="name"), "name")
        return f"answers for the Page {plain_text(name) or self._page}"

    async def _step(self, place: Place, now: datetime) -> tuple[list[Item], Place, list[str]]:
        try:
            if place.open:
                return (*await self._comments(place), [])
            return (*await self._feed(place, now), [])
        except NotThereError:
            if not (place.open or place.next):
                raise
            said = "the place where a pass was to go on has run out: the next one begins anew"
            return [], Place(floor=place.floor, next=None), [said]

    async def _feed(self, place: Place, now: datetime) -> tuple[list[Item], Place]:
        asked = {"fields": FEED_FIELDS, "limit": POSTS, "since": int((now - self._posts_within).timestamp())}
        answer = await self._graph.get(f"{self._page}/feed", **asked, **({"after": place.next} if place.next else {}))
        posts = listed(answer, "data")
        comments = [comment for post in posts for comment in self._under(post)]
        opened = [pair for post in posts if (pair := self._opened(post, place))][:MOST_OPEN]
        return [*posts, *comments], replace(place, next=_following(answer), open=tuple(opened))

    async def _comments(self, place: Place) -> tuple[list[Item], Place]:
        (name, after), *others = place.open
        asked = {"filter": "stream", "order": "reverse_chronological", "limit": COMMENTS, "fields": FIELDS}
        answer = await self._graph.get(f"{name}/comments", **asked, after=after)
        comments = [comment | {"thread": name} for comment in listed(answer, "data")]
        following = _following(answer) if self._has_new(comments, place) else None
        rest = [(name, following), *others] if following and following != after else others
        return comments, replace(place, open=tuple(rest))

    def _under(self, post: Item) -> Iterator[Item]:
        for comment in items(post, "comments", "data"):
            yield comment | {"thread": reference(post, "id")}

    def _opened(self, post: Item, place: Place) -> tuple[str, str] | None:
        """The post with where its comments go on; None where they do not, or hold nothing new."""
        name, following = reference(post, "id"), _following(item(post, "comments"))
        is_open = name and following and self._has_new(items(post, "comments", "data"), place)
        return (name, following) if is_open and name and following else None

    def _has_new(self, comments: list[Item], place: Place) -> bool:
        """Whether all of them are newer than the floor: then older ones may be as well."""
        bound = place.floor - int(self.overlap.total_seconds())
        times = [self._time(comment) for comment in comments]
        return bool(times) and min(times) >= bound

    def _time(self, comment: Item) -> int:
        return int(published(text(comment, "created_time"), self._clock())[0].timestamp())

    def _post(self, found: Item, now: datetime) -> Post | None:
        name = reference(found, "id")
        if name is None:
            return None
        published_at, dated = published(text(found, "created_time"), now)
        thread = reference(found, "thread")
        return Post(
            source=self._name,
            external_id=name,
            url=web_link(text(found, "permalink_url")),
            text=html_to_text(text(found, "message")),
            author=plain_text(text(found, "from", "name")) or None,
            kind=PostKind.COMMENT if thread else PostKind.POST,
            parent=(reference(found, "parent", "id") or thread) if thread else None,
            thread=thread or name,
            engagement=counted(found, "like_count", "comment_count"),
            published_at=published_at,
            published_raw=text(found, "created_time") or None,
            dated=dated,
            raw=text(found, "message"),
        )

    def _without_own(self, posts: list[Post], found: list[Item]) -> Iterator[Post]:
        """The posts that the Page did not write itself, each marked where the Page has answered it."""
        own = [each for each in found if text(each, "from", "id") == self._page]
        written = {reference(each, "id") for each in own}
        answered = {reference(each, "parent", "id") for each in own}
        for post in posts:
            if post.external_id not in written:
                yield replace(post, answered=True) if post.external_id in answered else post


def _following(answer: JSON) -> str | None:
    """Where the next answer begins; the API gives a place after the last one too."""
    return (text(answer, "paging", "cursors", "after") or None) if text(answer, "paging", "next") else None
