"""Where `mentiond query` takes posts from, and queries in the language of another product."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from monitor.commands import OK, TROUBLE, USAGE
from tests.acceptance.running import CONSOLE, Feed, configuration, item
from tests.monitor.query_runs import Query, write
from tests.servers import Web


@pytest.fixture
def posts(tmp_path: Path) -> Path:
    return write(tmp_path, [{"text": "Acme"}, {"text": "nothing"}])


@pytest.mark.parametrize(
    "arguments",
    [
        ("--since", "1d", "--feed", "https://example.com/"),
        ("posts.jsonl", "--since", "1d"),
        ("posts.jsonl", "--feed", "x"),
    ],
)
def test_posts_come_from_one_place(query: Query, arguments: tuple[str, ...]) -> None:
    said = query("acme", *arguments)
    assert said.code == USAGE
    assert "one of FILE.jsonl, --feed and --since is enough" in said.err


def test_a_file_may_stand_behind_options(query: Query, posts: Path) -> None:
    assert query("acme", "--limit", "3", posts).code == OK
    assert query("acme", "--json", posts, "more").code == USAGE
    assert query("acme", "--jsno", posts).code == USAGE


def test_the_store_needs_a_configuration(query: Query, tmp_path: Path) -> None:
    said = query("acme", "-c", tmp_path / "none.yaml")
    assert said.code == USAGE
    assert "No such file" in said.err
    assert "--since 1x: expected a duration" in query("acme", "--since", "1x").err


@pytest.fixture
def allowing(tmp_path: Path) -> Path:
    """A configuration that allows loopback."""
    path = tmp_path / "config.yaml"
    path.write_text(json.dumps(configuration([{"name": "f", "type": "file", "path": "-"}], [CONSOLE])))
    return path


async def test_a_feed_shows_what_would_match(query: Query, web: Web, allowing: Path) -> None:
    web["/feed.xml"] = Feed([item(1, "My Acme is broken"), item(2, "nothing")])
    said = await asyncio.to_thread(query, "acme", "--feed", web.url("/feed.xml"), "-c", allowing)
    assert said.code == OK, said.err
    assert said.out == "https://news.example/1: Entry 1 | My [Acme] is broken\n"
    assert "1 of 2 posts match (50.0 %)" in said.err
    found = await asyncio.to_thread(query, "acme", "--feed", web.url("/feed.xml"), "-c", allowing, "--json")
    assert [(line["external_id"], "line" in line) for line in found.lines] == [("https://news.example/1", False)]


async def test_a_feed_inside_is_refused_unless_a_configuration_allows_it(query: Query, web: Web) -> None:
    web["/feed.xml"] = Feed([item(1, "Acme")])
    said = await asyncio.to_thread(query, "acme", "--feed", web.url("/feed.xml"))
    assert (said.code, said.out) == (TROUBLE, "")
    assert "127.0.0.1" in said.err
    assert web.requests == []


async def test_a_feed_that_is_none(query: Query, web: Web, allowing: Path) -> None:
    web["/page"] = (200, {"Content-Type": "text/html"}, b"<p>Hello")
    for path, problem in (("/page", "not a feed"), ("/gone", "404")):
        said = await asyncio.to_thread(query, "acme", "--feed", web.url(path), "-c", allowing)
        assert (said.code, said.out) == (TROUBLE, "")
        assert problem in said.err
        assert "Traceback" not in said.err


@pytest.mark.parametrize("url", ["ftp://example.com/", "example.com", ""])
def test_an_address_that_is_none(query: Query, url: str) -> None:
    said = query("acme", "--feed", url)
    assert said.code == USAGE
    assert "expected an address" in said.err


BRANDWATCH = "language:de AND (acme NEAR/3 kaputt) AND country:deu"


def test_a_query_of_brandwatch_is_translated_without_any_posts(query: Query) -> None:
    said = query("--from", "brandwatch", BRANDWATCH)
    assert said.code == OK
    [translated] = said.out.splitlines()
    assert "lang:de" in translated
    assert "acme NEAR/3 kaputt" in translated
    assert "country" not in translated
    assert any(line.startswith("note: ") and "country" in line for line in said.err.splitlines())


def test_a_query_of_brandwatch_can_be_tried(query: Query, tmp_path: Path) -> None:
    texts = ("Acme Telefon kaputt", "Acme bei Globex wieder einmal ganz kaputt")
    posts = write(tmp_path, [{"text": text, "lang": "de"} for text in texts])
    said = query(BRANDWATCH, posts, "--from", "brandwatch")
    assert said.out == "line 1: [Acme] Telefon [kaputt]\n"
    compared = query("language:de AND acme", posts, "--from", "brandwatch", "--compare", BRANDWATCH)
    assert "1 gained, 0 lost, 1 found by both" in compared.err


@pytest.mark.parametrize("text", ["((acme", "country:deu"])
def test_a_query_of_brandwatch_that_cannot_be_translated(query: Query, text: str) -> None:
    said = query("--from", "brandwatch", text)
    assert (said.code, said.out) == (USAGE, "")
    assert "line 1, column " in said.err


def test_only_dialects_that_are_known(query: Query) -> None:
    assert query("--from", "talkwalker", "acme").code == USAGE
