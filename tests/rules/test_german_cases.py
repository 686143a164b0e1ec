"""Two hundred cases in German: what a care team's query must find, and where; ⟦ ⟧ enclose what must be marked.

They were written from the language's description, not from what the engine answers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Protocol, Unpack

import pytest

from rules.base import Span
from sources.base import Post, PostKind
from tests.rules.posts import Fields, find, post


@dataclass(frozen=True, slots=True)
class Case:
    """One query and one post; `terms` None: they are not looked at."""

    query: str
    text: str
    title: str = ""
    terms: tuple[str, ...] | None = None
    is_found: bool = True
    fields: Fields = field(default_factory=Fields)


def yes(query: str, text: str, title: str = "", terms: tuple[str, ...] | None = None, **fields: Unpack[Fields]) -> Case:
    return Case(query, text, title, terms, True, fields)


def no(query: str, text: str, title: str = "", **fields: Unpack[Fields]) -> Case:
    return Case(query, text, title, None, False, fields)


WORDS = [
    yes("acme", "Ich habe bei ⟦Acme⟧ bestellt und warte seit drei Wochen."),
    yes("acme", "⟦ACME⟧: nie wieder! (⟦acme⟧ ist pleite)"),
    yes("Acme", "diese ⟦acme⟧-Leute"),
    no("acme", "Die Firma Pharmacme hat nichts damit zu tun"),
    no("acme", "Acmes neues Gerät"),
    yes("acme", "⟦Acme⟧'s neues Gerät, ⟦acme⟧_support hilft nicht"),
    yes("störung", "Schon wieder ⟦Störung⟧ im Netz"),
    yes("störung", "schon wieder ⟦stoerung⟧, danke auch"),
    no("störung", "schon wieder storung"),
    yes("stoerung", "Schon wieder ⟦Störung⟧, ⟦STÖRUNG⟧, ⟦Stoerung⟧"),
    yes("storung", "Schon wieder ⟦Störung⟧, ⟦storung⟧"),
    no("stoerung", "schon wieder storung"),
    no("storung", "schon wieder Stoerung"),
    yes("störung", "Sto\u0308rung? ⟦Störung⟧!".replace("Sto\u0308rung?", "⟦Sto\u0308rung⟧?")),
    yes("sto\u0308rung", "Eine ⟦Störung⟧ und eine ⟦Stoerung⟧"),
    yes("müller", "Frau ⟦Müller⟧ vom Kundendienst, nicht Muller"),
    yes("mueller", "Herr ⟦Müller⟧ und Herr ⟦Mueller⟧, nicht Muller"),
    yes("muller", "Herr ⟦Müller⟧ und Herr ⟦Muller⟧, nicht Mueller"),
    yes("straße", "Baustelle in der ⟦Straße⟧, ⟦STRASSE⟧, ⟦strasse⟧ und ⟦STRAẞE⟧"),
    yes("strasse", "Baustelle in der ⟦Straße⟧"),
    no("straße", "Straßen"),
    yes("größe", "Die ⟦Groesse⟧ stimmt nicht, ⟦Größe⟧ 42 war bestellt, ⟦GRÖSSE⟧!"),
    no("größe", "grosse Liebe"),
    yes("grosse", "Welche ⟦Größe⟧?"),
    yes("ärger", "Nur ⟦Ärger⟧ mit ⟦aerger⟧ und ⟦A\u0308rger⟧"),
    yes("café", "Das ⟦Café⟧ am Eck"),
    no("café", "Das Cafe am Eck"),
    yes("cafe", "Das ⟦Café⟧ und das ⟦Cafe⟧"),
    yes("ändern", "Wie kann ich das ⟦a\u0308ndern⟧?"),
    yes("vertrag", "Der Ver\u00adtrag läuft aus".replace("Ver\u00adtrag", "⟦Ver\u00adtrag⟧")),
    yes("rabatt", "⟦Ra\u200bbatt⟧-Betrug"),
    yes("büro", "\u202eunsichtbar\u202c ⟦BÜRO⟧"),
    yes("istanbul", "Flug nach ⟦İstanbul⟧, ⟦ISTANBUL⟧, ⟦ıstanbul⟧"),
    yes("газ", "⟦ГАЗ⟧ ist teuer, газета nicht"),
    yes("東京", "Filiale in ⟦東京⟧都"),
    no("東京", "東 und dann 京"),
    yes("4711", "Bestellung ⟦4711⟧ fehlt, nicht 47110"),
    yes("🔥", "Mein Akku ist ⟦🔥⟧ geworden⟦🔥⟧"),
    yes(
        "münchen",
        "M\u00fcnchen, M\u0075\u0308nchen".replace("M\u00fcnchen", "⟦M\u00fcnchen⟧").replace(
            "Mu\u0308nchen", "⟦Mu\u0308nchen⟧"
        ),
    ),
    yes("ol", "⟦Öl⟧ läuft aus"),
    no("oel", "ol läuft aus"),
]

BOOLEANS = [
    yes("acme kaputt", "Mein ⟦Acme⟧ ist ⟦kaputt⟧", terms=("acme", "kaputt")),
    no("acme kaputt", "Mein Acme ist super"),
    yes("acme AND kaputt", "⟦Kaputt⟧!", title="Mein ⟦Acme⟧"),
    yes("acme OR globex", "⟦Globex⟧ ist besser", terms=("globex",)),
    yes("acme OR globex", "⟦Globex⟧ oder ⟦Acme⟧?", terms=("acme", "globex")),
    no("acme OR globex", "Initech ist besser"),
    yes("acme NOT gewinnspiel", "⟦Acme⟧ liefert nicht", terms=("acme",)),
    no("acme NOT gewinnspiel", "Acme Gewinnspiel: mitmachen!"),
    no("acme NOT gewinnspiel", "mitmachen!", title="Acme-Gewinnspiel"),
    yes("acme -stellenangebot", "⟦Acme⟧ liefert nicht"),
    no("acme -stellenangebot", "Stellenangebot bei Acme"),
    yes("acme -(job OR stelle)", "⟦Acme⟧ sucht niemanden"),
    no("acme -(job OR stelle)", "Acme: eine Stelle ist frei"),
    no("acme -(job OR stelle)", "Acme: ein Job"),
    yes("acme (kaputt OR defekt OR störung)", "Mein ⟦Acme⟧ ist ⟦defekt⟧", terms=("acme", "defekt")),
    yes("acme (kaputt OR defekt OR störung)", "⟦Acme⟧: ⟦Stoerung⟧, ⟦kaputt⟧", terms=("acme", "kaputt", "störung")),
    no("acme (kaputt OR defekt OR störung)", "Mein Acme läuft"),
    yes("(acme kaputt) OR (globex defekt)", "⟦Globex⟧ ⟦defekt⟧, Acme nicht", terms=("globex", "defekt")),
    no("(acme kaputt) OR (globex defekt)", "Acme defekt"),
    yes("(acme OR globex) NOT (arena OR stadion)", "⟦Globex⟧ hilft nicht"),
    no("(acme OR globex) NOT (arena OR stadion)", "Konzert im Globex-Stadion"),
    yes("acme und globex", "⟦Acme⟧ ⟦und⟧ ⟦Globex⟧"),
    no("acme und globex", "Acme, Globex"),
    yes("acme (NOT (werbung OR anzeige))", "⟦Acme⟧ nervt"),
    no("acme (NOT (werbung OR anzeige))", "Anzeige: Acme"),
    yes("acme (kaputt OR (lieferung NOT pünktlich))", "⟦Acme⟧ ⟦Lieferung⟧ fehlt", terms=("acme", "lieferung")),
    no("acme (kaputt OR (lieferung NOT pünktlich))", "Acme: Lieferung kam puenktlich"),
    yes("acme\n  AND\n  kaputt", "⟦acme⟧ ⟦kaputt⟧"),
    yes("acme <<< die Marke >>> kaputt", "⟦acme⟧ ⟦kaputt⟧"),
    yes("<<< nur Österreich >>> acme", "⟦Acme⟧ in Wien"),
]

PHRASES = [
    yes('"acme phone"', "Mein ⟦Acme Phone⟧ lädt nicht", terms=("acme phone",)),
    no('"acme phone"', "Phone von Acme; acme mein phone"),
    yes('"acme phone"', "⟦ACME-Phone⟧, ⟦Acme\u00a0Phone⟧"),
    yes('"acme phone"', "Endlich das neue #⟦AcmePhone⟧"),
    no('"acme phone"', "AcmePhone"),
    no('"acme phone"', "Phone", title="Acme"),
    yes('"nie wieder"', "⟦Nie   wieder⟧ Acme!"),
    no('"nie wieder"', "wieder nie"),
    yes('"kostet 5 €"', "Das ⟦kostet 5 €⟧"),
    yes('"schlechter service"', "⟦Schlechter\nService⟧!"),
    yes('"müller milch"', "⟦Mueller Milch⟧ und ⟦Müller-Milch⟧, aber Muller Milch"),
    yes('"grüne straße"', "#⟦GrueneStrasse⟧ #⟦GrüneStraße⟧"),
    yes("„nie wieder“", "⟦nie wieder⟧"),
    yes('"acme" kaputt', "⟦Acme⟧ ⟦kaputt⟧"),
    no('"acme phone"', "acme das phone"),
    yes('"acme phone" OR "acme tablet"', "Mein ⟦Acme Tablet⟧", terms=("acme tablet",)),
    yes('"das geht gar nicht"', "Acme, ⟦das geht gar nicht⟧!"),
    no('"das geht gar nicht"', "Acme, das geht nicht"),
    no('acme NOT "acme arena"', "Konzert in der Acme Arena"),
    yes('acme NOT "acme arena"', "⟦Acme⟧ hat eine Arena"),
]

WILDCARDS = [
    yes("kündig*", "Ich ⟦kündige⟧! ⟦Kündigung⟧ ist raus, ⟦kuendigen⟧", terms=("kündig*",)),
    no("kündig*", "Ich habe gekündigt"),
    yes("kundig*", "Meine ⟦Kündigung⟧, ⟦kundige⟧ Leute"),
    yes("kuendig*", "Meine ⟦Kündigung⟧"),
    no("kündig*", "kundige Leute"),
    yes("*versicherung", "Die ⟦Haftpflichtversicherung⟧ und die ⟦Versicherung⟧ zahlen nicht"),
    no("*versicherung", "Versicherungen"),
    yes("*versicherung", "Kfz-⟦Versicherung⟧"),
    yes("*störung", "Eine ⟦Netzstörung⟧, eine ⟦Netzstoerung⟧"),
    no("*störung", "Netzstorung"),
    yes("reklam*", "⟦REKLAMATION⟧! ⟦reklam⟧"),
    yes("organi?ation", "⟦Organisation⟧ und ⟦Organization⟧, Organiation"),
    yes("m?ller", "⟦Müller⟧ ⟦Möller⟧ ⟦Miller⟧ Mller"),
    yes("beschwer*", "#⟦Beschwerde⟧ an @⟦beschwerdestelle⟧"),
    yes("acme (kaputt* OR defekt*)", "⟦Acme⟧: ⟦defekte⟧ Teile", terms=("acme", "defekt*")),
    no("acme (kaputt* OR defekt*)", "Acme: undefekt"),
    yes("rückerstatt*", "Wo bleibt meine ⟦Ru\u0308ckerstattung⟧"),
    yes("*kosten*", "⟦Versandkostenfrei⟧ und ⟦Kosten⟧"),
    yes("acm* phon*", "⟦Acme⟧ ⟦Phones⟧ und ⟦acme⟧ ⟦phone⟧"),
    no("liefer*", "aus\u00adliefern"),
]

EXACT = [
    yes("{BT}", "Die ⟦BT⟧ hat gestört, bt nicht, Bt auch nicht"),
    no("{BT}", "btw"),
    yes("{Die Bahn}", "⟦Die Bahn⟧ kommt; die Bahn, Die bahn"),
    yes("{Müller}", "⟦Müller⟧ Mueller müller MÜLLER"),
    yes("{Müller}", "Herr ⟦Mu\u0308ller⟧"),
    no("{Muller}", "Müller"),
    yes("{EC} AND karte", "⟦EC⟧-⟦Karte⟧ geht nicht; ec"),
    no("{EC} AND karte", "ec karte"),
    yes("`C++`", "Ich lerne ⟦C++⟧", terms=("C++",)),
    no("`C++`", "Ich lerne C und C#"),
    yes("C++", "⟦C++⟧ und C"),
    yes("`.NET`", "Die ⟦.NET⟧ Version"),
    no("`.NET`", "Die NET Version"),
    yes("`AT&T`", "Bei ⟦AT&T⟧, nicht AT & T"),
    yes("`5G+`", "⟦5G+⟧ Tarif, 5G Tarif"),
]

NAMES = [
    yes("#acmefail", "Wieder mal ⟦#AcmeFail⟧"),
    no("#acmefail", "acmefail #acmefails"),
    yes("@acme", "⟦@Acme⟧ bitte melden!"),
    no("@acme", "info@acme.de, @acme_help, @acmes, acme"),
    yes("@acme_hilft", "⟦@Acme_Hilft⟧ hallo?"),
    no("@acme_hilft", "@acme hilft"),
    yes("acme", "#⟦acme⟧ @⟦acme⟧ $⟦acme⟧"),
    yes("#störung", "⟦#Störung⟧ ⟦#stoerung⟧ #storung"),
    yes("$ACME", "Kaufe ⟦$ACME⟧"),
    no("$ACME", "Kaufe ACME"),
    yes("😡 acme", "⟦Acme⟧ ⟦😡⟧⟦😡⟧"),
    no("😡 acme", "Acme 😀"),
    yes("@acme OR #acme", "⟦#acme⟧", terms=("#acme",)),
    yes("❤", "Danke ⟦❤⟧\ufe0f"),
    yes("acme.de", "Auf ⟦acme.de⟧ bestellt"),
    yes("acme.de", "Auf ⟦acme[.]de⟧ bestellt (Betrug!)"),
    yes("acme.de", "Auf ⟦acme dot de⟧ bestellt"),
    no("acme.de", "acme.delikatessen"),
    yes("acme.de", "https://www.⟦acme.de⟧/hilfe?x=1"),
    no("acme.de", "pharmacme.de"),
]

REGEX = [
    yes(r"/bestell(ung|nummer)/", "Meine ⟦Bestellnummer⟧"),
    yes(r"/\d{3}-\d{4}/", "Nr. ⟦123-4567⟧"),
    no(r"/\d{3}-\d{4}/", "Nr. 12-34"),
    yes(r"/tarif\s*(xl|l)\b/ acme", "⟦Acme⟧ ⟦Tarif  XL⟧"),
    no(r"acme -/gewinn\w+/", "Acme Gewinnspiel"),
]

FIELDS = [
    yes("title:acme", "egal", title="⟦Acme⟧ im Test"),
    no("title:acme", "Acme im Test"),
    yes("text:acme", "⟦Acme⟧ im Test", title="Acme"),
    no("text:acme", "egal", title="Acme"),
    yes("title:acme kaputt", "⟦kaputt⟧", title="⟦Acme⟧"),
    yes('title:"acme phone" störung', "⟦Störung⟧", title="Das ⟦Acme Phone⟧"),
    yes("title:(acme OR globex) kaputt", "⟦kaputt⟧", title="⟦Globex⟧"),
    no("title:(acme OR globex) kaputt", "Acme kaputt", title="Hilfe"),
    yes("title:acme title:globex kaputt", "⟦kaputt⟧", title="⟦Globex⟧"),
    yes("acme author:kim", "⟦Acme⟧", author="Kim"),
    no("acme author:kim", "Acme Kim", author="Alex"),
    no("acme author:kim", "Acme"),
    yes("acme NOT author:werbebot", "⟦Acme⟧", author="Kim"),
    no("acme NOT author:werbebot", "Acme", author="werbebot"),
    yes("acme site:heise.de", "⟦Acme⟧", url="https://www.heise.de/news/1"),
    yes("acme site:heise.de", "⟦Acme⟧", url="https://heise.de/"),
    no("acme site:heise.de", "Acme heise.de", url="https://golem.de/"),
    no("acme site:heise.de", "Acme", url="https://notheise.de/"),
    no("acme site:heise.de", "Acme", url="https://heise.de.evil.example/"),
    no("acme site:heise.de", "Acme"),
    yes("acme site:heise.de site:golem.de", "⟦Acme⟧", url="https://golem.de/"),
    yes("acme site:(heise.de OR golem.de)", "⟦Acme⟧", url="https://forum.golem.de/x"),
    no("acme -site:gutscheine.de", "Acme", url="https://www.gutscheine.de/acme"),
    yes("acme -site:gutscheine.de", "⟦Acme⟧", url="https://www.heise.de/gutscheine.de"),
    yes("acme -site:gutscheine.de", "⟦Acme⟧"),
    yes("acme lang:de", "⟦Acme⟧", lang="de"),
    no("acme lang:de", "Acme", lang="en"),
    no("acme lang:de", "Acme"),
    yes("acme lang:(de OR en)", "⟦Acme⟧", lang="en"),
    yes("acme source:reddit", "⟦Acme⟧", source="reddit"),
    no("acme source:reddit", "Acme reddit", source="heise"),
    yes("acme kind:review", "⟦Acme⟧", kind=PostKind.REVIEW),
    no("acme kind:review", "Acme", kind=PostKind.COMMENT),
    yes("acme thread:t42", "⟦Acme⟧", thread="t42"),
    no("acme thread:t42", "Acme", thread="t43"),
    yes("acme subreddit:de", "⟦Acme⟧", url="https://www.reddit.com/r/de/comments/1/x/"),
    no("acme subreddit:de", "Acme", url="https://www.reddit.com/r/finanzen/comments/1/x/"),
    yes("acme url:kundendienst", "⟦Acme⟧", url="https://acme.example/kundendienst/1"),
    no("acme url:kundendienst", "Acme", url="https://acme.example/hilfe"),
]

RANGES = [
    yes("acme rating:[1 TO 2]", "⟦Acme⟧", rating=1.0),
    yes("acme rating:[1 TO 2]", "⟦Acme⟧", rating=2.0),
    yes("acme rating:[1 TO 2]", "⟦Acme⟧", rating=1.5),
    no("acme rating:[1 TO 2]", "Acme", rating=3.0),
    no("acme rating:[1 TO 2]", "Acme"),
    yes("acme followers:[1000 TO *]", "⟦Acme⟧", followers=1000),
    no("acme followers:[1000 TO *]", "Acme", followers=999),
    no("acme followers:[1000 TO *]", "Acme"),
    yes("acme engagement:[* TO 5]", "⟦Acme⟧", engagement=0),
    no("acme engagement:[* TO 5]", "Acme", engagement=6),
    yes("acme NOT rating:[4 TO 5]", "⟦Acme⟧"),
    no("acme NOT rating:[4 TO 5]", "Acme", rating=5.0),
]

NEAR = [
    yes("paket NEAR/3 verloren", "Mein ⟦Paket⟧ ging leider ⟦verloren⟧", terms=("paket", "verloren")),
    yes("paket NEAR/2 verloren", "Mein ⟦Paket⟧ ging leider ⟦verloren⟧"),
    no("paket NEAR/1 verloren", "Mein Paket ging leider verloren"),
    yes("paket NEAR/2 verloren", "⟦Verloren⟧ ging mein ⟦Paket⟧"),
    no("paket NEAR/2f verloren", "Verloren ging mein Paket"),
    yes("paket NEAR/2f verloren", "Mein ⟦Paket⟧: ⟦verloren⟧! ... Paket da"),
    yes("paket NEAR/0 verloren", "⟦paket⟧ 😡 ⟦verloren⟧"),
    no("paket NEAR/5 verloren", "verloren", title="Paket"),
    yes(
        "(paket OR sendung) NEAR/4 (fehlt OR weg)",
        "Die ⟦Sendung⟧ ist ⟦weg⟧; erst Tage später kam ein Paket",
        terms=("sendung", "weg"),
    ),
    yes("(akku* OR batterie) NEAR/3 (heiß OR brennt)", "⟦Akkus⟧ werden ⟦heiss⟧", terms=("akku*", "heiß")),
    yes('"acme phone" NEAR/3 akku', "⟦Acme Phone⟧: der ⟦Akku⟧", terms=("acme phone", "akku")),
    no('"acme phone" NEAR/3 akku', "Acme: ein Phone, der Akku"),
    yes("acme (lieferung NEAR/2 verspätet)", "⟦Lieferung⟧ ⟦verspaetet⟧", title="⟦Acme⟧"),
    no("acme NOT (acme NEAR/2 arena)", "Acme in Arena"),
    yes("acme NOT (acme NEAR/2 arena)", "⟦Acme⟧ ist nicht in der Arena"),
    yes("title:(acme NEAR/2 rückruf)", "egal", title="⟦Acme⟧ startet ⟦Rückruf⟧"),
    no("title:(acme NEAR/2 rückruf)", "Acme startet Rückruf"),
    yes('"service katastrophe"~2', "Der ⟦Service⟧ ist eine ⟦Katastrophe⟧", terms=("service katastrophe",)),
    yes('"service katastrophe"~2', "⟦Katastrophe⟧, der ⟦Service⟧"),
    no('"service katastrophe"~1', "Der Service ist eine Katastrophe"),
    yes('"acme kein rückruf"~2', "⟦Kein⟧ einziger ⟦Rückruf⟧ von ⟦Acme⟧"),
    no('"acme kein rückruf"~1', "Kein einziger Rückruf von Acme"),
    yes("東京 NEAR/3 acme", "⟦東京⟧にある ⟦Acme⟧"),
    no("東京 NEAR/2 acme", "東京にある Acme"),
]

CASES = [*WORDS, *BOOLEANS, *PHRASES, *WILDCARDS, *EXACT, *NAMES, *REGEX, *FIELDS, *RANGES, *NEAR]


def read_marks(marked: str, name: str) -> tuple[str, set[Span]]:
    """The text without ⟦ ⟧ and the places that they enclose."""
    text, spans, starts = "", set(), []
    for piece in re.split("([⟦⟧])", marked):
        if piece == "⟦":
            starts.append(len(text))
        elif piece == "⟧":
            spans.add(Span(name, starts.pop(), len(text)))
        else:
            text += piece
    return text, spans


def post_of(case: Case) -> Post:
    return post(read_marks(case.text, "text")[0], read_marks(case.title, "title")[0], **case.fields)


class Found(Protocol):
    """What a Match holds, whoever says it."""

    @property
    def spans(self) -> tuple[Span, ...]: ...
    @property
    def terms(self) -> tuple[str, ...]: ...


def is_as_expected(case: Case, found: Found | None) -> bool:
    """Whether exactly the marked places were found, by the terms expected."""
    if found is None or not case.is_found:
        return found is None and not case.is_found
    spans = read_marks(case.title, "title")[1] | read_marks(case.text, "text")[1]
    return set(found.spans) == spans and case.terms in (None, found.terms)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.query[:30]}-{case.text[:30]}")
def test_what_a_care_team_must_find(case: Case) -> None:
    found = find(case.query, post_of(case))
    assert is_as_expected(case, found), found


def test_there_are_two_hundred_cases() -> None:
    assert len(CASES) >= 200
