"""The lexicon that ships: enough of everything, and all of it can be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from monitor.fields import SHIPPED_LEXICON, build_lexicon, read_entries
from rules.lexicon import LexiconError

LANGUAGES = ("de", "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_are_thousands_of_entries(language: str) -> None:
    [fields] = read_entries(SHIPPED_LEXICON, [language]).values()
    entries = [entry for alike in fields.values() for entry in alike]
    assert len(entries) >= 4_000
    assert sum(" " in entry for entry in entries) >= 1_000
    assert all(len(set(alike)) == len(alike) >= 20 for alike in fields.values())
    assert [entry for entry in entries if entry != entry.lower()] == []


def test_both_languages_have_the_same_fields() -> None:
    german, english = (read_entries(SHIPPED_LEXICON, [language])[language] for language in LANGUAGES)
    assert list(german) == list(english)
    assert len(german) >= 40


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_entries_can_be_read(language: str) -> None:
    lexicon = build_lexicon(SHIPPED_LEXICON, [language])
    assert lexicon.languages == (language,)


def test_a_language_without_a_folder_has_no_lexicon() -> None:
    assert build_lexicon(SHIPPED_LEXICON, ["fr"]).find(["bonjour"]) == []


def test_a_bad_entry_is_named(tmp_path: Path) -> None:
    (tmp_path / "de").mkdir()
    (tmp_path / "de" / "fault.txt").write_text("# what is broken\nkaputt _\n", encoding="utf-8")
    with pytest.raises(LexiconError, match=r"de/fault: 'kaputt _'"):
        build_lexicon(tmp_path, ["de"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_entry_finds_any_number(language: str) -> None:
    """Digits are all alike: `404` would find every number of three digits, `8/10` also 1/10."""
    [fields] = read_entries(SHIPPED_LEXICON, [language]).values()
    entries = [entry for alike in fields.values() for entry in alike]
    assert [entry for entry in entries if re.fullmatch(r"\d+|\d/\d+", entry)] == []
