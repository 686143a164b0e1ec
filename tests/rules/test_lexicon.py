"""What the lexicon finds, form by form."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.lexicon import Hit, Lexicon, LexiconError, compile_entries
from rules.words import fold


def cut(text: str) -> list[str]:
    return re.findall(r"\w+(?:'\w+)?|[^\w\s]", text)


def found(entries: list[str], text: str, language: str = "de") -> list[str]:
    """The words of each hit."""
    phrases = compile_entries({language: {"field": entries}}, {language: cut})
    words = cut(text)
    hits = Lexicon(phrases, [language]).find([fold(word) for word in words])
    return [" ".join(words[hit.start : hit.end]) for hit in hits]


@pytest.mark.parametrize(
    ("entry", "text", "expected"),
    [
        ("kaputt", "Alles kaputte Geräte, KAPUTT!", ["kaputte", "KAPUTT"]),
        ("=kaputt", "Alles kaputte Geräte, KAPUTT!", ["KAPUTT"]),
        ("verspät*", "Verspaetung und Verspätungen", ["Verspaetung", "Verspätungen"]),
        ("*ausfall", "Totalausfall, Ausfall, Ausfälle", ["Totalausfall", "Ausfall"]),
        ("seit <n> wochen", "seit 3 Wochen, seit drei Wochen, seit ein Wochen", ["seit 3 Wochen", "seit drei Wochen"]),
        ("stürzt _ ab", "stürzt ab", ["stürzt ab"]),
        ("stürzt _ ab", "Sie stürzt jeden Tag schon ab", ["stürzt jeden Tag schon ab"]),
        ("stürzt _ ab", "Sie stürzt jeden Tag schon früh ab", []),
        ("stürzt _ ab", "Sie stürzt. Jetzt ab ins Bett", []),
        ("geht nicht", "geht - nicht", ["geht - nicht"]),
        ("geht nicht", "geht. Nicht", []),
        ("dark-mode", "Dark Mode, dark-mode", ["Dark Mode", "dark - mode"]),
        ("🙄", "ach 🙄", ["🙄"]),
        ("?", "wie bitte?", ["?"]),
        ("sooo gut", "sooooooo gut", ["sooooooo gut"]),
        ("straße", "STRASSE", ["STRASSE"]),
    ],
)
def test_forms(entry: str, text: str, expected: list[str]) -> None:
    assert found([entry], text) == expected


def test_contractions_are_cut_like_the_text() -> None:
    assert found(["can't log in"], "I can’t log in", "en") == []  # this test's tokeniser keeps ’ apart
    assert found(["can't log in"], "I can't log in", "en") == ["can't log in"]


def test_the_longest_of_a_field_counts_and_none_within_it() -> None:
    assert found(["nicht", "geht nicht", "geht nicht mehr"], "geht nicht mehr") == ["geht nicht mehr"]
    assert found(["nicht mehr", "geht nicht"], "geht nicht mehr") == ["geht nicht", "nicht mehr"]


def test_fields_are_found_side_by_side() -> None:
    phrases = compile_entries({"de": {"thanks": ["danke"], "irony": ["danke für nichts"]}}, {"de": cut})
    hits = Lexicon(phrases, ["de"]).find(["danke", "fuer", "nichts"])
    assert hits == [Hit("thanks", 0, 1), Hit("irony", 0, 3)]


def test_masks_are_no_words_but_fill_gaps() -> None:
    assert found(["target"], "TARGET target") == ["target"]
    assert found(["wechsle _ zu"], "wechsle von TARGET zu OTHER") == ["wechsle von TARGET zu"]


def test_two_languages_stem_each_its_own() -> None:
    phrases = compile_entries({"de": {"f": ["rechnungen"]}, "en": {"f": ["crashing"]}}, {"de": cut, "en": cut})
    both = Lexicon(phrases, ["de", "en"])
    assert both.find(["rechnung", "crashes"]) == [Hit("f", 0, 1), Hit("f", 1, 2)]


@pytest.mark.parametrize("entry", ["_ kaputt", "kaputt _", "", "ab* kaputt", "*ab"])
def test_bad_entries_are_named(entry: str) -> None:
    with pytest.raises(LexiconError, match="de"):
        compile_entries({"de": {"fault": [entry]}}, {"de": cut})


@given(st.lists(st.sampled_from(["geht", "nicht", "ab", "stuerzt", ".", ",", "TARGET", "0", "zwei", "?"]), max_size=30))
def test_hits_lie_within_the_text_and_in_order(words: list[str]) -> None:
    entries = {"de": {"a": ["geht nicht", "nicht", "stürzt _ ab"], "b": ["<n> _ ab", "geht _ nicht _ ab"]}}
    hits = Lexicon(compile_entries(entries, {"de": cut}), ["de"]).find(words)
    assert [hit.start for hit in hits] == sorted(hit.start for hit in hits)
    assert all(0 <= hit.start < hit.end <= len(words) for hit in hits)
    for field in ("a", "b"):
        ends = [hit.end for hit in hits if hit.field == field]
        assert ends == sorted(set(ends))
