"""Cleaning: nothing a reader could have read is lost, and no input is expensive."""

from __future__ import annotations

import html
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.text import CLEANER_VERSION, content_hash, html_to_text, plain_text

_CLEANED = [
    # Plain text is no markup.
    ("a < b", "a < b"),
    ("AT&T 5 < 6 && 7 > 3", "AT&T 5 < 6 && 7 > 3"),
    ("ich <3 Acme", "ich <3 Acme"),
    ("List<String> und Map<K, V>", "List<String> und Map<K, V>"),
    ("wie benutzt man <b> in HTML?", "wie benutzt man <b> in HTML?"),
    (
        "schreib an <kim@example.com> oder <https://example.com>",
        "schreib an <kim@example.com> oder <https://example.com>",
    ),
    ("https://example.com/?a=1&copy=2&lt=3", "https://example.com/?a=1&copy=2&lt=3"),
    ("eine\nzweite\r\ndritte\rvierte", "eine\nzweite\ndritte\nvierte"),
    # Markup.
    ("Acme <b>Phone</b> brennt", "Acme Phone brennt"),
    ("<b>A</b>cme", "Acme"),
    ("<p>eins</p><p>zwei<br>drei</p>", "eins\nzwei\ndrei"),
    ("<ul><li>a<li>b</ul>", "a\nb"),
    ("<table><tr><td>Preis<td>5 €</tr></table>", "Preis 5 €"),
    ("<p>eine\nZeile</p>", "eine Zeile"),
    ("a<script>böse()</script>b<br>", "ab"),
    ("a<style>p{}</style >b<br/>", "ab"),
    ("a<script/>b<br>", "ab"),
    ("<p>a<script>unfinished, but it may be a post", "aunfinished, but it may be a post"),
    ("<p>a<!-- weg -->b<!-- offen", "ab offen"),
    ("<![CDATA[a & b]]><br>c", "a & b\nc"),
    ("<!DOCTYPE html><?xml version='1.0'?><p>x</p>", "x"),
    ("<p>3 <!x 4</p>", "3 <!x 4"),
    ('<a title="a < b > c" href=x>y</a>', "y"),
    ('<p class=x">Acme</p><p class="y">brennt</p>', "Acme\nbrennt"),
    ('<p>abgeschnitten <a href="htt', 'abgeschnitten <a href="htt'),
    ("<img src=x alt='Acme \"Phone\"'>", 'Acme "Phone"'),
    ("<P>groß</P>", "groß"),
    ("<xhtml:p>a</xhtml:p><xhtml:p>b</xhtml:p>", "a\nb"),
    ('<p>a<svg><desc>b</desc><circle cx="1"/></svg>c <circle></p>', "abc <circle>"),
    ("<p>List<String></p>", "List<String>"),
    # References.
    ("M&uuml;ller &amp; S&ouml;hne", "Müller & Söhne"),
    ("M&amp;uuml;ller", "Müller"),
    ("&lt;p&gt;M&amp;uuml;ller&lt;/p&gt;", "Müller"),
    ("&lt;b&gt; macht fett", "<b> macht fett"),
    ("&#8217;&#x2019;&#146;", "’’’"),
    ("a&nbsp;b&nbsp c &amp d", "a b c & d"),
    ("&unbekannt; &#xD800; &#99999999999;", "&unbekannt; \ufffd &#99999999999;"),
    # Characters.
    ("a\x00b\x07c\x1bd", "abcd"),
    ("\x93Acme\x94 \x80 5", "“Acme” € 5"),
    ("lone \ud83d surrogate", "lone surrogate"),
    ("Akku\u00adbrand \ufeffAcme\u2060", "Akkubrand Acme"),
    (
        "👨\u200d👩\u200d👧 \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "👨\u200d👩\u200d👧 \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    ),
    ("  viel\u2003\u3000 Platz \n\n\n\n unten  ", "viel Platz\nunten"),
    ("", ""),
]


@pytest.mark.parametrize(("markup", "text"), _CLEANED)
def test_html_becomes_text(markup: str, text: str) -> None:
    assert html_to_text(markup) == text


def test_plain_text_keeps_markup_and_references() -> None:
    assert plain_text(" <b>a</b> &amp;\x00\tb\n\n c ") == "<b>a</b> &amp; b\nc"


_HOSTILE = [
    "<div>", "</div>", "<p ", '<a "=', '<a b="', "<a b='\"<", "<!--", "<![CDATA[", "<script>", "</script", "<svg>", "<",
    "&#", "&amp;", "&amp", "<a =", '<img alt="', "<!doctype ", " \n", "<td>", "<p/", "<x:", "<?xml ",
]  # fmt: skip


@pytest.mark.parametrize("piece", _HOSTILE)
def test_f20_a_million_characters_of_anything_take_linear_time(piece: str) -> None:
    def cost(length: int) -> float:
        hostile = "<p>" + piece * (length // len(piece))
        started = time.process_time()
        html_to_text(hostile)
        return time.process_time() - started

    assert cost(1_000_000) < 40 * max(cost(100_000), 0.01)


@given(st.text())
def test_any_input_gives_clean_text(markup: str) -> None:
    text = html_to_text(markup)
    text.encode("utf-8")
    assert text == text.strip()
    assert not [character for character in text if unicodedata.category(character) == "Cc" and character != "\n"]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_escaped_text_reads_as_it_was(text: str) -> None:
    plain = plain_text(text.replace("&", "und").replace(">", ")"))
    assert html_to_text(f"<p>{html.escape(plain)}</p>") == plain.replace("\n", " ")


@given(st.text(st.sampled_from(" \n\t\rabü\xa0\u3000\u200b\u2028😀\ufe0f\u200d\x85\xad日\x00"), max_size=12))
def test_the_short_way_through_plain_text_leads_to_the_same(text: str) -> None:
    assert plain_text(text) == plain_text(f"\x00{text}")  # which is taken out, the long way


def test_the_hash_knows_title_text_and_rating() -> None:
    hashes = {
        content_hash("a", "b", None),
        content_hash("a", "c", None),
        content_hash("ab", "", None),
        content_hash("a", "b", 4.0),
        content_hash("a", "b", 0.0),
        content_hash("a", "\ud800", None),
    }
    assert len(hashes) == 6
    assert content_hash("a", "b", 4) == content_hash("a", "b", 4.0)
    assert content_hash("a", "b", None).startswith(f"{CLEANER_VERSION}:")
