"""Boards and comment pages by selectors: two realistic pages, paging both ways, robots.txt, and the alarms."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web as aio
from pydantic import ValidationError

from sources.base import BACKOFF_LONG, Cursor, Inspectable, Page, PostKind, SourceError
from sources.forum import MOST_PAGES, ForumSource
from sources.forum_page import count_of, rating_of
from sources.forum_settings import ForumSettings
from sources.page_reader import LexborReader
from sources.registry import fingerprint
from tests.fakes import START, FixedClock, InlinePages, PlainHttp, plain_http
from tests.servers import Handler, Web
from tests.sources.benches import forum
from tests.sources.benches.bench import Item, items

PAGES = Path(__file__).parents[1] / "data" / "pages"
BOARD = {
    "item": "div.search.post",
    "link": "h3 a@href",
    "author": "dt.author a, dt.author span",
    "date": "dd.search-result-date",
    "title": "h3 a",
    "body": "div.content",
    "replies": "dl.postprofile strong",
    "thread": "a.topictitle",
    "next": "li.next a",
    "timezone": "Europe/Berlin",
}
BLOG = {
    "item": "ol.comment-list li.comment",
    "id": "@id",
    "author": "b.fn",
    "date": "time",
    "body": "div.comment-content",
    "rating": ".stars@title",
    "next": "a.next@href",
    "order": "oldest_first",
    "kind": "comment",
    "timezone": "Europe/Berlin",
}


@dataclass(slots=True)
class Board:
    """A source on the local server, its cursor, and the pauses it made."""

    web: Web
    http: PlainHttp
    clock: FixedClock = field(default_factory=FixedClock)
    cursor: Cursor = field(default_factory=dict)
    waited: list[float] = field(default_factory=list)
    keys: dict[str, Any] = field(default_factory=dict)

    @property
    def source(self) -> ForumSource:
        config = settings(base_url=self.web.base, **self.keys)

        async def wait(seconds: float) -> None:
            self.waited.append(seconds)

        return ForumSource(config, config.urls[0], self.http, InlinePages(), self.clock, wait)

    async def fetch(self) -> Page:
        page = await self.source.fetch(self.cursor)
        self.cursor = json.loads(json.dumps(page.cursor))
        return page

    async def read(self) -> list[Page]:
        pages = [await self.fetch()]
        while pages[-1].more:
            pages.append(await self.fetch())
        return pages


def settings(**keys: Any) -> ForumSettings:
    written = {"name": "b", "type": "forum", "urls": ("https://board.test/new.php",)} | forum.SELECTORS
    return ForumSettings.model_validate(written | keys)


def only(selectors: dict[str, str], **keys: Any) -> dict[str, Any]:
    """These selectors, and none of the bench's."""
    return dict.fromkeys(forum.SELECTORS) | selectors | keys


@pytest.fixture
async def board(web: Web) -> AsyncIterator[Board]:
    async with plain_http() as http:
        yield Board(web, http)


def serve(web: Web, path: str, body: str | bytes) -> None:
    web[path] = (200, {"Content-Type": "text/html"}, body if isinstance(body, bytes) else body.encode())


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


async def test_a_board(board: Board) -> None:
    serve(board.web, "/search.php", (PAGES / "board.html").read_bytes())
    board.keys = only(BOARD, urls=("https://board.test/search.php?search_id=newposts",))
    page = await board.fetch()
    oldest, asked, newest = page.posts
    base = board.web.base
    assert newest.url == f"{base}/viewtopic.php?p=90417#p90417"
    assert newest.external_id == f"{base.replace('http:', 'https:')}/viewtopic.php?p=90417#p90417"
    assert newest.thread == f"{base.replace('http:', 'https:')}/viewtopic.php?t=8812"
    assert (newest.author, newest.title) == ("Jörg K.", "Re: Acme Phone 3: Akku wird heiß")
    assert newest.text == (
        "Bei mir auch: nach dem Update 58 °C beim Laden.\nDer Kundendienst schweigt. 🔥\n"
        "Kim hat geschrieben:Hat das noch jemand?"
    )
    assert (newest.published_at, newest.published_raw) == (at("2026-11-21 11:41"), "heute, 12:41")
    assert (newest.engagement, newest.lang, newest.kind, newest.dated) == (1204, "de", PostKind.POST, True)
    assert (asked.title, asked.author) == ("Welcher Tarif für Vielfahrer?", "Admin")
    assert asked.text == "Ich suche einen Tarif < 20 € mit gutem Netz auf der Autobahn & im Zug."
    assert asked.published_at == at("2026-11-20 21:05")
    assert (oldest.author, oldest.text) == ("Gast", "Schnell, freundlich, gelöst. :)")
    assert oldest.published_at == at("2026-11-19 07:30")
    assert page.more
    await board.fetch()
    asked_for = [request.path for request in board.web.requests]
    assert asked_for == ["/robots.txt", "/search.php?search_id=newposts", "/search.php?search_id=newposts&start=15"]


async def test_the_comments_of_a_blog(board: Board) -> None:
    serve(board.web, "/2026/11/acme-phone-3/", (PAGES / "blog_comments.html").read_bytes())
    board.keys = only(BLOG, urls=("https://technikblog.test/2026/11/acme-phone-3/",))
    page = await board.fetch()
    first, reply, last = page.posts
    assert first.external_id == "technikblog.test comment-501"
    assert first.url == f"{board.web.base}/2026/11/acme-phone-3/#comment-501"
    assert (first.author, first.rating, first.kind) == ("Frau Müller", 4.5, PostKind.COMMENT)
    assert first.text == "Großartiges Gerät, aber der Preis …\nWo gibt es das günstiger?"
    assert first.published_at == at("2026-11-18 18:22")
    assert (reply.author, reply.text) == ("Redaktion", "Beim Händler um die Ecke für 499 €.")
    assert (last.text, last.published_at) == (
        "Nie wieder Acme! Display gebrochen, Garantie verweigert.",
        START - timedelta(hours=2),
    )
    assert page.more
    serve(board.web, "/2026/11/acme-phone-3/comment-page-2/", "<li class=comment id=c9>")
    with pytest.raises(SourceError, match="/comment-page-2/: no item"):
        await board.fetch()


async def test_it_can_be_inspected(board: Board) -> None:
    serve(board.web, "/search.php", (PAGES / "board.html").read_bytes())
    board.keys = only(BOARD | {"date": "dd", "rating": ".stars"}, urls=("https://board.test/search.php",))
    assert isinstance(board.source, Inspectable)
    lines = await board.source.inspect()
    assert lines[0] == f"{board.web.base}/search.php: 3 items by `item: div.search.post`"
    assert "  author      3 of 3 by `dt.author a, dt.author span`: 'Jörg K.', 'Admin'" in lines
    assert (
        "  date        3 of 3 by `dd`: 'heute, 12:41' = 2026-11-21 11:41 UTC, 'gestern, 22:05' = 2026-11-20 21:05 UTC"
        in lines
    )
    assert "  replies     3 of 3 by `dl.postprofile strong`: '1.204' = 1204, '3' = 3" in lines
    assert "  rating      0 of 3 by `.stars`" in lines
    assert lines[-1].startswith("  next     `li.next a`: './search.php?search_id=newposts&sid=")


async def test_a_probe_counts_the_posts(board: Board) -> None:
    serve(board.web, "/new.php", forum.page(items(1, 3)))
    assert await board.source.probe() == "3 posts, the newest of 2026-11-21 11:59 UTC"


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        ({"item": "article"}, "no item matches `item: article`"),
        ({"body": ".text"}, "none of the 3 items has a body by `body: .text`"),
        ({"id": "@data-id"}, "none of the 3 items has a id by `id: @data-id`"),
        ({"date": "time@title"}, "none of the 3 items has a date by `date: time@title`"),
        ({"date": "a.username"}, "none of the 3 items has a date by `date: a.username` in 'kim'"),
        ({"id": "a.username"}, "all 3 items have the same identity (board.test kim)"),
        ({"id": None, "link": "a.permalink"}, "none of the 3 items has a link by `link: a.permalink`"),
    ],
)
async def test_a_changed_layout_is_an_alarm_that_names_the_selector(
    board: Board, keys: dict[str, Any], what: str
) -> None:
    serve(board.web, "/new.php", forum.page(items(1, 3)))
    board.keys = keys
    with pytest.raises(SourceError) as caught:
        await board.fetch()
    assert f"/new.php: {what}" in str(caught.value)
    assert str(caught.value).endswith("has the layout changed?")
    assert caught.value.backoff_limit == BACKOFF_LONG


async def test_an_empty_page_is_an_alarm_unless_it_says_so(board: Board) -> None:
    serve(board.web, "/new.php", forum.page([]))
    assert (await board.fetch()).posts == ()
    board.keys = {"empty": None}
    with pytest.raises(SourceError, match="`empty` can name what stands on a page without posts"):
        await board.fetch()


async def test_single_bad_items_are_left_out_with_a_notice(board: Board) -> None:
    bad = "<div class=post><div class=content>no id</div></div><div class=post id=p9></div>"
    serve(board.web, "/new.php", forum.page(items(1, 3)) + bad + forum.post(items(3, 3)[0]))
    page = await board.fetch()
    assert len(page.posts) == 3
    assert page.notices == (
        "2 items without an identity or a text were left out",
        "1 items with the identity of another one were left out",
    )


async def test_an_item_without_a_date_is_undated(board: Board) -> None:
    undated = "<div class=post id=p9><div class=content>Hallo</div></div>"
    serve(board.web, "/new.php", undated + forum.page(items(1, 2)))
    posts = (await board.fetch()).posts
    assert [(post.external_id, post.dated) for post in posts][-1] == ("board.test p9", False)


def many(web: Web, shown: list[Item], *, page: int = 20, newest_first: bool = True) -> None:
    """A list with pages to turn: ?page=N."""

    def handler() -> Handler:
        async def show(request: aio.Request) -> aio.Response:
            number = int(request.query.get("page", 1))
            ordered = sorted(shown, key=lambda item: item.number, reverse=newest_first)
            body = forum.page(ordered[(number - 1) * page : number * page])
            if len(ordered) > number * page:
                body += f"<a rel=next href='?page={number + 1}'>weiter</a>"
            return aio.Response(text=body, content_type="text/html")

        return show

    web["/new.php"] = handler()


async def test_the_oldest_first_goes_on_at_the_page_where_it_ended(board: Board) -> None:
    shown = items(1, 45)
    many(board.web, shown, newest_first=False)
    board.keys = {"order": "oldest_first"}
    pages = await board.read()
    assert [len(page.posts) for page in pages] == [20, 20, 5]
    board.web.requests.clear()
    shown += items(46, 70, newest=START)
    pages = await board.read()
    assert {post.text for page in pages for post in page.posts} == {f"text {n}" for n in range(41, 71)}
    assert [request.path for request in board.web.requests] == ["/new.php?page=3", "/new.php?page=4"]


async def test_the_oldest_first_begins_again_where_its_page_is_gone(board: Board) -> None:
    shown = items(1, 45)
    many(board.web, shown, newest_first=False)
    board.keys = {"order": "oldest_first"}
    await board.read()
    board.cursor["page"] = board.web.url("/old.php?page=3")
    pages = await board.read()
    assert sum(len(page.posts) for page in pages) == 45
    assert "begins at" in pages[0].notices[0]


async def test_numbers_are_positions_where_there_are_no_dates(board: Board) -> None:
    shown = items(1, 100)
    many(board.web, shown)
    board.keys = {"date": None}
    assert [len(page.posts) for page in await board.read()] == [20]  # how old they are is not known
    shown += items(101, 190)
    texts = {post.text for page in await board.read() for post in page.posts}
    assert texts >= {f"text {n}" for n in range(101, 191)}


async def test_without_dates_and_numbers_only_one_page_is_read(board: Board) -> None:
    serve(board.web, "/new.php", forum.page(items(1, 2)).replace('id="p1"', "id=a").replace('id="p2"', "id=b"))
    board.keys = {"date": None}
    page = await board.fetch()
    assert not page.more
    assert "only the first page is read" in page.notices[0]


async def test_a_list_without_pages_that_moved_on_leaves_a_gap(board: Board) -> None:
    board.keys = {"next": None}
    serve(board.web, "/new.php", forum.page(items(1, 20)))
    assert not (await board.fetch()).gaps
    board.clock.advance(timedelta(hours=2))
    serve(board.web, "/new.php", forum.page(items(20, 40, newest=START + timedelta(hours=1))))
    assert (await board.fetch()).gaps
    serve(board.web, "/new.php", forum.page(items(40, 45, newest=START + timedelta(hours=1, seconds=5))))
    assert not (await board.fetch()).gaps


async def test_pages_without_end_are_cut_off_with_a_gap(board: Board) -> None:
    async def endless(request: aio.Request) -> aio.Response:
        number = int(request.query.get("page", 1))
        item = Item(10**6 - number, START - timedelta(minutes=1, milliseconds=number), "x")
        text = forum.page([item]) + f"<a rel=next href='?page={number + 1}'>weiter</a>"
        return aio.Response(text=text, content_type="text/html")

    board.web["/new.php"] = endless
    pages = await board.read()
    assert len(pages) == MOST_PAGES
    assert pages[-1].gaps
    assert "next" not in board.cursor


@pytest.mark.parametrize("link", ["?page=1", "new.php", "https://other.test/new.php", "javascript:x()", "http://[x/"])
async def test_a_link_that_leads_nowhere_ends_the_pass(board: Board, link: str) -> None:
    serve(board.web, "/new.php", forum.page(items(1, 20)) + f"<a rel=next href='{link}'>weiter</a>")
    assert len(await board.read()) <= 2


async def test_a_pass_that_was_broken_off_long_ago_begins_at_its_first_page(board: Board) -> None:
    shown = items(1, 60)
    many(board.web, shown)
    first = await board.fetch()
    board.clock.advance(timedelta(hours=1))
    del shown[20:40]  # moved out of sight: what stood on the third page is on the second one now
    pages = await board.read()
    texts = {post.text for page in (first, *pages) for post in page.posts}
    assert texts >= {f"text {n}" for n in range(1, 21)}


async def test_it_pauses_between_pages_and_as_long_as_the_host_wants(board: Board) -> None:
    many(board.web, items(1, 60))
    await board.read()
    assert board.waited == [2.0, 2.0]
    board.cursor, board.waited = {}, []
    board.web["/robots.txt"] = (200, {}, b"User-agent: *\nCrawl-delay: 7")
    await board.read()
    assert board.waited == [7.0, 7.0]


async def test_what_robots_txt_forbids_is_not_asked_for(board: Board) -> None:
    many(board.web, items(1, 60))
    board.web["/robots.txt"] = (200, {}, b"User-agent: *\nDisallow: /*page=3")
    await board.fetch()
    await board.fetch()
    with pytest.raises(SourceError, match=r"/new.php\?page=3 to programs \(Disallow: /\*page=3\)") as caught:
        await board.fetch()
    assert caught.value.backoff_limit == BACKOFF_LONG
    paths = [request.path for request in board.web.requests]
    assert paths == ["/robots.txt", "/new.php", "/new.php?page=2"]
    board.clock.advance(timedelta(days=1, seconds=1))
    board.web["/robots.txt"] = (404, {}, b"")
    await board.fetch()
    assert board.web.requests[-2].path == "/robots.txt"


async def test_f20_a_hostile_page_ends_as_an_error(board: Board) -> None:
    reader = LexborReader(timeout=2)
    config = settings(base_url=board.web.base)
    source = ForumSource(config, config.urls[0], board.http, reader, board.clock)
    serve(board.web, "/new.php", "<div class=post>" * 100_000)
    with pytest.raises(SourceError, match=r"took longer than 2 s|broke off") as caught:
        await source.fetch({})
    assert caught.value.backoff_limit == BACKOFF_LONG
    serve(board.web, "/new.php", forum.page(items(1, 3)) + "<p>" + "x" * 10 * 2**20)
    assert len((await source.fetch({})).posts) == 3
    await reader.close()


@pytest.mark.parametrize(
    ("words", "number"),
    [("4,5 von 5 Sternen", 4.5), ("3/5", 3), ("★★☆☆☆", 2), ("Note: 1", 1), ("", None), ("gut", None)],
)
def test_ratings(words: str, number: float | None) -> None:
    assert rating_of(words) == number


@pytest.mark.parametrize(("words", "number"), [("1.204 Antworten", 1204), ("12", 12), ("Antworten: 3", 3), ("-", None)])
def test_counts(words: str, number: int | None) -> None:
    assert count_of(words) == number


@pytest.mark.parametrize(
    "keys",
    [
        {"item": "div["},
        {"body": ""},
        {"id": None},
        {"timezone": "Europe/Bonn"},
        {"timezone": "../etc"},
        {"date_formats": ("dd.mm.yyyy",)},
        {"date_formats": ("%d.%m.%Q",)},
        {"kind": "tweet"},
        {"order": "random"},
        {"pause": "10m"},
        {"urls": ()},
    ],
)
def test_mistakes_are_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(**keys)


def test_a_cursor_of_other_positions_begins_anew() -> None:
    def mark(**keys: Any) -> str:
        return fingerprint(settings(**keys), "https://board.test/new.php")

    assert len({mark(), mark(date=None), mark(order="oldest_first")}) == 3
    assert mark() == mark(body="div.other", name="c")
