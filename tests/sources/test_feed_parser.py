"""The parser as a whole: encodings, bombs, pages that are no feed, damage, and the child process."""

from __future__ import annotations

import asyncio
import codecs
import resource
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sources.document import Document, NotAFeed
from sources.feed_fallback import read_loose
from sources.feed_parser import FeedParser
from sources.text import html_to_text

_URL = "https://feeds.example/feed"


@pytest.fixture
async def parser() -> AsyncIterator[FeedParser]:
    """A parser whose child, if one was started, ends with the test."""
    made = FeedParser()
    yield made
    await made.close()


async def _parse(parser: FeedParser, body: bytes, content_type: str | None = None) -> Document:
    return await parser.parse(body, content_type=content_type, url=_URL)


def _rss(title: str, declaration: str = "") -> str:
    return f"{declaration}<rss><channel><item><title>{title}</title><guid>1</guid></item></channel></rss>"


def _declared(charset: str) -> str:
    return f'<?xml version="1.0" encoding="{charset}"?>'


_MUELLER = "Müller “Acme” 5 €"
_HALF_A_PAIR = codecs.BOM_UTF16_LE + _rss("AcX").encode("utf-16-le").replace(b"X\0", b"\x00\xd8")
_ENCODED = {
    "utf-8 declared": (_rss(_MUELLER, _declared("utf-8")).encode(), None, _MUELLER),
    "utf-8 undeclared": (_rss(_MUELLER).encode(), None, _MUELLER),
    "utf-8 with a mark": (codecs.BOM_UTF8 + _rss(_MUELLER).encode(), None, _MUELLER),
    "utf-8 that the server calls latin-1": (_rss(_MUELLER).encode(), "text/xml; charset=iso-8859-1", _MUELLER),
    "utf-8 that the document calls latin-1": (_rss(_MUELLER, _declared("iso-8859-1")).encode(), None, _MUELLER),
    "utf-8 that calls itself utf-16": (_rss(_MUELLER, _declared("utf-16")).encode(), None, _MUELLER),
    "text/xml without charset": (_rss(_MUELLER).encode(), "text/xml", _MUELLER),
    "windows-1252 called latin-1": (_rss(_MUELLER, _declared("iso-8859-1")).encode("cp1252"), None, _MUELLER),
    "windows-1252 undeclared": (_rss(_MUELLER).encode("cp1252"), None, _MUELLER),
    "windows-1252 called utf-8": (_rss(_MUELLER, _declared("utf-8")).encode("cp1252"), "text/xml", _MUELLER),
    "utf-8 with one bad byte": (_rss(_MUELLER + "X").encode().replace(b"X", b"\xfc"), None, _MUELLER + "ü"),
    "koi8-r in the header": (_rss("Акме горит").encode("koi8-r"), "text/xml; charset=KOI8-R", "Акме горит"),
    "koi8-r declared": (_rss("Акме горит", _declared("koi8-r")).encode("koi8-r"), None, "Акме горит"),
    "gb18030 called gb2312": (_rss("嗞 Acme", _declared("gb2312")).encode("gb18030"), None, "嗞 Acme"),
    "utf-16 little": (codecs.BOM_UTF16_LE + _rss(_MUELLER).encode("utf-16-le"), None, _MUELLER),
    "utf-16 big, declared": (codecs.BOM_UTF16_BE + _rss("ü", _declared("utf-16")).encode("utf-16-be"), None, "ü"),
    "utf-16 without a mark": (_rss(_MUELLER).encode("utf-16-be"), None, _MUELLER),
    "utf-32": (codecs.BOM_UTF32_LE + _rss(_MUELLER).encode("utf-32-le"), None, _MUELLER),
    "ebcdic": (_rss("Acme", _declared("cp037")).encode("cp037"), None, "Acme"),
    "an unknown charset": (_rss(_MUELLER, _declared("x-none")).encode(), "text/xml; charset=foo", _MUELLER),
    "a codec that is no charset": (_rss("Acme", _declared("zip")).encode(), "text/xml; charset=punycode", "Acme"),
    "NUL bytes": (_rss("Ac\x00me").encode(), None, "Acme"),
    "a lone surrogate": (_rss("Ac\ud800me").encode("utf-8", "surrogatepass"), None, None),
    "a reference to a surrogate": (_rss("Ac&#xD800;me").encode(), None, "Acme"),
    "half a surrogate pair in utf-16": (_HALF_A_PAIR, None, None),
}  # fmt: skip


@pytest.mark.parametrize("name", _ENCODED)
async def test_f22_encodings(parser: FeedParser, name: str) -> None:
    body, content_type, title = _ENCODED[name]
    document = await _parse(parser, body, content_type)
    read = html_to_text(document.entries[0].title)
    read.encode("utf-8")
    assert title is None or read == title
    assert "\x00" not in read


async def test_f22_entries_before_the_damage_are_kept(parser: FeedParser) -> None:
    whole = "".join(f"<item><title>Post {n}</title><guid>{n}</guid></item>" for n in range(20))
    body = f"<rss><channel><title>x</title>{whole}</channel></rss>".encode()
    document = await _parse(parser, body[: len(body) // 2])
    assert document.damaged
    assert [entry.title for entry in document.entries[:9]] == [f"Post {n}" for n in range(9)]


async def test_f22_what_makes_feedparser_throw_is_still_read(parser: FeedParser) -> None:
    text = _rss("Acme & Co</title></height>")
    with pytest.raises(TypeError):
        read_loose(text, _URL)
    document = await _parse(parser, text.encode())
    assert document.damaged
    assert document.entries[0].title.startswith("Acme")
    assert (await _parse(parser, _rss("Acme </b>").encode())).entries[0].title == "Acme </b>"


def _bomb(declarations: str, reference: str) -> bytes:
    return _rss(reference, f"<!DOCTYPE rss [{declarations}]>").encode()


_BILLION = '<!ENTITY a0 "lol">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
_QUOTED = '<!DOCTYPE rss SYSTEM "a>b" [<!ENTITY a SYSTEM "/etc/passwd">]>'
_BOMBS = {
    "billion laughs": _bomb(_BILLION, "&a9;"),
    "billion laughs in UTF-16": codecs.BOM_UTF16_LE + _bomb(_BILLION, "&a9;").decode().encode("utf-16-le"),
    "billion laughs in EBCDIC": (_declared("cp037") + _bomb(_BILLION, "&a9;").decode()).encode("cp037"),
    "quadratic blow-up": _bomb(f'<!ENTITY a "{"x" * 1000}">', "&a;" * 100_000),
    "quadratic blow-up, one large entity": _bomb(f'<!ENTITY a "{"x" * 100_000}">', "&a;" * 10_000),
    "external entity": _bomb('<!ENTITY a SYSTEM "file:///etc/passwd">', "&a;"),
    "external by public name": _bomb('<!ENTITY a PUBLIC "x" "http://127.0.0.1:9/">', "&a;"),
    "parameter entity": _bomb('<!ENTITY % a SYSTEM "http://127.0.0.1:9/"> %a;', "x"),
    "entity in disguise": _bomb('<!ENTITY a "&#38;b;"><!ENTITY b "&#x26;a;&#38;a;">', "&a;"),
    "very many": _bomb("".join(f'<!ENTITY e{n} "x">' for n in range(1000)), "&e1;"),
    "hidden behind a quoted bracket": _rss("&a;", _QUOTED).encode(),
    "hidden behind a comment": _rss("&a;", '<!-- <x> --><!DOCTYPE rss [<!ENTITY a SYSTEM "/etc/passwd">]>').encode(),
}  # fmt: skip


@pytest.mark.parametrize("name", _BOMBS)
async def test_f20_entity_bombs_are_refused_at_once(parser: FeedParser, name: str) -> None:
    started = time.process_time()
    with pytest.raises(NotAFeed, match="entity declarations"):
        await _parse(parser, _BOMBS[name])
    assert time.process_time() - started < 1


async def test_f20_harmless_entities_are_read(parser: FeedParser) -> None:
    document = await _parse(parser, _bomb('\n<!ENTITY uuml "&#252;">\n<!ENTITY co "Acme">\n', "M&uuml;ller &co;"))
    assert html_to_text(document.entries[0].title) == "Müller Acme"


async def test_f20_an_external_dtd_is_not_fetched(parser: FeedParser, tmp_path: Path) -> None:
    dtd = tmp_path / "rss.dtd"
    dtd.write_text('<!ENTITY secret "Geheimnis">')
    document = await _parse(parser, _rss("a &secret; b", f'<!DOCTYPE rss SYSTEM "{dtd.as_uri()}">').encode())
    assert "Geheimnis" not in document.entries[0].title


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("opening", ["<a>", "<item>", "<description>", "<content><div>"])
async def test_f20_deep_nesting_is_bounded(parser: FeedParser, opening: str, closed: bool) -> None:
    closing = "".join(f"</{name[:-1]}>" for name in reversed(opening.split("<")[1:]))
    nested = opening * 10_000 + "tief" + (closing * 10_000 if closed else "")
    started = time.process_time()
    document = await _parse(parser, f"<rss><channel><item><title>Acme</title></item>{nested}</channel></rss>".encode())
    assert time.process_time() - started < 1
    assert document.entries[0].title == "Acme"


async def test_f20_ten_megabytes_of_fragments_are_refused(parser: FeedParser) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # of all tests that this process has run
    with pytest.raises(NotAFeed):
        await _parse(parser, b"<" * 10_000_000)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss <= max(before, 2_000_000)  # kilobytes


_NO_FEEDS = [
    (b"", "empty"),
    (b" \n\t\x00 ", "empty"),
    (codecs.BOM_UTF8, "empty"),
    (b"<!DOCTYPE html><html><head><title>Wartung &amp; Pause</title></head></html>", 'an HTML page "Wartung & Pause"'),
    (b"<html lang=de><body>Hallo", "an HTML page"),
    (b"<html><title>Just a moment...</title><script src=/cdn-cgi/challenge-platform/x>", "checks for robots"),
    (b"<!doctype HTML><html><form><input name=p type='password'></form>", "asks for a login"),
    (b'<!DOCTYPE html PUBLIC "x" "y"><html xmlns="http://www.w3.org/1999/xhtml"/>', "an HTML page"),
    (b'{"error": "rate limited"}', "JSON"),
    (b"[1, 2]", "JSON"),
    (b"Too many requests", "plain text"),
    (b"%PDF-1.7 <x>", "PDF"),
    (b"\x1f\x8b\x08\x00<", "compressed"),
    (b'<?xml version="1.0"?><opml><body/></opml>', "<opml>"),
    (b'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"/>', "<urlset>"),
    (b"<br><b>Fatal error</b>: Uncaught", "<br>"),
    (b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>', "<rdf:RDF>"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "what"), _NO_FEEDS)
async def test_f21_what_is_no_feed_is_called_by_its_name(parser: FeedParser, body: bytes, what: str) -> None:
    with pytest.raises(NotAFeed) as refusal:
        await _parse(parser, body, "application/rss+xml")
    assert what in str(refusal.value)


async def test_f20_a_document_that_takes_too_long_ends_the_child_not_the_parser() -> None:
    parser = FeedParser(timeout=1)
    slow = _rss("x", "<!DOCTYPE rss>").replace("</channel>", "<item><title>&amp;</title></item>" * 60_000).encode()
    try:
        with pytest.raises(NotAFeed, match=r"longer than 1 s"):
            await _parse(parser, slow)
        assert (await _parse(parser, _rss("Acme </b>").encode())).entries[0].title == "Acme </b>"
    finally:
        await parser.close()


async def test_documents_in_parallel_get_their_own_answers(parser: FeedParser) -> None:
    bodies = [_rss(f"Nummer {n}</b>").encode() for n in range(20)]
    documents = await asyncio.gather(*(_parse(parser, body) for body in bodies))
    assert [document.entries[0].title for document in documents] == [f"Nummer {n}</b>" for n in range(20)]


async def test_a_cancelled_document_leaves_no_answer_behind(parser: FeedParser) -> None:
    await _parse(parser, _rss("</b>").encode())
    pending = asyncio.create_task(_parse(parser, _rss("alt</b>").encode()))
    await asyncio.wait([pending], timeout=0.02)  # long enough to be on its way to the child
    pending.cancel()
    await asyncio.wait([pending])
    assert (await _parse(parser, _rss("neu</b>").encode())).entries[0].title == "neu</b>"
