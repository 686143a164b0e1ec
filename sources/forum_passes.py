"""The three ways through a board: down a list of posts, up a thread, and from a list of threads to their last pages.

Each takes the cursor (without `robots`) and returns the next page of its pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sources.base import BACKOFF_LONG, JSON, Cursor, Gap, Page, Post, SourceError
from sources.feed_entry import absolute
from sources.feed_identity import digest
from sources.forum_page import BoardPage, address_of, changed, on_site
from sources.forum_reader import BoardReader
from sources.http import shown
from sources.page_reader import Caught, Question, Selector
from sources.robots import Robots
from sources.shape import text, whole
from sources.walk import Walk

OVERLAP = timedelta(hours=1)
REREAD = 50  # numbers below the last position that are read again, where there are no dates
MOST_PAGES = 200  # of one pass downwards
MOST_PAGES_UPWARDS = 2000  # there a pass that is cut short goes on where it was
MOST_THREADS = 200  # that a list is asked for
FRESH = 600  # seconds after which a pass that was broken off begins at its first page again: pages shift
SUSPICIOUS = 3  # threads in a row without a post, after which it is the layout


async def downwards(reader: BoardReader, state: Cursor, robots: Robots, now: datetime) -> Page:
    """The newest first: down to where the last pass began."""
    walk = Walk.resume(state, now, reader.config.backlog)
    count = (whole(state, "pages") or 0) + 1
    is_fresh = now.timestamp() - (whole(walk.page, "at") or 0) <= FRESH
    address = text(walk.page, "url") if is_fresh else ""
    page = await reader.read(address or reader.start, robots, now, paused=count > 1)
    ids = digest("\n".join(post.external_id for post in page.posts))
    is_again = bool(address) and ids == text(state, "ids")  # some boards show their last page for all after it
    follows = page.next not in (None, page.url, address) and not is_again and bool(page.posts)
    after, more, gaps = walk.step(
        page.places,
        overlap=int(OVERLAP.total_seconds()) if reader.config.date else REREAD,
        follows=follows and count < MOST_PAGES,
        page={"url": page.next, "at": int(now.timestamp())},
    )
    if more:
        after |= {"pages": count, "ids": ids}
    else:
        gaps = (*gaps, *_gaps(reader, page, walk, is_cut=follows and count >= MOST_PAGES))
    # Undated posts have all been "published" now: there the order of the page decides.
    posts = oldest_first(page.posts[::-1])
    return Page(posts=posts, cursor=after, more=more, gaps=gaps, notices=page.notices, body=bool(posts))


def _gaps(reader: BoardReader, page: BoardPage, walk: Walk, *, is_cut: bool) -> Iterator[Gap]:
    if is_cut:
        yield Gap(f"a pass ends after {MOST_PAGES} pages: what stands on later ones may be lost")
    oldest = min((place.position for place in page.places), default=0)
    if reader.config.next is None and walk.floor is not None and oldest > walk.floor:
        yield Gap("every item on the page is newer than the last pass: what came between is lost")


async def upwards(reader: BoardReader, state: Cursor, robots: Robots, now: datetime) -> Page:
    """The oldest first: from the page where the last pass ended."""
    kept, count = text(state, "page"), (whole(state, "pages") or 0) + 1
    notices: tuple[str, ...] = ()
    try:
        page = await reader.read(kept or reader.start, robots, now, paused=count > 1)
    except SourceError as error:
        if not kept or count > 1 or error.retry_after or error.backoff_limit != BACKOFF_LONG:
            raise
        page = await reader.read(reader.start, robots, now, paused=True)
        kept, notices = "", (f"{error}; the pass begins at {shown(reader.start)} again",)
    follows = page.next not in (None, page.url, kept) and bool(page.posts)
    following = page.next if follows else kept
    more = follows and count < MOST_PAGES_UPWARDS
    after: Cursor = ({"page": following} if following else {}) | ({"pages": count} if more else {})
    posts = oldest_first(page.posts)
    return Page(posts=posts, cursor=after, more=more, notices=(*notices, *page.notices), body=bool(posts))


async def through_threads(reader: BoardReader, state: Cursor, robots: Robots, now: datetime) -> Page:
    """From a list of threads to the pages that `follow` names: those whose link the last list did not have.

    The cursor: `known`, marks of the links of the last list; `queue`, what is still to be read; `failed`, how many
    threads in a row had no post.
    """
    queue = state.get("queue")
    if not isinstance(queue, list) or not queue:
        return await _list(reader, state, robots)
    url, left, failed = str(queue[0]), queue[1:], whole(state, "failed") or 0
    cursor = state | {"queue": left, "failed": 0}
    try:
        page = await reader.read(url, robots, now, paused=True)
    except SourceError as error:
        if (
            error.retry_after
            or (error.backoff_limit != BACKOFF_LONG and not error.permanent)
            or failed + 1 >= SUSPICIOUS
        ):
            raise
        return Page(posts=(), cursor=cursor | {"failed": failed + 1}, more=bool(left), notices=(str(error),))
    return Page(posts=oldest_first(page.posts), cursor=cursor, more=bool(left), notices=page.notices)


async def threads_on(reader: BoardReader, robots: Robots) -> list[str]:
    """The addresses that a list of threads leads to, in its order. Raises SourceError where there are none."""
    assert reader.config.follow is not None  # else there would be no list of threads
    link = Selector.of(reader.config.follow)
    question = Question(
        item=link.css, fields={"link": Selector("", link.attribute or "href")}, page={"base": Selector.of("base@href")}
    )
    response, caught = await reader.caught(reader.start, robots, question)
    links = list(dict.fromkeys(_links(reader, caught, response.url)))[:MOST_THREADS]
    if not links:
        raise changed(response.url, f"no link by `follow: {reader.config.follow}`")
    return links


async def _list(reader: BoardReader, state: Cursor, robots: Robots) -> Page:
    links = await threads_on(reader, robots)
    known = state.get("known")
    before = set(map(str, known)) if isinstance(known, list) else set()
    marks: dict[str, JSON] = {each: digest(each)[:16] for each in links}
    queue: list[JSON] = [each for each in reversed(links) if marks[each] not in before]
    lost = Gap("none of the threads of the last list is in this one as it was: what was written between may be lost")
    return Page(
        posts=(),
        cursor={"known": list(marks.values()), "queue": queue, "failed": whole(state, "failed") or 0},
        more=bool(queue),
        gaps=(lost,) if before and len(queue) == len(links) else (),
    )


def _links(reader: BoardReader, caught: Caught, url: str) -> Iterator[str]:
    base = absolute(caught.page.get("base"), url) or url
    for item in caught.items:
        address = on_site(reader.config.base_url, reader.site, address_of(item.get("link"), base), url)
        if address is not None:
            yield address


def oldest_first(posts: tuple[Post, ...]) -> tuple[Post, ...]:
    """In the order that pages have; posts without a date stay in the order given."""
    return tuple(sorted(posts, key=lambda post: post.published_at))
