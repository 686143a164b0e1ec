"""HTML pages read by selectors in a child process: what is found, and how hostile pages end."""

from __future__ import annotations

import resource
import time
from collections.abc import AsyncIterator, Callable

import pytest

from sources.page_reader import Caught, LexborReader, PageError, Question, Selector, decode_page

POSTS = Question(
    item="div.post",
    fields={"id": Selector.of("@id"), "body": Selector.of(".body"), "time": Selector.of("time@datetime")},
    page={"next": Selector.of("a[rel=next]@href")},
)
POST = '<div class=post id=p1><time datetime="2026-11-21">gestern</time><div class=body>Hallo <b>Welt</b></div></div>'


@pytest.fixture
async def reader() -> AsyncIterator[LexborReader]:
    opened = LexborReader()
    yield opened
    await opened.close()


async def test_what_the_selectors_catch(reader: LexborReader) -> None:
    found = await reader.read(f"{POST}<div class=post id=p2></div><a rel=next href='?start=25'>weiter</a>", POSTS)
    assert found == Caught(
        ({"id": "p1", "body": "Hallo <b>Welt</b>", "time": "2026-11-21"}, {"id": "p2"}), {"next": "?start=25"}
    )


@pytest.mark.parametrize(
    ("written", "css", "attribute"),
    [
        ("a.author", "a.author", None),
        ("a.link@href", "a.link", "href"),
        ("@data-id", "", "data-id"),
        ('a[href*="@acme"]', 'a[href*="@acme"]', None),
        ('a[href*="@acme"]@title', 'a[href*="@acme"]', "title"),
    ],
)
def test_selectors_as_they_are_written(written: str, css: str, attribute: str | None) -> None:
    assert Selector.of(written) == Selector(css, attribute)


async def test_a_selector_that_is_none_is_named_as_trouble(reader: LexborReader) -> None:
    with pytest.raises(PageError, match="selector"):
        await reader.read(POST, Question(item="div["))
    assert len((await reader.read(POST, POSTS)).items) == 1


@pytest.mark.parametrize(
    "text", ["", "\0", "plain", "<", "<!--", "<div class=post" * 1000, "</div>" * 10_000, "<table><a>"]
)
async def test_broken_markup_is_read_as_far_as_it_goes(reader: LexborReader, text: str) -> None:
    assert (await reader.read(text, POSTS)).page == {}


async def test_f20_a_hundred_thousand_nested_elements_end_the_child_not_the_reader(reader: LexborReader) -> None:
    started = time.monotonic()
    with pytest.raises(PageError, match=r"longer than 5 s|broke off"):
        await reader.read("<div class=post>" * 100_000, POSTS)
    assert time.monotonic() - started < 30  # start of the child on a loaded machine, and its 5 s
    assert len((await reader.read(POST, POSTS)).items) == 1


async def test_f20_a_slow_selector_is_stopped_too() -> None:
    reader = LexborReader(timeout=1)
    await reader.read(POST, POSTS)
    with pytest.raises(PageError, match="longer than 1 s"):
        await reader.read("<div>" * 20_000, Question(item="div:has(p):has(div p)"))
    await reader.close()


async def test_f20_ten_megabytes_are_read_with_bounded_memory(reader: LexborReader, say: Callable[[str], None]) -> None:
    body = (POST * (10 * 2**20 // len(POST))).encode()
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024  # of other tests' children
    started = time.monotonic()
    found = await reader.read(decode_page(body, None), POSTS)
    seconds = time.monotonic() - started
    assert len(found.items) == 2000
    await reader.close()
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    assert child < 1100 or child == before
    say(f"10 MB of HTML: {seconds:.1f} s with the start of the child, which took at most {child} MB")


async def test_f20_items_within_items_are_cut_off(reader: LexborReader) -> None:
    text = "<div class=post>" + "x" * 1000
    found = await reader.read(text * 2000, Question(item="div.post", fields={"body": Selector("", None)}))
    assert 0 < len(found.items) < 2000
    assert sum(len(item["body"]) for item in found.items) <= 32 << 20


@pytest.mark.parametrize(
    ("content_type", "meta", "codec"),
    [
        ("text/html; charset=ISO-8859-15", "", "iso-8859-15"),
        ("text/html", '<meta charset="windows-1252">', "cp1252"),
        (None, '<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1">', "latin-1"),
        ("text/html; charset=iso-8859-1", '<meta charset="utf-8">', "utf-8"),
        ("text/html", '<meta charset="nonsense">', "utf-8"),
        (None, "", "cp1252"),
    ],
)
def test_the_charset_comes_from_the_header_then_from_the_page(content_type: str | None, meta: str, codec: str) -> None:
    assert decode_page(f"{meta}<p>Müller fährt</p>".encode(codec), content_type) == f"{meta}<p>Müller fährt</p>"
