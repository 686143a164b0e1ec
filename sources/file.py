"""Posts from a file, or from standard input: JSON lines (sources.json_lines) or a table (sources.csv_rows).

A line that cannot be read is left out with a notice; the lines around it are not touched by it.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any, BinaryIO, Literal

from pydantic import AfterValidator, Field, model_validator

from sources.base import Clock, Cursor, Duration, Page, PathKey, SourceError, SourceSettings
from sources.csv_rows import CsvColumns, CsvForm, Table, open_table
from sources.daemon_thread import in_daemon_thread
from sources.json_lines import take as take_json_lines
from sources.lines import LONGEST_LINE, Lines, Taken

HEAD = 1024  # bytes at the start, and before the offset, by which a file is recognised
NOTICES = 20  # per page; the rest is counted
REST = timedelta(minutes=1)  # a file that nobody changed for so long is not being written
TABLES = (".csv", ".tsv")


def _encoding(name: str) -> str:
    try:
        fits = "a;\n".encode(name) == b"a;\n"
    except (LookupError, ValueError):
        fits = False
    if not fits:
        raise ValueError("an encoding such as utf-8 or cp1252, of one byte for each ASCII character")
    return name


class FileSettings(SourceSettings):
    """A file that grows, or is replaced as a whole; `-` is standard input, read to its end."""

    type: Literal["file"]
    path: Annotated[str, PathKey()] = Field(description="the file; - is standard input", min_length=1)
    format: Literal["jsonl", "csv"] | None = Field(
        None, description="one JSON object a line, or a table; without it .csv and .tsv are tables"
    )
    columns: CsvColumns = Field(CsvColumns(), description="csv: which column holds what")
    delimiter: str | None = Field(
        None, pattern=r'^[^"\r\n]$', description="csv: what stands between columns; recognised"
    )
    encoding: Annotated[str, AfterValidator(_encoding)] | None = Field(
        None, description="csv: such as utf-8 or cp1252; recognised"
    )
    backlog: Duration | Literal["all"] = Field(
        "all", description="posts older than this are held on a first pass; all = none is too old"
    )

    @property
    def is_table(self) -> bool:
        return self.format == "csv" or (self.format is None and self.path.lower().endswith(TABLES))

    @property
    def form(self) -> CsvForm | None:
        """How a table is to be read; None: JSON lines."""
        if not self.is_table:
            return None
        return CsvForm(columns=self.columns, delimiter=self.delimiter, encoding=self.encoding)

    @model_validator(mode="after")
    def _of_tables(self) -> FileSettings:
        of_tables = {"columns", "delimiter", "encoding"} & self.model_fields_set
        if of_tables and not self.is_table:
            raise ValueError(f"{', '.join(sorted(of_tables))}: only with format: csv")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The cursor: up to where a file was read. `head` is the hash of its first `headed` bytes, `tail` of the `tailed`
    bytes before the offset."""

    offset: int = 0
    line: int = 0  # lines before the offset
    head: str = ""
    headed: int = 0
    tail: str = ""
    tailed: int = 0

    @classmethod
    def of(cls, cursor: Cursor) -> Place:
        known: dict[str, Any] = {key: value for key, value in cursor.items() if key in cls.__slots__}
        return cls(**known)

    def cursor(self) -> Cursor:
        return {key: getattr(self, key) for key in self.__slots__}


class FileSource:
    """A file in the file system. Raises SourceError where it cannot be read, or lacks a column."""

    overlap = timedelta(0)

    def __init__(self, config: FileSettings, clock: Clock) -> None:
        self._name = config.name
        self._path = config.path
        self._form = config.form
        self._clock = clock

    async def fetch(self, cursor: Cursor) -> Page:
        return await asyncio.to_thread(self._read, Place.of(cursor), self._clock())

    async def probe(self) -> str:
        return await asyncio.to_thread(self._look)

    def _look(self) -> str:
        with self._open() as file:
            size = f"{os.fstat(file.fileno()).st_size} bytes"
            table = self._table(file, is_final=True)
            return size if table is None else f"{size}; a table of {table.width} columns"

    def _read(self, place: Place, now: datetime) -> Page:
        with self._open() as file:
            try:
                anew = not _is_same(file, place)
                taken, place = self._go_on(file, Place() if anew else place, now)
            except OSError as error:
                raise SourceError(f"{self._path}: {error.strerror}") from error
        page = _page(taken)
        notices = ("the file was replaced or cut: read again from its start",) if anew else ()
        return replace(page, cursor=place.cursor(), notices=(*notices, *page.notices))

    def _go_on(self, file: BinaryIO, place: Place, now: datetime) -> tuple[Taken, Place]:
        """What stands from `place` on, and the place after it."""
        at_rest = now.timestamp() - os.fstat(file.fileno()).st_mtime > REST.total_seconds()
        table = self._table(file, is_final=at_rest)
        offset, line = place.offset + _rest_of_line(file, place.offset), place.line
        if table is not None and offset < table.start:
            offset, line = table.start, table.lines
        if self._form is not None and table is None:
            taken = Taken()
        else:
            file.seek(offset)
            taken = _take(table, Lines(file), line, self._name, now, to_end=False, at_rest=at_rest)
            offset += taken.size
        return taken, _place(file, offset, line + taken.lines)

    def _table(self, file: BinaryIO, *, is_final: bool) -> Table | None:
        if self._form is None:
            return None
        file.seek(0)
        try:
            return open_table(Lines(file), self._form, is_final=is_final)
        except SourceError as error:
            raise SourceError(f"{self._path}: {error}", backoff_limit=error.backoff_limit) from error

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
        self._form = config.form
        self._clock = clock
        self._open = stream or _standard_input
        self._lines: Lines | None = None
        self._table: Table | None = None
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
            lines = self._begin(now)
            taken = Taken()
            if self._form is None or self._table is not None:
                taken = _take(self._table, lines, self._line, self._name, now, to_end=True, at_rest=True)
        except OSError as error:
            raise SourceError(f"standard input: {error.strerror}") from error
        self._line += taken.lines
        return replace(_page(taken), cursor={"opened": self._opened, "line": self._line})

    def _begin(self, now: datetime) -> Lines:
        if self._lines is None:
            # The cursors of this process must equal none of another, which read another stream.
            self._lines, self._opened = Lines(self._open()), f"{os.getpid()} {now.isoformat()}"
        if self._form is not None and self._table is None:
            self._table = open_table(self._lines, self._form, is_final=True)
            self._line = self._table.lines if self._table is not None else 0
        return self._lines


def _standard_input() -> BinaryIO:
    # Not sys.stdin: a thread that waits in it would keep the interpreter from ending.
    return open(0, "rb", closefd=False)


def _take(
    table: Table | None, lines: Lines, number: int, source: str, now: datetime, *, to_end: bool, at_rest: bool
) -> Taken:
    if table is None:
        return take_json_lines(lines, number, source, now, to_end=to_end)
    return table.take(lines, number, source, now, to_end=to_end, at_rest=at_rest)


def _is_same(file: BinaryIO, place: Place) -> bool:
    file.seek(0)
    if os.fstat(file.fileno()).st_size < place.offset:
        return False
    if place.headed and _hash(file.read(place.headed)) != place.head:
        return False
    file.seek(max(place.offset - place.tailed, 0))
    return not place.tailed or _hash(file.read(place.tailed)) == place.tail


def _place(file: BinaryIO, offset: int, line: int) -> Place:
    file.seek(0)
    head = file.read(min(HEAD, offset))
    file.seek(offset - len(head))
    tail = file.read(len(head))
    return Place(offset=offset, line=line, head=_hash(head), headed=len(head), tail=_hash(tail), tailed=len(tail))


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def _rest_of_line(file: BinaryIO, offset: int) -> int:
    """Blank bytes that ended a last line after it was read without its end."""
    if offset == 0:
        return 0
    file.seek(offset - 1)
    if file.read(1) == b"\n":
        return 0
    rest = file.readline(LONGEST_LINE)
    return 0 if rest.strip() else len(rest)


def _page(taken: Taken) -> Page:
    notices = taken.notices
    if len(notices) > NOTICES:
        notices = [*notices[:NOTICES], f"{len(notices) - NOTICES} more lines of that kind"]
    ordered = sorted(taken.posts.values(), key=lambda post: post.published_at)
    return Page(posts=tuple(ordered), cursor={}, more=taken.more, notices=tuple(notices))
