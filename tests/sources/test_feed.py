"""The feed source over many polls, against a real server: what is new, what is known, what went wrong."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web as aiohttp_web

from sources.base import BACKOFF_LONG, BACKOFF_SHORT, Cursor, HttpError, Page, Post, PostKind, SourceError
from sources.feed import FeedSettings, FeedSource
from sources.text import content_hash
from tests.fakes import FailingHttp, FixedClock, JsonParser, PlainHttp, plain_http
from tests.servers import Web

Written = dict[str, Any]


def entries(*numbers: int, **changes: Any) -> list[Written]:
    """Entries newest first, as feeds have them."""
    return [
        {"id": f"https://x.test/{n}", "link": f"https://x.test/{n}", "title": f"Title {n}", "content": f"Text {n}"}
        | changes
        for n in sorted(numbers, reverse=True)
    ]


@dataclass(slots=True)
class Reader:
    """Polls one feed and keeps what the pipeline would: the cursor through JSON, and `seen`."""

    web: Web
    source: FeedSource
    clock: FixedClock
    cursor: Cursor = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)
    new: list[Post] = field(default_factory=list)  # of the last poll
    edited: list[Post] = field(default_factory=list)

    def serve(self, written: list[Written], path: str = "/feed", **headers: str) -> None:
        self.web[path] = (200, headers, json.dumps({"entries": written}).encode())

    async def poll(self, after: timedelta = timedelta(minutes=5)) -> Page:
        self.clock.advance(after)
        page = await self.source.fetch(self.cursor)
        assert not page.more
        for old, renamed in page.renamed.items():
            if old in self.seen:
                self.seen.setdefault(renamed, self.seen.pop(old))
        hashes = {post.external_id: content_hash(post.title, post.text, post.rating) for post in page.posts}
        self.new = [post for post in page.posts if post.external_id not in self.seen]
        self.edited = [
            post
            for post in page.posts
            if self.seen.get(post.external_id, hashes[post.external_id]) != hashes[post.external_id]
        ]
        self.seen |= hashes
        self.cursor = json.loads(json.dumps(page.cursor))
        return page


@pytest.fixture
async def reader(web: Web) -> AsyncIterator[Reader]:
    async with plain_http() as http:
        clock = FixedClock()
        yield Reader(web, feed(web, http, clock), clock)


def feed(web: Web, http: PlainHttp | FailingHttp, clock: FixedClock) -> FeedSource:
    config = FeedSettings.model_validate({"name": "news", "type": "feed", "url": web.url("/feed")})
    return FeedSource(config, http, JsonParser(), clock)


async def test_entries_become_posts_oldest_first(reader: Reader) -> None:
    reader.serve(
        [
            {
                "id": "https://x.test/2",
                "link": "javascript:alert(1)",
                "title": "A &amp; B",
                "date": "2026-11-21T09:00:00Z",
            },
            {"id": "7", "link": "https://x.test/1#comment-7", "content": "<p>Hallo <b>Welt</b></p>", "lang": "de-AT"},
            {"id": "https://x.test/0", "link": "https://x.test/0", "author": "Kim", "date": "2026-11-20T09:00:00Z"},
        ]
    )
    page = await reader.poll()
    oldest, titled, comment = page.posts
    assert (oldest.author, oldest.kind, oldest.url, oldest.dated) == ("Kim", PostKind.ARTICLE, "https://x.test/0", True)
    assert (titled.title, titled.url, titled.published_raw) == ("A & B", None, "2026-11-21T09:00:00Z")
    assert (comment.text, comment.lang, comment.kind) == ("Hallo Welt", "de", PostKind.COMMENT)
    assert (comment.dated, comment.published_at) == (False, reader.clock.now)
    assert comment.external_id == reader.web.base.removeprefix("http://") + "/feed 7"
    assert comment.raw == "<p>Hallo <b>Welt</b></p>"


async def test_without_dates_the_last_of_a_document_is_the_oldest(reader: Reader) -> None:
    reader.serve(entries(1, 2, 3))
    assert [post.title for post in (await reader.poll()).posts] == ["Title 1", "Title 2", "Title 3"]


async def test_f14_the_same_etag_and_the_same_body_bring_nothing_new(reader: Reader) -> None:
    reader.serve(entries(1, 2), ETag='W/"a"', **{"Last-Modified": "some day"})
    await reader.poll()
    page = await reader.poll()
    assert (page.body, reader.new, reader.edited, page.gaps) == (True, [], [], ())
    asked = reader.web.requests[-1].headers
    assert (asked["if-none-match"], asked["if-modified-since"]) == ('W/"a"', "some day")


async def test_f14_a_304_for_ever_is_broken_once_a_day(reader: Reader) -> None:
    async def stuck(request: aiohttp_web.Request) -> aiohttp_web.Response:
        if "If-None-Match" in request.headers:
            return aiohttp_web.Response(status=304)
        body = json.dumps({"entries": entries(*range(1, len(reader.web.requests) + 1))})
        return aiohttp_web.Response(text=body, headers={"ETag": '"for ever"'})

    reader.web["/feed"] = stuck
    await reader.poll()
    bodies = 0
    for _ in range(3 * 24):
        before = reader.cursor
        page = await reader.poll(timedelta(hours=1))
        bodies += page.body
        assert page.body or (page.posts == () and page.cursor == before)
        assert not page.body or reader.new
    assert bodies == 3


async def test_f14_a_304_to_an_unconditional_request_is_an_error(reader: Reader) -> None:
    reader.web["/feed"] = (304, {}, b"")
    with pytest.raises(SourceError, match="304"):
        await reader.poll()


def moved(web: Web, to: str, status: int = 301) -> None:
    web["/feed"] = (status, {"Location": web.url(to)}, b"")


def asked_last(web: Web, count: int) -> list[str]:
    return [request.path for request in web.requests[-count:]]


@pytest.mark.parametrize("status", [301, 308])
async def test_f16_a_permanent_redirect_is_believed_after_three_sightings(reader: Reader, status: int) -> None:
    moved(reader.web, "/new", status)
    reader.serve(entries(1, 2), "/new", ETag='"1"')
    notices = [(await reader.poll()).notices for _ in range(3)]
    assert [len(each) for each in notices] == [0, 0, 1]
    assert "/new" in notices[2][0]
    before = len(reader.web.requests)
    await reader.poll()
    assert asked_last(reader.web, len(reader.web.requests) - before) == ["/new"]
    assert reader.new == []


async def test_f16_redirects_that_differ_or_pause_are_not_believed(reader: Reader) -> None:
    for path in ("/a", "/b"):
        reader.serve(entries(1), path)
    for path in ("/a", "/a", "/b", "/b", "/a", "/a"):
        moved(reader.web, path)
        assert (await reader.poll()).notices == ()
    reader.serve(entries(1))
    await reader.poll()
    moved(reader.web, "/a")
    assert [(await reader.poll()).notices for _ in range(2)] == [(), ()]


async def test_f16_a_temporary_redirect_is_never_believed(reader: Reader) -> None:
    moved(reader.web, "/new", 302)
    reader.serve(entries(1), "/new")
    assert [(await reader.poll()).notices for _ in range(5)] == [()] * 5
    assert asked_last(reader.web, 2) == ["/feed", "/new"]


async def test_f16_sightings_count_while_nothing_changes(reader: Reader) -> None:
    moved(reader.web, "/new")
    reader.serve(entries(1), "/new", ETag='"1"')
    await reader.poll()
    reader.web["/new"] = (304, {}, b"")
    pages = [await reader.poll() for _ in range(3)]
    assert [len(page.notices) for page in pages] == [0, 1, 0]
    assert asked_last(reader.web, 1) == ["/new"]


@pytest.mark.parametrize("status", [404, 410])
async def test_f16_where_the_new_address_fails_the_configured_one_is_asked_again(reader: Reader, status: int) -> None:
    moved(reader.web, "/new")
    reader.serve(entries(1), "/new")
    for _ in range(3):
        await reader.poll()
    reader.web["/new"] = (status, {}, b"")
    reader.serve(entries(1, 2))
    page = await reader.poll()
    assert [post.title for post in reader.new] == ["Title 2"]
    assert "back to" in page.notices[0]
    await reader.poll()
    assert asked_last(reader.web, 1) == ["/feed"]


@pytest.mark.parametrize(
    ("status", "permanent", "limit"),
    [
        (410, True, BACKOFF_LONG),
        (404, False, BACKOFF_LONG),
        (401, False, BACKOFF_LONG),
        (403, False, BACKOFF_LONG),
        (204, False, BACKOFF_LONG),
        (500, False, BACKOFF_SHORT),
        (503, False, BACKOFF_SHORT),
        (429, False, BACKOFF_SHORT),
    ],
)
async def test_f17_statuses(reader: Reader, status: int, permanent: bool, limit: timedelta) -> None:
    reader.web["/feed"] = (status, {"Retry-After": "30"} if status in (429, 503) else {}, b"")
    with pytest.raises(SourceError, match=f"HTTP {status}") as caught:
        await reader.poll()
    assert (caught.value.permanent, caught.value.backoff_limit) == (permanent, limit)
    assert caught.value.retry_after == (30.0 if status in (429, 503) else None)


@pytest.mark.parametrize(
    ("error", "limit"),
    [
        (HttpError("no such host", unreachable=True), BACKOFF_LONG),
        (HttpError("private address", refused=True), BACKOFF_LONG),
        (HttpError("timed out"), BACKOFF_SHORT),
        (HttpError("left alone", retry_after=12.0), BACKOFF_SHORT),
    ],
)
async def test_f17_no_answer(web: Web, error: HttpError, limit: timedelta) -> None:
    source = feed(web, FailingHttp(error), FixedClock())
    with pytest.raises(SourceError, match=str(error)) as caught:
        await source.fetch({})
    assert (caught.value.permanent, caught.value.backoff_limit) == (False, limit)
    assert caught.value.retry_after == error.retry_after


async def test_errors_show_no_token_of_the_address(web: Web) -> None:
    async with plain_http() as http:
        url = web.url("/feed?token=geheim").replace("//", "//kim:secret@")
        source = FeedSource(
            FeedSettings.model_validate({"name": "n", "type": "feed", "url": url}), http, JsonParser(), FixedClock()
        )
        with pytest.raises(SourceError) as caught:
            await source.fetch({})
    assert "geheim" not in str(caught.value)
    assert "secret" not in str(caught.value)


async def test_f21_an_html_page_is_an_error_and_leaves_the_cursor(reader: Reader) -> None:
    reader.serve(entries(1, 2))
    await reader.poll()
    reader.web["/feed"] = (200, {"Content-Type": "text/html"}, b"<html>Just a moment...</html>")
    with pytest.raises(SourceError, match="not a feed: an HTML page") as caught:
        await reader.poll()
    assert (caught.value.backoff_limit, caught.value.permanent) == (BACKOFF_LONG, False)
    reader.serve(entries(1, 2, 3))
    assert (await reader.poll()).gaps == ()
    assert [post.title for post in reader.new] == ["Title 3"]


async def test_f22_a_damaged_document_is_kept_and_asked_for_again_whole(reader: Reader) -> None:
    body = json.dumps({"entries": entries(1), "damaged": True}).encode()
    reader.web["/feed"] = (200, {"ETag": '"cut"'}, body)
    page = await reader.poll()
    assert len(reader.new) == 1
    assert "damaged" in page.notices[0]
    await reader.poll()
    assert "if-none-match" not in reader.web.requests[-1].headers


async def test_f22_an_entry_cut_off_before_its_guid_is_not_counted_twice(reader: Reader) -> None:
    cut = [*entries(2), *entries(1, id=None, content="Te")]
    body = json.dumps({"entries": cut, "damaged": True}).encode()
    reader.web["/feed"] = (200, {}, body)
    await reader.poll()
    assert [post.title for post in reader.new] == ["Title 2"]
    reader.serve([*entries(1, 2), {}])
    await reader.poll()
    assert [post.title for post in reader.new] == ["Title 1"]


async def test_f22_an_entry_cut_off_before_its_link_is_not_counted_twice(reader: Reader) -> None:
    whole = [entry | {"id": None} for entry in entries(1, 2)]
    body = json.dumps({"entries": [whole[0], whole[1] | {"link": None}], "damaged": True}).encode()
    reader.web["/feed"] = (200, {}, body)
    assert len((await reader.poll()).posts) == 1
    reader.serve(whole)
    await reader.poll()
    assert [post.title for post in reader.new] == ["Title 1"]


async def test_f23_without_guids_the_link_tells_entries_apart(reader: Reader) -> None:
    reader.serve(entries(1, 2, id=None))
    await reader.poll()
    tracked = entries(2, 1, id=None)
    for entry in tracked:
        entry["link"] = entry["link"].replace("https://x", "http://X") + "?utm_source=rss&fbclid=1"
    reader.serve(tracked)
    assert (await reader.poll()).gaps == ()
    assert reader.new == []


async def test_f23_without_guid_and_link_title_and_content_tell_entries_apart(reader: Reader) -> None:
    reader.serve(entries(1, 2, id=None, link=None))
    await reader.poll()
    reader.serve(entries(1, 2, 3, id=None, link=None))
    await reader.poll()
    assert [post.title for post in reader.new] == ["Title 3"]


async def test_f23_identical_guids_get_the_link_added_for_good(reader: Reader) -> None:
    reader.serve(entries(1, id="same"))
    await reader.poll()
    reader.serve(entries(1, 2, id="same"))
    page = await reader.poll()
    assert [post.title for post in reader.new] == ["Title 2"]
    assert len(page.notices) == 1
    reader.serve(entries(2, id="same"))  # alone again: the policy stays
    assert (await reader.poll()).notices == ()
    assert (reader.new, reader.edited) == ([], [])
    reader.serve(entries(1, 2, 3, id="same"))
    assert (await reader.poll()).notices == ()
    assert [post.title for post in reader.new] == ["Title 3"]


async def test_f23_a_collision_renames_every_entry_that_was_known(reader: Reader) -> None:
    reader.serve(entries(1, 2, 3))
    await reader.poll()
    reader.serve([*entries(4, 5, id="https://x.test/3"), *entries(1, 2, 3)])
    await reader.poll()
    assert sorted(post.title for post in reader.new) == ["Title 4", "Title 5"]
    assert reader.edited == []


@pytest.mark.parametrize("same", [{"id": "1", "link": "https://x.test/"}, {"id": None, "link": "https://x.test/"}])
async def test_f23_where_guid_and_link_are_all_the_same_titles_tell_entries_apart(
    reader: Reader, same: dict[str, Any]
) -> None:
    reader.serve(entries(1, **same))
    await reader.poll()
    reader.serve(entries(1, 2, 3, **same))
    page = await reader.poll()
    assert sorted(post.title for post in reader.new) == ["Title 2", "Title 3"]
    assert (reader.edited, page.gaps) == ([], ())


async def test_f23_an_entry_that_stands_twice_is_one(reader: Reader) -> None:
    reader.serve([*entries(1, 2), *entries(1)])
    page = await reader.poll()
    assert (len(page.posts), page.notices) == (2, ())


async def test_f23_guids_drawn_anew_at_each_poll_bring_nothing_new(reader: Reader) -> None:
    notices: list[str] = []
    for poll in range(6):
        numbers = range(1 + poll, 21 + poll)
        reader.serve([entry | {"id": f"{poll}-{n}"} for n, entry in enumerate(entries(*numbers))])
        page = await reader.poll()
        notices += page.notices
        assert page.gaps == ()
        if poll:
            assert [post.title for post in reader.new] == [f"Title {20 + poll}"]
            assert reader.edited == []
    assert len(notices) == 1


async def test_f23_guids_drawn_anew_for_all_but_a_pinned_entry(reader: Reader) -> None:
    for poll in range(3):
        reader.serve([*entries(99), *[e | {"id": f"{poll}-{n}"} for n, e in enumerate(entries(*range(10)))]])
        await reader.poll()
        assert len(reader.new) == (0 if poll else 11)


async def test_f23_guids_drawn_anew_of_entries_that_are_listed_twice(reader: Reader) -> None:
    for poll in range(3):
        drawn = [entry | {"id": f"{poll}-{n}"} for n, entry in enumerate(entries(1, 2, 3))]
        reader.serve([*drawn, *drawn[:2]])
        await reader.poll()
        assert len(reader.new) == (0 if poll else 3)


async def test_f24_an_edit_keeps_its_id_and_changes_its_hash(reader: Reader) -> None:
    reader.serve(entries(1, 2))
    await reader.poll()
    changed = entries(1, 2)
    changed[0]["content"] = "Text 2, now about Acme"
    reader.serve(changed)
    await reader.poll()
    assert reader.new == []
    assert [post.text for post in reader.edited] == ["Text 2, now about Acme"]


@pytest.mark.parametrize("date", [None, "31 Feb 2026", "0000-01-01", "2041-01-01T00:00:00Z", "nonsense"])
async def test_f25_a_date_that_cannot_be_is_the_time_of_the_fetch(reader: Reader, date: str | None) -> None:
    reader.serve(entries(1, date=date))
    post = (await reader.poll()).posts[0]
    assert (post.published_at, post.dated, post.published_raw) == (reader.clock.now, False, date)


async def test_f26_an_archive_published_again_comes_whole_and_dated(reader: Reader) -> None:
    reader.serve(entries(1000))
    await reader.poll()
    reader.serve(entries(*range(500), 1000, date="2019-05-01T10:00:00Z"))
    page = await reader.poll()
    assert (len(reader.new), page.gaps) == (500, ())
    assert all(post.dated and post.published_at.year == 2019 for post in reader.new)


async def test_a_window_that_slid_past_unseen_entries_is_a_gap(reader: Reader) -> None:
    reader.serve(entries(*range(20)))
    await reader.poll()
    reader.serve(entries(*range(19, 39)))
    assert (await reader.poll()).gaps == ()
    reader.serve(entries(*range(50, 70)))
    assert len((await reader.poll()).gaps) == 1


@pytest.mark.parametrize("count", [1, 5])
async def test_entries_alike_in_link_and_title_do_not_hide_a_gap(reader: Reader, count: int) -> None:
    same: dict[str, Any] = {"link": "https://x.test/", "title": ""}
    reader.serve([{"id": f"tag:{n}", "content": f"Text {n}"} | same for n in range(5)])
    await reader.poll()
    reader.serve([{"id": f"tag:{n}", "content": f"Text {n}"} | same for n in range(10, 10 + count)])
    assert len((await reader.poll()).gaps) == 1
    assert len(reader.new) == count


async def test_an_empty_document_between_two_hides_no_gap_and_makes_none(reader: Reader) -> None:
    reader.serve(entries(1, 2))
    await reader.poll()
    reader.serve([])
    page = await reader.poll()
    assert (page.posts, page.gaps) == ((), ())
    assert not page.body, "a feed that was empty for a month has shown nothing that could be missed, see retention"
    reader.serve(entries(2, 3))
    assert (await reader.poll()).gaps == ()
    reader.serve([])
    await reader.poll()
    reader.serve(entries(8, 9))
    assert len((await reader.poll()).gaps) == 1


async def test_ids_are_short_enough_for_every_index(reader: Reader) -> None:
    reader.serve(entries(1, id="https://x.test/" + "a" * 5000) + entries(2, id="tag:\ud800\0"))
    page = await reader.poll()
    assert all(len(post.external_id) <= 500 and post.external_id.isprintable() for post in page.posts)


async def test_base_url_replaces_the_host_and_adds_a_prefix(web: Web) -> None:
    async with plain_http() as http:
        written = {"name": "n", "type": "feed", "url": "https://x.test/a/feed?b=1", "base_url": web.url("/x/")}
        config = FeedSettings.model_validate(written)
        source = FeedSource(config, http, JsonParser(), FixedClock())
        web["/x/a/feed"] = (200, {}, json.dumps({"entries": entries(1), "title": "News\nof x"}).encode())
        assert await source.probe() == "json feed 'News of x' with 1 entries"
    assert web.requests[0].path == "/x/a/feed?b=1"
