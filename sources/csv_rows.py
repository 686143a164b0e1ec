"""Posts from a table of comma-separated values (RFC 4180), as spreadsheets and portals export them.

The first line names the columns. Delimiter and encoding are recognised: a semicolon and Windows-1252, as a German
spreadsheet writes, as well as a comma and UTF-8; a first line `sep=;` is understood. Cells in quotes may hold line
breaks. What looks like a formula is text. A row that cannot be read is left out; those around it are not touched by it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import Field

from sources.base import BACKOFF_LONG, Post, PostKind, Settings, SourceError
from sources.csv_values import read_count, read_flag, read_rating
from sources.dates import published
from sources.feed_entry import language
from sources.feed_identity import digest, stable_id
from sources.http import web_link
from sources.lines import LONGEST_LINE, Line, Lines, Taken
from sources.text import html_to_text, plain_text

DELIMITERS = (";", ",", "\t", "|")
UTF16 = (b"\xff\xfe", b"\xfe\xff")
_SEPARATOR = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
_HEADER_SHOWN = 300  # characters
ROW_LINES = 1000  # lines that one row may have: what is longer is a quote that nobody closed


class CsvColumns(Settings):
    """Which column holds what; what is not named here is found in a column of that very name."""

    text: str | None = Field(default=None, description="column of the text; without it one called `text` must be there")
    title: str | None = Field(default=None, description="column of the title")
    rating: str | None = Field(default=None, description="column of the rating: 4, 4,5, 4 von 5 or stars")
    published_at: str | None = Field(default=None, description="column of the date")
    author: str | None = Field(default=None, description="column of the author")
    url: str | None = Field(default=None, description="column of the address")
    external_id: str | None = Field(default=None, description="column of what tells one row from all others")
    lang: str | None = Field(default=None, description="column of the language")
    kind: str | None = Field(default=None, description="column of post, comment, review, article or message")
    followers: str | None = Field(default=None, description="column of the followers")
    engagement: str | None = Field(default=None, description="column of a count of votes, likes or answers")
    answered: str | None = Field(
        default=None, description="column that says, by yes or by the answer, that it was answered"
    )
    parent: str | None = Field(default=None, description="column of the id of what this answers")
    thread: str | None = Field(default=None, description="column of the id of the thread")


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvForm:
    """How a table is to be read; None: recognised."""

    columns: CsvColumns
    delimiter: str | None
    encoding: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """One row and the lines it took. `fault`: why it is none. `is_open`: a quote is not closed up to the end."""

    cells: list[str]
    lines: list[Line]
    delimiter: str
    fault: str
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table whose header was read. `start` and `lines` are the bytes and lines before the first row."""

    places: Mapping[str, int]  # of the fields, in a row
    width: int
    delimiter: str
    encoding: str | None
    start: int
    lines: int

    def take(self, lines: Lines, number: int, source: str, now: datetime, *, to_end: bool, at_rest: bool) -> Taken:
        """A page of the rows after line `number`. `at_rest`: nobody seems to be writing; `to_end`: nobody can be.

        A last row without its end is read, and read again as long as somebody may be writing.
        """
        taken, is_final = Taken(), to_end or at_rest
        while not taken.is_full:
            row = read_row(lines, self.delimiter, self.encoding)
            if row is None or (row.is_open and not is_final):
                return taken
            if not row.lines[-1].is_whole and not is_final:
                if not row.fault and len(row.cells) >= self.width:
                    self._add(taken, row, number, source, now)
                return taken
            if row.fault or row.is_open:  # what follows the first line may be rows all the same
                lines.back(row.lines[1:])
                taken.pass_over(row.lines[0])
                taken.leave_out(number + taken.lines, row.fault or "a quote is opened and never closed")
                continue
            self._add(taken, row, number, source, now)
            taken.pass_over(*row.lines)
        taken.more = True
        return taken

    def _add(self, taken: Taken, row: Row, number: int, source: str, now: datetime) -> None:
        first = number + taken.lines + 1
        if not any(cell.strip() for cell in row.cells):
            return
        if len(row.cells) <= max(self.places.values()) or any(map(str.strip, row.cells[self.width :])):
            taken.leave_out(first, f"it has {len(row.cells)} columns, the header has {self.width}")
            return
        said = {field: row.cells[place].strip() for field, place in self.places.items()}
        taken.add(_post(said, source, now))
        for name, value, is_read in _unread(said, now):
            if value and not is_read:
                taken.notices.append(f"line {first}: the {name} {value[:40]!r} could not be read")


def open_table(lines: Lines, form: CsvForm, *, is_final: bool) -> Table | None:
    """The table with its header; None where that is not there yet. Raises SourceError where a column is missing."""
    csv.field_size_limit(LONGEST_LINE)  # for the whole process: csv knows no other
    skipped, said = _separator(lines)
    asked = form.delimiter or said
    headers = _headers(lines, (asked,) if asked else DELIMITERS, form.encoding)
    if not headers or not (is_final or headers[0].lines[-1].is_whole):
        return None
    readable = [header for header in headers if not header.fault and not header.is_open]
    if not readable:
        raise _refused(f"the header cannot be read: {headers[0].fault or 'a quote is not closed'}")
    header = max(readable, key=lambda each: (not _missing(each.cells, form.columns), len(each.cells)))
    if missing := _missing(header.cells, form.columns):
        raise _refused(f"no column {' and no column '.join(map(repr, missing))}; the header has {_shown(header.cells)}")
    for _ in header.lines:
        lines.next()
    return Table(
        places=_places(header.cells, form.columns),
        width=len(header.cells),
        delimiter=header.delimiter,
        encoding=form.encoding,
        start=sum(line.length for line in [*skipped, *header.lines]),
        lines=len(skipped) + len(header.lines),
    )


def _headers(lines: Lines, delimiters: Iterable[str], encoding: str | None) -> list[Row]:
    """The header, read with each of the delimiters; the lines stay where they are."""
    headers = []
    for delimiter in delimiters:
        if row := read_row(lines, delimiter, encoding):
            headers.append(row)
            lines.back(row.lines)
    return headers


def _separator(lines: Lines) -> tuple[list[Line], str | None]:
    """Blank lines, and the line `sep=;` that spreadsheets write and understand, with what it says."""
    skipped = []
    while (line := lines.next()) is not None:
        if line.content is not None and line.content.startswith(UTF16):
            raise _refused("the file is UTF-16: save it as CSV in UTF-8")
        written = _decode(line, None).strip() if line.length < 20 else "-"
        found = _SEPARATOR.fullmatch(written)
        if written and not found:
            lines.back([line])
            break
        skipped.append(line)
        if found:
            return skipped, found[1]
    return skipped, None


def _refused(what: str) -> SourceError:
    return SourceError(what, backoff_limit=BACKOFF_LONG)


def _shown(header: list[str]) -> str:
    names = ", ".join(repr(name.strip()) for name in header)
    return names if len(names) <= _HEADER_SHOWN else names[:_HEADER_SHOWN] + "…"


def _places(header: list[str], columns: CsvColumns) -> dict[str, int]:
    standing = {_folded(name): place for place, name in reversed(list(enumerate(header)))}
    wanted = {field: getattr(columns, field) or field for field in CsvColumns.model_fields}
    return {field: standing[_folded(name)] for field, name in wanted.items() if _folded(name) in standing}


def _missing(header: list[str], columns: CsvColumns) -> list[str]:
    there = _places(header, columns)
    named = {field: getattr(columns, field) for field in CsvColumns.model_fields}
    return [name or field for field, name in named.items() if field not in there and (name or field == "text")]


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()


def read_row(lines: Lines, delimiter: str, encoding: str | None) -> Row | None:
    """The next row; None at the end."""
    used: list[Line] = []
    is_open = False

    def feed() -> Iterator[str]:
        nonlocal is_open
        size = 0
        while len(used) < ROW_LINES and size < LONGEST_LINE:
            line = lines.next()
            if line is None:
                is_open = True  # the reader wants more than there is
                return
            used.append(line)
            size += line.length
            yield _decode(line, encoding)
        raise ValueError(f"a quote is opened and not closed within {len(used)} lines")

    cells, fault = [], ""
    try:
        cells = next(csv.reader(feed(), delimiter=delimiter), [])
    except (ValueError, csv.Error) as error:
        fault = str(error)
    return Row(cells, used, delimiter, fault, is_open) if used else None


def _decode(line: Line, encoding: str | None) -> str:
    """Raises ValueError, which says what is wrong with the line."""
    if line.content is None:
        raise ValueError(f"longer than {LONGEST_LINE // 2**20} MiB")
    content = line.content.removeprefix(b"\xef\xbb\xbf")
    if encoding is not None:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError as error:
            raise ValueError(f"not {encoding} (byte {error.start + 1})") from error
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _post(said: Mapping[str, str], source: str, now: datetime) -> Post:
    raw_date = said.get("published_at") or None
    published_at, dated = published(raw_date, now)
    return Post(
        source=source,
        external_id=_identity(said),
        url=web_link(said.get("url")),
        author=plain_text(said.get("author", "")) or None,
        title=html_to_text(said.get("title", "")),
        text=html_to_text(said["text"]),
        published_at=published_at,
        published_raw=raw_date,
        dated=dated,
        lang=language(said.get("lang")),
        kind=_kind(said),
        rating=read_rating(said.get("rating", "")),
        followers=read_count(said.get("followers", "")),
        engagement=read_count(said.get("engagement", "")),
        answered=read_flag(said["answered"]) if "answered" in said else None,
        parent=_reference(said.get("parent")),
        thread=_reference(said.get("thread")),
        raw=said["text"],
    )


def _identity(said: Mapping[str, str]) -> str:
    """Its id, or what it says: many exports put the address of the product into every row."""
    if said.get("external_id"):
        return stable_id(said["external_id"])
    return digest("\n".join(said.get(field, "") for field in ("url", "author", "published_at", "title", "text")))


def _reference(value: str | None) -> str | None:
    return stable_id(value) if value else None


def _kind(said: Mapping[str, str]) -> PostKind:
    """As it says; else what is rated is a review."""
    try:
        return PostKind(said.get("kind", "").casefold())
    except ValueError:
        return PostKind.REVIEW if said.get("rating") else PostKind.POST


def _unread(said: Mapping[str, str], now: datetime) -> Iterator[tuple[str, str, bool]]:
    """What is worth a remark where it could not be read: name, value, whether it was."""
    date, rating = said.get("published_at", ""), said.get("rating", "")
    yield "date", date, published(date, now)[1]
    yield "rating", rating, read_rating(rating) is not None
