"""The file source: files that grow, are cut, replaced and damaged; standard input."""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import pytest

from sources.base import Cursor, Page, Post, PostKind, SourceError
from sources.file import FileSettings, FileSource, StandardInput
from sources.lines import LONGEST_LINE
from tests.fakes import START, FixedClock


def settings(path: str) -> FileSettings:
    return FileSettings.model_validate({"name": "posts", "type": "file", "path": path})


@dataclass(slots=True)
class Reader:
    """Reads one file page by page; the cursor goes through JSON in between."""

    path: Path
    cursor: Cursor = field(default_factory=dict)
    pages: list[Page] = field(default_factory=list)  # of the last pass

    async def texts(self) -> list[str]:
        """One whole pass."""
        self.pages = []
        source = FileSource(settings(str(self.path)), FixedClock())
        while not self.pages or self.pages[-1].more:
            self.pages.append(await source.fetch(self.cursor))
            self.cursor = json.loads(json.dumps(self.pages[-1].cursor))
        return [post.text for page in self.pages for post in page.posts]

    def append(self, *texts: str, end: str = "\n") -> None:
        with self.path.open("a", encoding="utf-8", newline="") as file:
            file.write("".join(json.dumps({"text": text}) + end for text in texts))

    @property
    def posts(self) -> list[Post]:
        return [post for page in self.pages for post in page.posts]

    @property
    def notices(self) -> list[str]:
        return [notice for page in self.pages for notice in page.notices]


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path / "posts.jsonl")


async def test_a_line_becomes_a_post(reader: Reader) -> None:
    line = {
        "source": "elsewhere",
        "external_id": 17,
        "url": "https://x.test/1",
        "author": "Kim",
        "title": "A <b>title</b>",
        "text": "<p>Caf&eacute; &amp; Bar",
        "published_at": "2026-11-20T10:00:00+01:00",
        "lang": "de-DE",
        "kind": "review",
        "rating": 1,
        "followers": 3,
        "engagement": None,
        "parent": "p",
        "thread": "t",
        "seen_from": {"names": ["Acme"]},
    }
    reader.path.write_text(json.dumps(line) + "\n")
    await reader.texts()
    post = reader.posts[0]
    assert (post.source, post.external_id, post.url, post.author) == ("posts", "17", "https://x.test/1", "Kim")
    assert (post.title, post.text, post.raw) == ("A title", "Café & Bar", "<p>Caf&eacute; &amp; Bar")
    assert (post.published_at, post.dated) == (datetime(2026, 11, 20, 9, tzinfo=UTC), True)
    assert (post.lang, post.kind, post.rating, post.followers) == ("de", PostKind.REVIEW, 1.0, 3)
    assert (post.engagement, post.parent, post.thread) == (None, "p", "t")


async def test_only_text_is_required(reader: Reader) -> None:
    reader.append("alone")
    await reader.texts()
    post = reader.posts[0]
    assert (post.published_at, post.dated, post.kind, post.url) == (START, False, PostKind.POST, None)
    assert post.external_id


async def test_a_file_that_grows_is_read_once(reader: Reader) -> None:
    reader.append("one", "two")
    assert await reader.texts() == ["one", "two"]
    assert await reader.texts() == []
    reader.append("three")
    assert await reader.texts() == ["three"]
    assert reader.notices == []


async def test_a_line_that_is_still_being_written_waits(reader: Reader) -> None:
    reader.path.write_text('{"text": "one"}\n{"text": "tw')
    assert await reader.texts() == ["one"]
    reader.path.write_text('{"text": "one"}\n{"text": "two"}\n')
    assert await reader.texts() == ["two"]
    assert reader.notices == []


@pytest.mark.parametrize("end", ["\n", "\r\n", "  \n"])
async def test_a_last_line_without_its_end_is_read_where_it_is_complete(reader: Reader, end: str) -> None:
    reader.append("one", "two", end="\n")
    whole = reader.path.read_text()
    reader.path.write_text(whole.rstrip("\n"))
    assert await reader.texts() == ["one", "two"]
    assert await reader.texts() == []
    reader.path.write_text(whole.rstrip("\n") + end)
    reader.append("three")
    assert await reader.texts() == ["three"]
    numbered = reader.posts[0].external_id
    again = Reader(reader.path)
    await again.texts()
    assert again.posts[-1].external_id == numbered


@pytest.mark.parametrize("lines", [999, 1000, 1001, 2500])
async def test_long_files_come_in_pages(reader: Reader, lines: int) -> None:
    reader.append(*(str(n) for n in range(lines)))
    assert await reader.texts() == [str(n) for n in range(lines)]
    assert all(len(page.posts) <= 1000 for page in reader.pages)
    assert await reader.texts() == []


async def test_a_kill_between_two_pages_loses_nothing(reader: Reader) -> None:
    reader.append(*(str(n) for n in range(2500)))
    source = FileSource(settings(str(reader.path)), FixedClock())
    first = await source.fetch({})
    second = await source.fetch(first.cursor)
    again = await source.fetch(json.loads(json.dumps(first.cursor)))
    assert second == again
    reader.cursor = again.cursor
    assert await reader.texts() == [str(n) for n in range(2000, 2500)]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{", "not JSON"),
        (b"[1]", "not a JSON object"),
        (b'"text"', "not a JSON object"),
        (b"[" * 100_000, "nested too deeply"),
        (b"\xff\xfe{", "not UTF-8"),
        (b'{"title": "no text"}', "text: Field required"),
        (b'{"text": 5}', "text: Input should be a valid string"),
        (b'{"text": "x", "kind": "tweet"}', "kind: one of post, comment"),
        (b'{"text": "x", "followers": -1}', "followers:"),
        (b'{"text": "x", "engagement": 1e99}', "engagement:"),
        (b'{"text": "x", "rating": NaN}', "rating:"),
        (b'{"text": "x", "followers": ' + b"9" * 5000 + b"}", "line 2 was left out"),
        (b'{"text": "' + b"x" * LONGEST_LINE + b'"}', "longer than 4 MiB"),
    ],
)
async def test_a_bad_line_is_named_and_loses_nothing_else(reader: Reader, line: bytes, why: str) -> None:
    reader.path.write_bytes(b'{"text": "before"}\n' + line + b'\n\n{"text": "after"}\n')
    assert await reader.texts() == ["before", "after"]
    assert len(reader.notices) == 1
    assert "line 2 was left out" in reader.notices[0]
    assert why in reader.notices[0]


async def test_f22_bom_nul_and_lone_surrogates(reader: Reader) -> None:
    reader.path.write_bytes(b'\xef\xbb\xbf{"text": "one\\u0000"}\n{"text": "two \\ud800", "author": "\\udfff"}\n')
    first, second = await reader.texts()
    assert first == "one"
    second.encode()
    assert reader.notices == []


async def test_a_flood_of_bad_lines_is_counted_not_listed(reader: Reader) -> None:
    reader.path.write_text("bad\n" * 500 + '{"text": "good"}\n')
    assert await reader.texts() == ["good"]
    assert len(reader.notices) == 21
    assert "480 more" in reader.notices[-1]


async def test_ids(reader: Reader) -> None:
    lines = [
        {"text": "a", "external_id": "1", "url": "https://x.test/1"},
        {"text": "b", "url": "https://x.test/2"},
        {"text": "same"},
        {"text": "same"},
        {"text": "c", "external_id": "", "url": ""},
    ]
    reader.path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    await reader.texts()
    ids = [post.external_id for post in reader.posts]
    assert ids[:2] == ["1", "https://x.test/2"]
    assert len(set(ids)) == 5
    again = Reader(reader.path)
    await again.texts()
    assert [post.external_id for post in again.posts] == ids


@pytest.mark.parametrize("start", ["", '{"text": "another beginning"}\n'])
async def test_a_file_that_was_cut_or_replaced_is_read_from_its_start(reader: Reader, start: str) -> None:
    reader.append("one", "two", "three")
    await reader.texts()
    reader.path.write_text(start)
    reader.append(*(f"new {n}" for n in range(5 if start else 1)))
    assert (await reader.texts())[-1] == ("new 4" if start else "new 0")
    assert "replaced or cut" in reader.notices[0]
    assert await reader.texts() == []
    assert reader.notices == []


async def test_a_file_emptied_and_filled_again(reader: Reader) -> None:
    reader.append("one")
    await reader.texts()
    reader.path.write_text("")
    assert await reader.texts() == []
    reader.append("two")
    assert await reader.texts() == ["two"]


async def test_later_lines_about_the_same_post_are_newer_versions(reader: Reader) -> None:
    reader.path.write_text('{"external_id": "1", "text": "old"}\n{"external_id": "1", "text": "new"}\n')
    assert await reader.texts() == ["new"]


async def test_what_cannot_be_read_is_said_clearly(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    expected = {"missing.jsonl": "No such file", ".": "not a regular file", "pipe": "not a regular file", "\0": "null"}
    for name, why in expected.items():
        source = FileSource(settings(f"{tmp_path}/{name}"), FixedClock())
        with pytest.raises(SourceError, match=why):
            await source.fetch({})
        with pytest.raises(SourceError, match=why):
            await source.probe()


async def passes(source: StandardInput, cursor: Cursor) -> tuple[list[str], Cursor]:
    """All pages; each is fetched twice, as after a failed commit."""
    texts: list[str] = []
    more = True
    while more:
        page = await source.fetch(cursor)
        assert await source.fetch(cursor) is page
        cursor, more = json.loads(json.dumps(page.cursor)), page.more
        texts += [post.text for post in page.posts]
    return texts, cursor


def stream(lines: int) -> BinaryIO:
    return io.BytesIO("\n".join(json.dumps({"text": str(n)}) for n in range(lines)).encode())


@pytest.mark.parametrize("lines", [0, 1, 1000, 2500])
async def test_standard_input_is_read_to_its_end(lines: int) -> None:
    first = StandardInput(settings("-"), FixedClock(), lambda: stream(lines))
    texts, cursor = await passes(first, {})
    assert texts == [str(n) for n in range(lines)]
    assert await passes(first, cursor) == ([], cursor)
    clock = FixedClock(datetime(2026, 11, 22, tzinfo=UTC))
    second = StandardInput(settings("-"), clock, lambda: stream(lines))
    assert (await passes(second, cursor))[0] == texts


async def test_a_fetch_that_was_given_up_loses_no_line() -> None:
    reading, writing = os.pipe()
    source = StandardInput(settings("-"), FixedClock(), lambda: os.fdopen(reading, "rb"))
    given_up = asyncio.create_task(source.fetch({}))
    await asyncio.sleep(0)
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    os.write(writing, b'{"text": "one"}')
    os.close(writing)
    assert (await passes(source, {}))[0] == ["one"]


WAITS = """
import asyncio
from datetime import UTC, datetime
from sources.file import FileSettings, StandardInput
async def main():
    settings = FileSettings.model_validate({"name": "n", "type": "file", "path": "-"})
    source = StandardInput(settings, lambda: datetime.now(UTC))
    try:
        await asyncio.wait_for(source.fetch({}), 0.01)
    except TimeoutError:
        print("given up")
asyncio.run(main())
"""


def test_standard_input_that_says_nothing_keeps_no_process_alive() -> None:
    reading, writing = os.pipe()
    try:
        done = subprocess.run([sys.executable, "-c", WAITS], stdin=reading, capture_output=True, timeout=30, text=True)
    finally:
        os.close(reading)
        os.close(writing)
    assert (done.returncode, done.stdout, done.stderr) == (0, "given up\n", "")


async def test_files_are_read_off_the_event_loop(reader: Reader) -> None:
    reader.append("one")
    threads: list[str] = []

    class Watched(FileSource):
        def _open(self) -> BinaryIO:
            threads.append(threading.current_thread().name)
            return super()._open()

    await Watched(settings(str(reader.path)), FixedClock()).fetch({})
    assert threads != [threading.main_thread().name]
