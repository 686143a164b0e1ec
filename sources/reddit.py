"""New posts and comments of chosen subreddits, and Reddit's search as a wide net.

With credentials over the API (www.reddit.com/dev/api: `/r/NAME/new`, `/r/NAME/comments`, `/search`): newest first, 100
an answer, some 1,000 deep. A pass walks back by `after`. Reddit shows nothing after an item that is gone from its
listing (so does reddit-archive/reddit, models/builder.py), so the cursor keeps several items to go on from. That is
also why passes begin at the newest and not by `before` the last one seen: one request either way, no anchor to lose,
and edits of the last hundred are seen. Positions are `created_utc`. Without credentials: sources/reddit_feed.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field, SecretStr, model_validator

from sources.base import (
    JSON,
    Clock,
    Cursor,
    Duration,
    Gap,
    Page,
    Post,
    PostKind,
    SearchDialect,
    SearchTerms,
    SourceSettings,
    searches,
)
from sources.http import web_link
from sources.reddit_client import WWW, RedditClient
from sources.shape import Item, changed, counted, find, listed, moment, number, reference, text, usable, whole
from sources.text import html_to_text, plain_text
from sources.walk import Place, Walk

PAGE = 100  # items that one answer holds
TAIL = 25  # a page whose last so many are older than the floor ends a pass: listings are in order but for a few
GONE = frozenset({"[deleted]", "[removed]"})
LONGEST_QUERY = 512

Subreddit = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{2,40}$")]


class RedditSettings(SourceSettings):
    """Subreddits, searches, or both."""

    DIALECT: ClassVar[SearchDialect] = SearchDialect(without="NOT ", longest=LONGEST_QUERY)

    type: Literal["reddit"]
    subreddits: list[Subreddit] = Field([], description="names without r/: every post and comment is read")
    comments: bool = Field(True, description="read comments too; false: posts only")
    search: SearchTerms = Field((), description="searches of all of Reddit, posts only; or {from: WATCHLIST}")
    client_id: str | None = Field(None, min_length=1, description="of the application that Reddit approved")
    client_secret: SecretStr | None = Field(None, description="its secret; none for an installed application")
    feed_user: str | None = Field(None, min_length=1, description="without an application: user of a feed address")
    feed_token: SecretStr | None = Field(None, description="and the `feed` of that address")
    backlog: Duration = Field(timedelta(days=1), description="how far back a first pass reads")

    @model_validator(mode="after")
    def _is_complete(self) -> RedditSettings:
        if not self.subreddits and not self.search:
            raise ValueError("say what to read: subreddits, search or both")
        if self.client_secret and not self.client_id:
            raise ValueError("client_secret needs client_id")
        if (self.feed_user is None) != (self.feed_token is None):
            raise ValueError("feed_user and feed_token go together")
        return self


@dataclass(frozen=True, slots=True)
class Listing:
    """What one part reads. `depth`: so many items it shows at the most, roughly."""

    path: str
    query: Mapping[str, str]
    depth: int


def listings(config: RedditSettings) -> dict[str, Listing]:
    """The parts by name."""
    kinds = ("new", "comments") if config.comments else ("new",)
    chosen = dict.fromkeys(name.lower() for name in config.subreddits)
    made = {f"r/{name}/{kind}": Listing(f"/r/{name}/{kind}", {}, 900) for name in chosen for kind in kinds}
    for query in searches(config.search):
        made[f"search/{query}"] = Listing("/search", {"q": query, "sort": "new", "t": "all", "type": "link"}, 200)
    return made


class RedditSource:
    """One listing."""

    overlap = timedelta(minutes=2)

    def __init__(self, config: RedditSettings, listing: Listing, client: RedditClient, clock: Clock) -> None:
        self._name = config.name
        self._backlog = config.backlog
        self._listing = listing
        self._client = client
        self._clock = clock

    async def fetch(self, cursor: Cursor) -> Page:
        now = self._clock()
        walk = Walk.resume(cursor, now, self._backlog)
        found, follows = await self._go_on(walk)
        made = [_place(item, now) for item in found]
        notices = tuple(usable(found, made, "items"))
        known = [item for item, place in zip(found, made, strict=True) if place is not None]
        places = [place for place in made if place is not None]
        read = len(found) + (whole(cursor, "read") or 0)
        after, more, gaps = self._step(walk, places, [text(item, "name") for item in known], follows, read)
        posts = [self._post(item, now) for item in known if not _is_gone(item)]
        return Page(
            posts=tuple(sorted(reversed(posts), key=lambda post: post.published_at)),
            cursor=after,
            more=more,
            gaps=gaps,
            deleted=tuple(text(item, "name") for item in known if _is_gone(item)),
            notices=notices,
            left=self._client.left,
        )

    async def probe(self) -> str:
        found, _ = await self._ask("")
        left = f"; {self._client.left} left" if self._client.left else ""
        newest = moment(number(found[0], "created_utc")) if found else None
        return (f"answers; newest of {newest:%Y-%m-%d %H:%M} UTC" if newest else "answers, but shows nothing") + left

    async def _go_on(self, walk: Walk) -> tuple[list[Item], bool]:
        """What comes next, and whether more does; from the first item of the last page that is still listed."""
        anchors = walk.page if isinstance(walk.page, list) else [""]
        for anchor in anchors:
            found, follows = await self._ask(str(anchor))
            if found:
                return found, follows
        return [], False

    async def _ask(self, anchor: str) -> tuple[list[Item], bool]:
        """What stands after the anchor, from the newest where that is empty."""
        query = {**self._listing.query, "limit": str(PAGE)} | ({"after": anchor} if anchor else {})
        answer = await self._client.get(self._listing.path, query)
        children = listed(answer, "data", "children")
        found = [data for child in children if isinstance(data := child.get("data"), dict)]
        if not found and find(answer, "data", "children"):
            raise changed("`data.children` holds no things")
        return found, bool(text(answer, "data", "after"))

    def _step(
        self, walk: Walk, places: list[Place], names: list[str], follows: bool, read: int
    ) -> tuple[Cursor, bool, tuple[Gap, ...]]:
        overlap = int(self.overlap.total_seconds())
        bound = walk.since if walk.floor is None else walk.floor - overlap
        has_reached = bool(places) and all(place.at < bound for place in places[-TAIL:])
        anchors: list[JSON] = [*dict.fromkeys(names[-step] for step in (1, 2, 10, 40) if step <= len(names))]
        after, more, gaps = walk.step(places, overlap=overlap, follows=follows and not has_reached, page=anchors)
        if more:
            return after | {"read": read}, more, gaps
        if not has_reached and read >= self._listing.depth:
            gaps += (Gap(f"Reddit shows {read} items and no older ones: what came before them is lost"),)
        return after, more, gaps

    def _post(self, item: Item, now: datetime) -> Post:
        is_comment = text(item, "name").startswith("t1_")
        written = "body" if is_comment else "selftext"
        body = html_to_text(text(item, f"{written}_html") or text(item, written))
        link = "" if is_comment or item.get("is_self") else text(item, "url_overridden_by_dest") or text(item, "url")
        author = plain_text(text(item, "author"))
        created = number(item, "created_utc")
        return Post(
            source=self._name,
            external_id=text(item, "name"),
            url=_permalink(item),
            # A comment bears no title: its thread's would make every comment a mention of what the thread names.
            title="" if is_comment else plain_text(text(item, "title")),
            text="\n\n".join(filter(None, (body, plain_text(link)))),
            author=None if author in GONE else author or None,
            kind=PostKind.COMMENT if is_comment else PostKind.POST,
            parent=reference(item, "parent_id"),
            thread=reference(item, "link_id") or text(item, "name"),
            engagement=counted(item, "score", "num_comments"),
            published_at=min(moment(created) or now, now),
            published_raw=None if created is None else str(int(created)),
            raw=json.dumps(item),
        )


def _place(item: Item, now: datetime) -> Place | None:
    name, created = text(item, "name"), moment(number(item, "created_utc"))
    if not name.startswith(("t1_", "t3_")) or not name[3:].isalnum() or len(name) > 40 or created is None:
        return None
    at = int(min(created, now).timestamp())
    return Place(at, at)


def _is_gone(item: Item) -> bool:
    """Deleted by its author or removed by a moderator; where only the author's account is gone, the text stays."""
    return bool(
        text(item, "body") in GONE
        or text(item, "selftext") in GONE
        or text(item, "removed_by_category")
        or text(item, "title") == "[deleted by user]"
    )


def _permalink(item: Item) -> str | None:
    path = text(item, "permalink")
    if not path.startswith("/"):  # old comments have none
        subreddit, thread, name = text(item, "subreddit"), text(item, "link_id")[3:], text(item, "name")[3:]
        path = f"/r/{subreddit}/comments/{thread}/_/{name}/" if subreddit and thread else ""
    return web_link(WWW + path) if path else None
