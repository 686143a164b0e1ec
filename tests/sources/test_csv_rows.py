"""Tables as portals and spreadsheets export them: read, grown, replaced and damaged."""

from __future__ import annotations

import io
import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sources.base import BACKOFF_LONG, Cursor, Page, Post, PostKind, SourceError
from sources.csv_values import read_count, read_flag, read_rating
from sources.file import FileSettings, FileSource, StandardInput
from tests.fakes import START, FixedClock

GERMAN = {
    "text": "Bewertung",
    "title": "Titel",
    "rating": "Sterne",
    "published_at": "Datum",
    "author": "Name",
    "url": "Link",
    "external_id": "ID",
}
HEADER = "ID;Datum;Name;Sterne;Titel;Bewertung;Link\r\n"


def settings(path: Path | str, **keys: Any) -> FileSettings:
    return FileSettings.model_validate({"name": "export", "type": "file", "path": str(path)} | keys)


@dataclass(slots=True)
class Reader:
    """Reads one table page by page; the cursor goes through JSON in between."""

    path: Path
    keys: dict[str, Any] = field(default_factory=dict)
    cursor: Cursor = field(default_factory=dict)
    pages: list[Page] = field(default_factory=list)  # of the last pass

    def write(self, content: str | bytes, *, at_rest: bool = True) -> None:
        self.path.write_bytes(content.encode() if isinstance(content, str) else content)
        changed = (START - timedelta(minutes=5 if at_rest else 0)).timestamp()
        os.utime(self.path, (changed, changed))

    async def posts(self) -> list[Post]:
        """One whole pass."""
        self.pages = []
        source = FileSource(settings(self.path, **self.keys), FixedClock())
        while not self.pages or self.pages[-1].more:
            self.pages.append(await source.fetch(self.cursor))
            self.cursor = json.loads(json.dumps(self.pages[-1].cursor))
        return [post for page in self.pages for post in page.posts]

    async def texts(self) -> list[str]:
        return [post.text for post in await self.posts()]

    @property
    def notices(self) -> list[str]:
        return [notice for page in self.pages for notice in page.notices]


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path / "export.csv")


async def test_an_export_of_a_german_spreadsheet(reader: Reader) -> None:
    reader.keys = {"columns": GERMAN}
    row = '17;21.11.2026 11:05;Jürgen Müller;4,5;Naja;"Akku schwach; sonst gut.\r\nPreis: 20 €";https://x.test/p\r\n'
    reader.write((HEADER + row).encode("cp1252"))
    (post,) = await reader.posts()
    assert (post.external_id, post.author, post.rating, post.title) == ("17", "Jürgen Müller", 4.5, "Naja")
    assert post.text == "Akku schwach; sonst gut.\nPreis: 20 €"
    assert (post.published_at, post.dated) == (datetime(2026, 11, 21, 11, 5, tzinfo=UTC), True)
    assert (post.url, post.kind, post.answered) == ("https://x.test/p", PostKind.REVIEW, None)
    assert reader.notices == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
async def test_delimiter_and_encoding_are_recognised(reader: Reader, encoding: str, delimiter: str) -> None:
    lines = [["text", "rating", "author"], ["Größe passt", "5", "Ärzte"]]
    reader.write("".join(delimiter.join(line) + "\r\n" for line in lines).encode(encoding))
    (post,) = await reader.posts()
    assert (post.text, post.rating, post.author) == ("Größe passt", 5.0, "Ärzte")


@pytest.mark.parametrize("first", ["sep=|\r\n", '"sep=|"\r\n', "\ufeffsep=|\n"])
async def test_the_line_that_names_the_separator(reader: Reader, first: str) -> None:
    reader.write(first + "text|title\r\na,b;c|d\r\n")
    (post,) = await reader.posts()
    assert (post.text, post.title) == ("a,b;c", "d")


async def test_delimiter_and_encoding_can_be_set(reader: Reader) -> None:
    reader.keys = {"delimiter": "~", "encoding": "cp850"}
    reader.write("text~title\nGrün, blau~Öl\n".encode("cp850") + b"")
    (post,) = await reader.posts()
    assert (post.text, post.title) == ("Grün, blau", "Öl")
    reader.keys = {"encoding": "utf-8"}
    reader.cursor = {}
    reader.write(b"text,title\ngood,x\nb\xfcd,y\n")
    assert await reader.texts() == ["good"]
    assert reader.notices == ["line 3 was left out: not utf-8 (byte 2)"]


async def test_columns_are_found_by_the_fields_own_names_too(reader: Reader) -> None:
    reader.keys = {"columns": {"text": "Inhalt"}}
    reader.write(
        " INHALT ,Lang,followers,engagement,answered,parent,thread,kind\ngut,de-AT,1.200,3,Danke!,p,t,comment\n"
    )
    (post,) = await reader.posts()
    assert (post.text, post.lang, post.followers, post.engagement) == ("gut", "de", 1200, 3)
    assert (post.answered, post.parent, post.thread, post.kind) == (True, "p", "t", PostKind.COMMENT)


async def test_a_missing_column_is_named_with_those_that_are_there(reader: Reader) -> None:
    reader.keys = {"columns": GERMAN | {"rating": "Wertung"}}
    reader.write(HEADER + "1;;;;;gut;\r\n")
    source = FileSource(settings(reader.path, **reader.keys), FixedClock())
    for asked in (source.fetch({}), source.probe()):
        with pytest.raises(SourceError, match="no column 'Wertung'; the header has 'ID', 'Datum', 'Name'") as caught:
            await asked
        assert (caught.value.permanent, caught.value.backoff_limit) == (False, BACKOFF_LONG)
    reader.keys = {}
    with pytest.raises(SourceError, match="no column 'text'"):
        await reader.posts()


@pytest.mark.parametrize("content", ["text;rating\n".encode("utf-16"), b'"text;rating\nnever closed', b"text\rgood\r"])
async def test_a_header_that_cannot_be_read_is_said(reader: Reader, content: bytes) -> None:
    reader.write(content)
    with pytest.raises(SourceError, match=r"UTF-16|cannot be read|no column"):
        await reader.posts()


async def test_quoted_line_breaks_in_the_header(reader: Reader) -> None:
    reader.keys = {"columns": {"text": "Review Text"}}
    reader.write('"Review\r\nText";Stars\r\ngood;4\r\n\r\n;;\r\nbetter;5\r\n')
    assert await reader.texts() == ["good", "better"]
    assert await reader.texts() == []


async def test_formulas_are_text(reader: Reader) -> None:
    reader.write('text,author\n"=HYPERLINK(""https://evil.test"";""click"")",+49 30 1\n@SUM(A1),-1\n')
    formula, other = await reader.posts()
    assert (formula.text, formula.author) == ('=HYPERLINK("https://evil.test";"click")', "+49 30 1")
    assert (other.text, other.author) == ("@SUM(A1)", "-1")


async def test_a_table_that_grows_is_read_once(reader: Reader) -> None:
    reader.write("external_id,text\n1,one\n2,two\n")
    assert await reader.texts() == ["one", "two"]
    assert await reader.texts() == []
    reader.write("external_id,text\n1,one\n2,two\n3,three\n")
    assert await reader.texts() == ["three"]
    assert reader.notices == []


async def test_a_replaced_export_keeps_the_ids_of_rows_without_one(reader: Reader) -> None:
    head, old = "text,author,rating\n", "schlecht,Kim,1\nmittel,Kim,3\n"
    reader.write(head + old)
    before = {post.text: post.external_id for post in await reader.posts()}
    reader.write(head + "neu,Lou,5\n" + old.replace(",3", ",4"))
    after = {post.text: post.external_id for post in await reader.posts()}
    assert before.items() < after.items()
    assert reader.notices == ["the file was replaced or cut: read again from its start"]
    assert await reader.texts() == []


async def test_an_export_that_changed_in_its_middle_is_read_again(reader: Reader) -> None:
    rows = [f"{n},text {n},\n" for n in range(500)]
    head = "external_id,text,answered\n"
    reader.write(head + "".join(rows))
    await reader.posts()
    rows[400] = "400,text 400,yes\n"
    reader.write(head + "".join(rows) + "500,new,\n")
    posts = {post.external_id: post for post in await reader.posts()}
    assert (posts["400"].answered, posts["401"].answered, posts["500"].text) == (True, False, "new")


async def test_rows_that_share_the_products_address_are_told_apart(reader: Reader) -> None:
    reader.write("text,author,url\na,Kim,https://x.test/p\nb,Kim,https://x.test/p\na,Kim,https://x.test/p\n")
    assert await reader.texts() == ["a", "b"]


async def test_a_last_row_without_its_end(reader: Reader) -> None:
    reader.write("external_id,text\n1,one\n2,tw", at_rest=False)
    assert await reader.texts() == ["one", "tw"]
    reader.write("external_id,text\n1,one\n2,two\n3", at_rest=False)
    assert await reader.texts() == ["two"]
    assert reader.notices == []
    reader.write("external_id,text\n1,one\n2,two\n3,three")
    assert await reader.texts() == ["three"]
    assert await reader.texts() == []
    reader.write("external_id,text\n1,one\n2,two\n3,three\r\n4,four\r\n")
    assert await reader.texts() == ["four"]
    assert reader.notices == []


async def test_a_row_that_is_still_being_written_waits_in_its_quotes(reader: Reader) -> None:
    reader.write('text\none\n"two\n', at_rest=False)
    assert await reader.texts() == ["one"]
    reader.write('text\none\n"two\nlines"\n', at_rest=False)
    assert await reader.texts() == ["two\nlines"]
    assert reader.notices == []


async def test_a_quote_that_nobody_closed_costs_one_line(reader: Reader) -> None:
    reader.write('text,author\n"broken,Kim\ngood,Lou\nbetter,Kim\n')
    assert await reader.texts() == ["good", "better"]
    assert reader.notices == ["line 2 was left out: a quote is opened and never closed"]


async def test_a_quote_that_nobody_closed_in_a_long_table(reader: Reader) -> None:
    rows = "".join(f"text {n},Kim\n" for n in range(2500))
    reader.write('text,author\n"broken,Kim\n' + rows, at_rest=False)
    assert len(await reader.texts()) == 2500
    assert reader.notices == ["line 2 was left out: a quote is opened and not closed within 1000 lines"]


async def test_broken_rows_are_named_and_lose_nothing_else(reader: Reader) -> None:
    reader.write("external_id,text,rating\n1,one,1\n2\n3,a,b,c\n4,four,4,,\n5,five,viele\n")
    posts = await reader.posts()
    assert [(post.text, post.rating) for post in posts] == [("one", 1.0), ("four", 4.0), ("five", None)]
    assert reader.notices == [
        "line 3 was left out: it has 1 columns, the header has 3",
        "line 4 was left out: it has 4 columns, the header has 3",
        "line 6: the rating 'viele' could not be read",
    ]


async def test_a_date_that_is_none_is_remarked(reader: Reader) -> None:
    reader.write("text,published_at\nx,11/21/2026\n")
    (post,) = await reader.posts()
    assert (post.dated, reader.notices) == (False, ["line 2: the date '11/21/2026' could not be read"])


async def test_stars_without_a_word_are_a_review(reader: Reader) -> None:
    reader.write("text,rating\n,★★☆☆☆\n")
    (post,) = await reader.posts()
    assert (post.text, post.rating, post.kind) == ("", 2.0, PostKind.REVIEW)


@pytest.mark.parametrize("rows", [0, 1, 998, 999, 1000, 2500])
async def test_long_tables_come_in_pages(reader: Reader, rows: int) -> None:
    reader.write("text\n" + "".join(f'"{n}\nx"\n' if n % 7 == 0 else f"{n}\n" for n in range(rows)))
    assert [text.split("\n")[0] for text in await reader.texts()] == [str(n) for n in range(rows)]
    assert await reader.texts() == []


@pytest.mark.parametrize("content", ["", "tex", "text\n", "\n"])
async def test_a_table_that_has_not_begun(reader: Reader, content: str) -> None:
    reader.write(content, at_rest=False)
    assert await reader.posts() == []
    reader.write("text\none\n")
    assert await reader.texts() == ["one"]


async def test_a_row_too_long_is_left_out(reader: Reader) -> None:
    reader.write("text\nbefore\n" + "x" * (5 * 2**20) + "\nafter\n")
    assert await reader.texts() == ["before", "after"]
    assert reader.notices == ["line 3 was left out: longer than 4 MiB"]


async def test_standard_input_is_a_table_where_it_is_called_one() -> None:
    content = b'sep=;\ntext;rating\n"a\nb";4,5\n"never closed;1\nc;2\n'
    source = StandardInput(settings("-", format="csv"), FixedClock(), lambda: io.BytesIO(content))
    page = await source.fetch({})
    assert [(post.text, post.rating) for post in page.posts] == [("a\nb", 4.5), ("c", 2.0)]
    assert page.notices == ("line 5 was left out: a quote is opened and never closed",)
    assert (await source.fetch(page.cursor)).posts == ()


@pytest.mark.parametrize(
    ("path", "keys", "is_table"),
    [
        ("a.csv", {}, True),
        ("A.TSV", {}, True),
        ("a.jsonl", {}, False),
        ("a", {"format": "csv"}, True),
        ("a.csv", {"format": "jsonl"}, False),
        ("-", {}, False),
    ],
)
def test_a_table_by_its_suffix_or_by_word(path: str, keys: dict[str, Any], is_table: bool) -> None:
    assert settings(path, **keys).is_table is is_table


@pytest.mark.parametrize(
    "keys",
    [
        {"format": "xlsx"},
        {"encoding": "utf-16"},
        {"encoding": "klingon"},
        {"encoding": "a\0"},
        {"encoding": "base64"},
        {"delimiter": ""},
        {"delimiter": ";;"},
        {"delimiter": '"'},
        {"delimiter": "\n"},
        {"columns": {"txt": "x"}},
        {"format": "jsonl", "delimiter": ";"},
    ],
)
def test_mistakes_are_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings("a.csv", **keys)


RATINGS = {
    "4": 4.0,
    "4,5": 4.5,
    "4.5": 4.5,
    "4 von 5": 4.0,
    "4,0 von 5 Sternen": 4.0,
    "3.0 out of 5 stars": 3.0,
    "2/5": 2.0,
    "1 Stern": 1.0,
    "★★★☆☆": 3.0,
    "⭐️⭐️": 2.0,
    "☆☆☆☆☆": 0.0,
    "": None,
    "gut": None,
    "4-5": None,
    "n/a": None,
    "1e9": None,
    "-1": None,
}


@pytest.mark.parametrize("cell", RATINGS)
def test_ratings(cell: str) -> None:
    assert read_rating(cell) == RATINGS[cell]


def test_counts_and_flags() -> None:
    assert [read_count(cell) for cell in ("3", "1.234", "1,234,567", "12'000", "1 234", "x", "", "1.2", "-3")] == (
        [3, 1234, 1234567, 12000, 1234, None, None, None, None]
    )
    assert [read_flag(cell) for cell in ("ja", "Yes", "x", "Danke!", "", " Nein ", "0", "false", "-")] == (
        [True, True, True, True, False, False, False, False, False]
    )


@given(st.binary(max_size=400))
def test_whatever_the_bytes_are_no_row_breaks_the_pass(content: bytes) -> None:
    source = StandardInput(
        settings("-", format="csv", delimiter=";"), FixedClock(), lambda: io.BytesIO(b"text;rating\n" + content)
    )
    page = source._read()
    assert not page.more
    for post in page.posts:
        post.text.encode()
