"""Folding and word boundaries."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import folding
from rules.folding import fold, spellings, tokenize


def words(text: str) -> list[str]:
    return [text[token.start : token.end] for token in tokenize(text)]


@pytest.mark.parametrize(
    ("word", "plain", "german", "exact"),
    [
        ("Acme", "acme", "acme", "acme"),
        ("Müller", "muller", "mueller", "mueller"),
        ("MU\u0308LLER", "muller", "mueller", "mueller"),
        ("Straße", "strasse", "strasse", "strasse"),
        ("STRAẞE", "strasse", "strasse", "strasse"),
        ("Café", "cafe", "cafe", "cafe\u0301"),
        ("Übercafé", "ubercafe", "uebercafe", "uebercafe\u0301"),
        ("ﬁsch", "fisch", "fisch", "fisch"),
        ("İSTANBUL", "istanbul", "istanbul", "istanbul"),
        ("ısparta", "isparta", "isparta", "isparta"),
        ("Ørsted", "orsted", "orsted", "ørsted"),
        ("ГАЗ", "газ", "газ", "газ"),
        ("ΟΔΟΣ", "οδοσ", "οδοσ", "οδοσ"),
        ("Ａｃｍｅ", "acme", "acme", "acme"),
        ("𝐀𝐜𝐦𝐞", "acme", "acme", "acme"),
        ("Ac\u00adme\u200b", "acme", "acme", "acme"),
        ("ｶﾞ", "カ\u3099", "カ\u3099", "カ\u3099"),
    ],
)
def test_forms_of_a_word(word: str, plain: str, german: str, exact: str) -> None:
    assert fold(word) == (plain, german, exact)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Acme's new-phone, isn't it?", ["Acme", "s", "new", "phone", "isn", "t", "it"]),
        ("_Acme_ acme_phone", ["Acme", "acme", "phone"]),
        ("C++ AT&T #tag @me $5 50%", ["C", "+", "+", "AT", "&", "T", "#", "tag", "@", "me", "$", "5", "50", "%"]),
        ("東京タワー", list("東京タワー")),
        ("Acmeの新製品", ["Acme", "の", "新", "製", "品"]),
        ("กินข้าว", ["กิ", "น", "ข้", "า", "ว"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("삼성은 좋다", ["삼성은", "좋다"]),
        ("Mu\u0308ller stra\u00adße", ["Mu\u0308ller", "stra\u00adße"]),
        ("Acme\u200b, \u202eAcme\u202c", ["Acme", "Acme"]),
        ("👨\u200d👩\u200d👧 ❤\ufe0f", ["👨", "👩", "👧", "❤"]),
        ("Acme™ Acme® Acme²", ["Acme", "™", "Acme", "®", "Acme²"]),
        ("\u0301\u200b \0", []),
    ],
)
def test_tokens_keep_their_place(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@given(st.text(max_size=80))
def test_tokens_stand_in_order_within_any_text(text: str) -> None:
    end = 0
    for token in tokenize(text):
        assert end <= token.start < token.end <= len(text)
        assert token.forms == fold(text[token.start : token.end])
        assert token.forms.plain
        end = token.end


@given(st.text(alphabet=st.characters(max_codepoint=0x24F, exclude_characters="\u00ad"), max_size=60))
def test_latin_text_has_the_same_tokens_both_ways(text: str) -> None:
    found = [folding._token(text, match) for match in folding._TOKENS.finditer(text.translate(folding._classes))]
    assert tokenize(text) == found


@given(st.text(max_size=20))
def test_folding_again_changes_nothing(word: str) -> None:
    plain, german, exact = fold(word)
    assert fold(plain).plain == plain
    assert fold(german).german == german
    assert fold(exact).exact == exact


@given(st.text(alphabet=st.characters(max_codepoint=0x24F), max_size=30))
def test_composed_and_decomposed_text_fold_alike(text: str) -> None:
    decomposed, composed = unicodedata.normalize("NFD", text), unicodedata.normalize("NFC", text)
    assert [token.forms for token in tokenize(decomposed)] == [token.forms for token in tokenize(composed)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Acme's C++, acme_PHONE 5%", {"acme", "s", "c", "phone", "5"}),
        ("„Müller“ – Straße", {"muller", "mueller", "strasse"}),
        ("wow🔥🔥 東京", {"wow", "🔥", "東", "京"}),
        ("ver\u00adtrag", {"vertrag", "ver", "trag"}),
        ("\ud800a \u0301 \u200b", {"a"}),
        ("", set()),
    ],
)
def test_spellings_are_those_of_all_words(text: str, expected: set[str]) -> None:
    assert spellings(text) == expected


def is_ascii_symbol(form: str) -> bool:
    return len(form) == 1 and form.isascii() and not form.isalnum()


@given(st.text(max_size=60))
def test_spellings_leave_out_no_form_of_a_word(text: str) -> None:
    forms = {form for token in tokenize(text) for form in token.forms[:2] if not is_ascii_symbol(form)}
    extra = {form for form in spellings(text) - forms if not is_ascii_symbol(form)}
    assert forms <= spellings(text)
    assert not extra or any(unicodedata.category(c) == "Cf" or c >= "\ufe00" for c in text)
