"""Feed documents, well-formed and damaged: what stands in them, by whichever path it is read."""

from __future__ import annotations

import html
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.document import Document, Entry
from sources.feed_entry import longest, mended
from sources.feed_fallback import read_loose
from sources.feed_reader import read_fast
from sources.feed_xml import Unsure, read_xml
from sources.text import html_to_text, plain_text

_URL = "https://feeds.example/blog/feed.xml"
_ATOM = 'xmlns="http://www.w3.org/2005/Atom"'


@dataclass(frozen=True, slots=True)
class _Case:
    """One entry and what must be read of it; None: not looked at."""

    entry: str
    title: str | None = None
    text: str | None = None
    id: str | None = None
    link: str | None = None
    date: str | None = None
    author: str | None = None
    lang: str | None = None
    thread: str | None = None
    is_loose: bool = False  # must be handed over


def _rss(item: str) -> str:
    namespaces = (
        'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:media="http://search.yahoo.com/mrss/" xmlns:atom="http://www.w3.org/2005/Atom" '
        'xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:h="http://www.w3.org/1999/xhtml"'
    )
    return f'<rss version="2.0" {namespaces}><channel><title>Kanal</title><item>{item}</item></channel></rss>'


def _atom(entry: str) -> str:
    return f'<feed {_ATOM} xml:lang="de-DE"><title>Kanal</title><entry>{entry}</entry></feed>'


def _read(document: str) -> tuple[Document, bool]:
    found = read_fast(document.encode(), "application/xml; charset=utf-8", _URL)
    if isinstance(found, Document):
        return found, False
    loose = read_loose(found, _URL)
    assert loose is not None
    return loose, True


def _check(case: _Case, document: Document, is_loose: bool) -> None:
    (entry,) = document.entries
    assert is_loose == case.is_loose
    read = (html_to_text(entry.title), html_to_text(entry.content), *_rest(entry))
    expected = (case.title, case.text, case.id, case.link, case.date, case.author, case.lang, case.thread)
    assert tuple(said for said, wanted in zip(read, expected, strict=True) if wanted is not None) == tuple(
        wanted for wanted in expected if wanted is not None
    )


def _rest(entry: Entry) -> tuple[str | None, ...]:
    return entry.id, entry.link, entry.date, entry.author, entry.lang, entry.thread


_RSS = [
    # From the design: what another parser cut short without a word.
    _Case("<title>M&uuml;ller: Akku von Acme explodiert</title>", "Müller: Akku von Acme explodiert"),
    _Case("<title>Acme <b>Phone</b> brennt</title>", "Acme Phone brennt"),
    # Titles and texts.
    _Case("<title>Acme &amp; Söhne &lt; 5 €</title>", "Acme & Söhne < 5 €"),
    _Case("<title>&lt;b&gt;Acme&lt;/b&gt; brennt</title>", "Acme brennt"),
    _Case("<title>M&amp;uuml;ller</title>", "Müller"),
    _Case("<title>M&amp;amp;uuml;ller</title>", "Müller"),
    _Case("<title><![CDATA[<i>Acme</i> & mehr]]></title>", "Acme & mehr"),
    _Case("<title>Ac<!-- Bemerkung -->me</title>", "Acme"),
    _Case("<title>Ac<?php weg ?>me</title>", "Acme"),
    _Case("<title>MÃ¼ller</title>", "Müller"),
    _Case("<title>\n  Acme\n  brennt </title>", "Acme\nbrennt"),
    _Case("<title>Fehler in List&lt;String&gt;</title>", "Fehler in List<String>"),
    _Case("<TITLE>Acme</TITLE>", "Acme"),
    _Case("<title/><dc:title>Acme</dc:title>", "Acme"),
    _Case("<media:title>Bild</media:title><title>Acme</title>", "Acme"),
    _Case("<media:group><media:title>Acme</media:title></media:group>", "Acme"),
    _Case("<description>&lt;p&gt;eins&lt;/p&gt;&lt;p&gt;zwei&lt;/p&gt;</description>", text="eins\nzwei"),
    _Case("<description>kein HTML\nnur Zeilen</description>", text="kein HTML\nnur Zeilen"),
    _Case("<description><h:p>eins <h:b>zwei</h:b></h:p>drei</description>", text="eins zwei\ndrei"),
    _Case("<description>vorn <x>mitten</x> hinten</description>", text="vorn mitten hinten"),
    _Case("<description>&lt;script>alert(1)&lt;/script>Acme</description>", text="Acme"),
    _Case("<description>kurz</description><content:encoded>viel länger</content:encoded>", text="viel länger"),
    _Case("<description>diesmal länger</description><content:encoded>x</content:encoded>", text="diesmal länger"),
    _Case("<content:encoded><![CDATA[<p>a]]]]><![CDATA[>b</p>]]></content:encoded>", text="a]]>b"),
    _Case("<media:content><media:description>Ein Film</media:description></media:content>", text="Ein Film"),
    _Case("<itunes:summary>Folge 7</itunes:summary>", text="Folge 7"),
    _Case("<dc:description>Beschreibung</dc:description>", text="Beschreibung"),
    _Case('<h:body><h:p>eins</h:p><h:p>zwei</h:p></h:body>', text="eins\nzwei"),
    _Case('<description>&lt;img src="a.png" alt="Acme Phone"&gt;</description>', text="Acme Phone"),
    _Case('<x:y xmlns:x="urn:x"><title>fremd</title></x:y><title>Acme</title>', "Acme", is_loose=True),
    _Case("<source url='http://x.example/'>Fremde Quelle</source><title>Acme</title>", "Acme"),
    # Identity and links.
    _Case('<guid isPermaLink="false">abc</guid><link>https://x.example/1</link>', id="abc", link="https://x.example/1"),
    _Case("<guid>https://x.example/1</guid>", id="https://x.example/1", link="https://x.example/1"),
    _Case("<guid>abc</guid><link>/1</link>", id="abc", link="https://feeds.example/1"),
    _Case("<link> https://x.example/?a=1&amp;b=2 \n</link>", link="https://x.example/?a=1&b=2"),
    _Case('<atom:link rel="self" href="/self"/><link>2</link>', link="https://feeds.example/blog/2"),
    _Case('<atom:link href="https://x.example/a"/>', link="https://x.example/a"),
    _Case("<link>javascript:alert(1)</link><guid>https://x.example/1</guid>", link="https://x.example/1"),
    _Case("<link>http://[kaputt/</link>", link="http://[kaputt/"),
    _Case("<comments>https://x.example/1#c</comments>", thread="https://x.example/1#c"),
    # Dates, people, language.
    _Case("<pubDate> Sat, 21 Nov 2026 14:05:00 GMT </pubDate>", date="Sat, 21 Nov 2026 14:05:00 GMT"),
    _Case("<dc:date>2026-11-21</dc:date>", date="2026-11-21"),
    _Case("<dc:date>2026-11-22</dc:date><pubDate>gestern</pubDate>", date="gestern"),
    _Case("<dc:creator>Kim</dc:creator>", author="Kim"),
    _Case("<author>kim@example.com (Kim)</author>", author="kim@example.com (Kim)"),
    _Case("<dc:language>de-AT</dc:language>", lang="de"),
    # Damage.
    _Case("<title>Acme & Söhne</title>", "Acme & Söhne"),
    _Case("<title>AT&T &unbekannt; &amp; &#252;</title>", "AT&T &unbekannt; & ü"),
    _Case("<title><![CDATA[AT&T]]> & Acme</title>", "AT&T & Acme"),
    _Case("<link>https://x.example/?a=1&b=2&copy=3</link>", link="https://x.example/?a=1&b=2&copy=3"),
    _Case("<title>Acme &lt Globex</title>", "Acme < Globex"),
    _Case("<title>Acme < Globex</title><guid>1</guid>", id="1", is_loose=True),
    _Case("<title>Acme</b></title>", "Acme", is_loose=True),
    _Case("<foo:bar>x</foo:bar><title>Acme</title>", "Acme", is_loose=True),
    _Case("<title>A\x00c\x08me &#0;&#x1F;&#xD800;brennt</title>", "Acme brennt"),
    _Case("<description>a&nbsp;b</description>", text="a b"),
]  # fmt: skip

_ATOM_CASES = [
    _Case("<title>a &lt;b&gt; c</title>", "a <b> c"),
    _Case('<title type="html">&lt;b&gt;Acme&lt;/b&gt;</title>', "Acme"),
    _Case('<title type="text">AT&amp;amp;T</title>', "AT&T"),
    _Case('<title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">a &lt;b <i>c</i></div></title>', "a <b c"),
    _Case('<content type="html">&lt;p&gt;a&lt;p&gt;b</content>', text="a\nb"),
    _Case('<content type="html"><div>a &lt;b&gt;c&lt;/b&gt;</div></content>', text="a c"),
    _Case(
        '<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>a</p><math xmlns="urn:m"><mi>x</mi></math>'
        '<unknown xmlns="urn:u" a="1">b</unknown></div></content>',
        text="a\nxb",
    ),
    _Case('<content type="image/png">iVBORw0KGgo=</content><title>Acme</title>', "Acme", is_loose=True),
    _Case('<content type="text/plain" mode="base64">QWNtZQ==</content>', text="Acme", is_loose=True),
    _Case('<summary>kurz</summary><content src="https://x.example/"/>', text="kurz", is_loose=True),
    _Case("<id>tag:x.example,2026:1</id>", id="tag:x.example,2026:1"),
    _Case("<id>https://x.example/1</id>", id="https://x.example/1", link="https://x.example/1"),
    _Case('<link rel="edit" href="e"/><link href="a"/><link rel="related" href="r"/>', link="https://feeds.example/blog/a"),
    _Case('<link type="application/pdf" href="/a.pdf"/>', link="https://feeds.example/a.pdf"),
    _Case('<link xml:base="https://x.example/tief/" href="a"/>', link="https://x.example/tief/a"),
    _Case("<published>2026-11-20T00:00Z</published><updated>2026-11-21T00:00Z</updated>", date="2026-11-20T00:00Z"),
    _Case("<updated>2026-11-21T00:00:00Z</updated>", date="2026-11-21T00:00:00Z"),
    _Case("<issued>2026-11-21</issued><modified>2026-11-22</modified>", date="2026-11-21"),
    _Case("<author><name>Kim</name><email>kim@example.com</email></author>", author="Kim"),
    _Case('<in-reply-to xmlns="http://purl.org/syndication/thread/1.0" ref="tag:x,1"/>', thread="tag:x,1"),
    _Case("<source><title>Quelle</title><id>q</id></source><title>Acme</title><id>e</id>", "Acme", id="e"),
]  # fmt: skip


@pytest.mark.parametrize("case", _RSS, ids=lambda case: case.entry[:60])
def test_f22_rss_items(case: _Case) -> None:
    _check(case, *_read(_rss(case.entry)))


@pytest.mark.parametrize("case", _ATOM_CASES, ids=lambda case: case.entry[:60])
def test_f22_atom_entries(case: _Case) -> None:
    _check(case, *_read(_atom(case.entry)))


_ITEM = "<item><title>Acme</title></item>"
_DOCUMENTS = {
    "rss 0.91": (f'<rss version="0.91"><channel>{_ITEM}</channel></rss>', "rss"),
    "rss with a namespace": (f'<rss xmlns="http://backend.userland.com/rss2"><channel>{_ITEM}</channel></rss>', "rss"),
    "rss with an unknown default namespace": (f'<rss xmlns="urn:x"><channel>{_ITEM}</channel></rss>', "rss"),
    "rss with an odd prefix": (
        '<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:o="http://purl.org/rss/1.0/">'
        "<o:item><o:title>Acme</o:title></o:item></r:RDF>",
        "rdf",
    ),
    "rdf": (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">'
        f"<channel><title>x</title></channel>{_ITEM}</rdf:RDF>",
        "rdf",
    ),
    "items outside the channel": (f"<rss><channel><title>x</title></channel>{_ITEM}</rss>", "rss"),
    "atom 0.3": ('<feed xmlns="http://purl.org/atom/ns#"><entry><title>Acme</title></entry></feed>', "atom"),
    "atom without namespace": ("<feed><entry><title>Acme</title></entry></feed>", "atom"),
    "space before the declaration": (f'\n <?xml version="1.0"?><rss><channel>{_ITEM}</channel></rss>', "rss"),
    "a wrong namespace under the usual prefix": (
        '<rss xmlns:dc="http://purl.org/dc/elements/1.1"><channel><item><dc:title>Acme</dc:title></item></channel></rss>',
        "rss",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", _DOCUMENTS)
def test_formats(name: str) -> None:
    text, form = _DOCUMENTS[name]
    document, is_loose = _read(text)
    assert not is_loose
    assert (document.format, [entry.title for entry in document.entries]) == (form, ["Acme"])


def test_entries_within_entries_are_entries() -> None:
    document, _ = _read(
        f"<feed {_ATOM}><entry><title>a</title><entry><title>b</title></entry><id>1</id></entry></feed>"
    )
    assert [(entry.title, entry.id) for entry in document.entries] == [("a", "1"), ("b", None)]


def test_an_empty_feed_is_a_feed() -> None:
    document, _ = _read("<rss><channel><title>Leer</title><language>de-DE</language></channel></rss>")
    assert document == Document(format="rss", entries=(), title="Leer", lang="de")


def test_languages_are_inherited_by_the_document() -> None:
    document, _ = _read(_atom('<title xml:lang="en">x</title>'))
    assert (document.lang, document.entries[0].lang) == ("de", None)


def test_bases_add_up() -> None:
    entry = '<entry xml:base="b/"><link href="c"/></entry>'
    document, _ = _read(f'<feed {_ATOM} xml:base="https://x.example/a/">{entry}</feed>')
    assert document.entries[0].link == "https://x.example/a/b/c"


@pytest.mark.parametrize("text", ["<rss><channel>", "<opml/>", "<!DOCTYPE rss><rss/>", "", "<a:rss/>"])
def test_the_fast_path_gives_up_rather_than_guess(text: str) -> None:
    with pytest.raises(Unsure):
        read_xml(text, _URL)


def test_the_last_resort_keeps_what_came_before_the_damage() -> None:
    document = read_xml("<rss><channel><item><title>a</title></item><item><title>b</ti", _URL, recover=True)
    assert document.damaged
    assert document.entries[0].title == "a"


@given(st.text(st.characters(exclude_categories=["Cs"])), st.booleans())
def test_any_text_comes_through_whole(text: str, in_cdata: bool) -> None:
    plain = plain_text(text.replace("&", "und").replace("]]>", ""))
    escaped = f"<![CDATA[{html.escape(plain)}]]>" if in_cdata else html.escape(html.escape(plain))
    document, is_loose = _read(_rss(f"<title>x</title><description>{escaped}</description>"))
    assert not is_loose
    assert html_to_text(document.entries[0].content) == plain_text(mended(plain))


def test_of_a_summary_escaped_twice_and_the_content_the_content_is_taken() -> None:
    plain, twice = "Danke, <em>sehr</em> gut", "Danke, &lt;em&gt;sehr&lt;/em&gt; gut"
    assert longest([twice, plain]) == longest([plain, twice]) == plain
    assert longest(["kurz", twice + " und mehr"]) == twice + " und mehr"
