"""Posts from a file of JSON lines (see sources.json_lines), or from standard input.

A line that cannot be read is left out with a notice; the lines around it are not touched by it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import stat
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any, BinaryIO, Literal

from pydantic import Field

from sources.base import Clock, Cursor, Duration, Page, PathKey, Post, SourceError, SourceSettings
from sources.daemon_thread import in_daemon_thread
from sources.json_lines import read_post

PAGE_LINES = 1000
PAGE_BYTES = 8 * 2**20  # a page ends after the line that reaches it
LONGEST_LINE = 4 * 2**20
HEAD = 1024  # bytes at the start by which a file is recognised
NOTICES = 20  # per page; the rest is counted


class FileSettings(SourceSettings):
    """A file that grows, one JSON object a line; `-` is standard input, read to its end."""

    type: Literal["file"]
    path: Annotated[str, PathKey()] = Field(description="the file; - is standard input", min_length=1)
    backlog: Duration | Literal["all"] = Field(
        "all", description="posts older than this are held on a first pass; all = none is too old"
    )


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its end; `content` is None where it was too long to be kept."""

    number: int  # from 1
    content: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The cursor: up to where a file was read. `head` is the hash of its first `headed` bytes."""

    offset: int = 0
    line: int = 0  # lines before the offset
    head: str = ""
    headed: int = 0

    @classmethod
    def of(cls, cursor: Cursor) -> Place:
        known: dict[str, Any] = {key: value for key, value in cursor.items() if key in cls.__slots__}
        return cls(**known)

    def cursor(self) -> Cursor:
        return {"offset": self.offset, "line": self.line, "head": self.head, "headed": self.headed}


class FileSource:
    """A file in the file system. Raises SourceError where it cannot be read."""

    overlap = timedelta(0)

    def __init__(self, config: FileSettings, clock: Clock) -> None:
        self._name = config.name
        self._path = config.path
        self._clock = clock

    async def fetch(self, cursor: Cursor) -> Page:
        return await asyncio.to_thread(self._read, Place.of(cursor), self._clock())

    async def probe(self) -> str:
        return await asyncio.to_thread(self._size)

    def _size(self) -> str:
        with self._open() as file:
            return f"{os.fstat(file.fileno()).st_size} bytes"

    def _read(self, place: Place, now: datetime) -> Page:
        with self._open() as file:
            try:
                anew = not _is_same(file, place)
                taken, place = _go_on(file, Place() if anew else place)
            except OSError as error:
                raise SourceError(f"{self._path}: {error.strerror}") from error
        page = _page(taken, self._name, now)
        notices = ("the file was replaced or cut: read again from its start",) if anew else ()
        return replace(page, cursor=place.cursor(), notices=(*notices, *page.notices))

    def _open(self) -> BinaryIO:
        try:
            if not stat.S_ISREG(os.stat(self._path).st_mode):
                raise SourceError(f"{self._path}: not a regular file")
            return open(self._path, "rb")
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            raise SourceError(f"{self._path}: {getattr(error, 'strerror', None) or error}") from error


class StandardInput:
    """Standard input, read once to its end. Raises SourceError where it cannot be read.

    What was read cannot be read again, so the last page stays here until the cursor after it comes back.
    """

    overlap = timedelta(0)

    def __init__(self, config: FileSettings, clock: Clock, stream: Callable[[], BinaryIO] | None = None) -> None:
        self._name = config.name
        self._clock = clock
        self._open = stream or _standard_input
        self._stream: BinaryIO | None = None
        self._opened = ""
        self._line = 0
        self._asked: Cursor | None = None
        self._answer: Future[Page] = Future()

    async def fetch(self, cursor: Cursor) -> Page:
        # A fetch that was given up goes on reading: the next one waits for the same answer.
        if self._answer.done() and (self._asked != cursor or self._answer.exception()):
            self._asked = None
        if self._asked is None:
            self._asked, self._answer = cursor, in_daemon_thread(self._read, "standard-input")
        return await asyncio.wrap_future(self._answer)

    async def probe(self) -> str:
        return "standard input"

    def _read(self) -> Page:
        now = self._clock()
        try:
            if self._stream is None:
                # The cursors of this process must equal none of another, which read another stream.
                self._stream, self._opened = self._open(), f"{os.getpid()} {now.isoformat()}"
            taken = _take(self._stream, self._line, to_end=True)
        except OSError as error:
            raise SourceError(f"standard input: {error.strerror}") from error
        self._line += len(taken.lines)
        return replace(_page(taken, self._name, now), cursor={"opened": self._opened, "line": self._line})


def _standard_input() -> BinaryIO:
    # Not sys.stdin: a thread that waits in it would keep the interpreter from ending.
    return open(0, "rb", closefd=False)


@dataclass(frozen=True, slots=True)
class Taken:
    """The lines of a page, the bytes they took, and whether more may follow at once."""

    lines: list[Line]
    size: int
    more: bool


def _is_same(file: BinaryIO, place: Place) -> bool:
    file.seek(0)
    if os.fstat(file.fileno()).st_size < place.offset:
        return False
    return not place.headed or _head(file.read(place.headed)) == place.head


def _head(start: bytes) -> str:
    return hashlib.sha256(start).hexdigest()[:32]


def _go_on(file: BinaryIO, place: Place) -> tuple[Taken, Place]:
    """The lines from `place` on, and the place after them."""
    offset = place.offset + _rest_of_line(file, place.offset)
    file.seek(offset)
    taken = _take(file, place.line, to_end=False)
    offset += taken.size
    file.seek(0)
    start = file.read(min(HEAD, offset))
    after = Place(offset=offset, line=place.line + len(taken.lines), head=_head(start), headed=len(start))
    return taken, after


def _rest_of_line(file: BinaryIO, offset: int) -> int:
    """Blank bytes that ended a last line after it was read without its end."""
    if offset == 0:
        return 0
    file.seek(offset - 1)
    if file.read(1) == b"\n":
        return 0
    rest = file.readline(LONGEST_LINE)
    return 0 if rest.strip() else len(rest)


def _take(file: BinaryIO, number: int, *, to_end: bool) -> Taken:
    """Lines after line `number`. The last one counts without its end where it is complete: `to_end`, or an object."""
    lines: list[Line] = []
    size = 0
    while len(lines) < PAGE_LINES and size < PAGE_BYTES:
        content, length, is_whole = _read_line(file)
        if not length or not (is_whole or to_end or _is_object(content)):
            return Taken(lines, size, more=False)
        lines.append(Line(number + len(lines) + 1, content))
        size += length
    return Taken(lines, size, more=True)


def _read_line(file: BinaryIO) -> tuple[bytes | None, int, bool]:
    """Content, None where it is too long; length; whether its end was there."""
    content = file.readline(LONGEST_LINE)
    if content.endswith(b"\n") or len(content) < LONGEST_LINE:
        return content, len(content), content.endswith(b"\n")
    length = len(content)
    while piece := file.readline(LONGEST_LINE):
        length += len(piece)
        if piece.endswith(b"\n"):
            return None, length, True
    return None, length, False


def _is_object(content: bytes | None) -> bool:
    try:
        return content is not None and isinstance(json.loads(content), dict)
    except (ValueError, RecursionError):
        return False


def _page(taken: Taken, source: str, now: datetime) -> Page:
    posts: dict[str, Post] = {}
    notices = []
    for line in taken.lines:
        try:
            post = _post(line, source, now)
        except ValueError as error:
            notices.append(f"line {line.number} was left out: {error}")
            continue
        if post is not None:
            posts[post.external_id] = post  # a later line is a newer version
    if len(notices) > NOTICES:
        notices = [*notices[:NOTICES], f"{len(notices) - NOTICES} more lines were left out"]
    ordered = sorted(posts.values(), key=lambda post: post.published_at)
    return Page(posts=tuple(ordered), cursor={}, more=taken.more, notices=tuple(notices))


def _post(line: Line, source: str, now: datetime) -> Post | None:
    """None for a blank line."""
    if line.content is None:
        raise ValueError(f"longer than {LONGEST_LINE // 2**20} MiB")
    return read_post(line.content, line.number, source, now) if line.content.strip() else None
