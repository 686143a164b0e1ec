"""Which words set one group of texts apart from another."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.preview import everyday_words
from rules.salience import CLEAR, LIKELY, Salient, Words, buyers_words, contrast, merge, suggest, words_of

FILLERS = ["und das ist so", "die Leute und der Tag", "das war und ist die Frage", "ich und du und der Rest"]
ADVERTS = [f"Acme Rabatt Gutschein {filler}" for filler in FILLERS * 5]
PEOPLE = [f"mein Acme brummt {filler}" for filler in FILLERS * 5]

texts = st.lists(st.text(alphabet="abc äöü", max_size=30), max_size=12)


def found(words: Sequence[Salient]) -> list[str]:
    return [word.word for word in words]


@pytest.fixture(scope="module")
def everyday() -> list[Words]:
    return everyday_words()


def test_words_of_one_group_come_out_and_words_of_both_do_not() -> None:
    assert found(contrast(words_of(ADVERTS), words_of(PEOPLE))) == ["gutschein", "rabatt"]
    assert found(contrast(words_of(PEOPLE), words_of(ADVERTS))) == ["brummt", "mein"]


def test_the_score_is_that_of_the_paper() -> None:
    first, second = words_of(["x1 yy"] * 30 + ["yy zz"] * 10), words_of(["x1 zz"] * 5 + ["yy zz"] * 35)
    prior_words = 0.1 * 160  # the prior weighs a tenth of all words
    prior = prior_words * 35 / 160
    here, there = 30 + prior, 5 + prior
    log_odds = math.log(here / (80 + prior_words - here)) - math.log(there / (80 + prior_words - there))
    [word] = contrast(first, second)
    assert (word.word, word.texts, word.others) == ("x1", 30, 5)
    assert word.z == pytest.approx(log_odds / math.sqrt(1 / here + 1 / there))


def test_the_score_changes_its_sign_with_the_sides() -> None:
    first, second = words_of(["aa bb"] * 9 + ["bb"]), words_of(["aa bb"] * 3 + ["bb"] * 7)
    there = {word.word: word.z for word in contrast(first, second, least=-99)}
    back = {word.word: word.z for word in contrast(second, first, least=-99)}
    assert there == {word: pytest.approx(-z) for word, z in back.items()}


def test_a_word_counts_once_a_text() -> None:
    words = words_of(["Rabatt Rabatt RABATT", "rabatt"])
    assert (words.texts, words.counts) == (2, {"rabatt": 2})


def test_spellings_of_one_word_are_one_and_the_most_frequent_is_shown() -> None:
    words = words_of(["Müller", "müller", "Mueller"])
    assert words.counts == {"mueller": 3}
    assert words.spelling("mueller") == "müller"
    words.add("mueller")
    words.add("Mueller")
    assert words.spelling("mueller") == "mueller"
    assert words.spelling("never met") == "never met"


def test_what_says_nothing_is_not_counted() -> None:
    words = words_of(["a 1 2024 https://example.com/rabatt www.example.com 🔥 #x", "x" * 65, "7up"])
    assert set(words.counts) == {"7up"}


def test_stretches_can_be_left_out() -> None:
    words = Words()
    words.add("Acme Rabatt von Acme", without=[(0, 4), (16, 20)])
    assert set(words.counts) == {"rabatt", "von"}
    words.leave_out(["von", "nobody"])
    assert set(words.counts) == {"rabatt"}


def test_merged_groups_count_like_one() -> None:
    assert merge([words_of(["Grüße an", "an"]), words_of(["Grüße"])]) == words_of(["Grüße an", "an", "Grüße"])


def test_a_word_of_a_single_text_is_left_out() -> None:
    assert contrast(words_of(["einzig", "bb", "cc"]), words_of(["dd"] * 9), least=-99) == []


def test_the_list_is_no_longer_than_asked() -> None:
    first = words_of([" ".join(f"w{number}" for number in range(50))] * 20)
    second = words_of(["other"] * 20)
    assert [word.word for word in contrast(first, second, limit=3, least=-99)] == ["w0", "w1", "w10"]


def test_without_anything_to_compare_with_everyday_words_say_what_is_special(everyday: list[Words]) -> None:
    words = contrast(words_of(ADVERTS), Words(), everyday, least=LIKELY)
    assert set(found(words)) >= {"rabatt", "gutschein", "acme"}
    assert not set(found(words)) & {"und", "das", "ist", "die", "der", "ich"}


def test_stop_words_do_not_come_out_where_one_side_is_german_and_the_other_english(everyday: list[Words]) -> None:
    english = ["my phone and the rest of it", "this is what you get for the money", "it was on the table and it is not"]
    first, second = words_of(ADVERTS), words_of(english * 20)
    assert not set(found(contrast(first, second, everyday, least=LIKELY))) & {"und", "das", "ist", "die", "der", "ich"}
    german = found(contrast(second, first, everyday, least=LIKELY))
    assert not set(german) & {"the", "and", "of", "it", "is", "my", "you", "for", "was", "on", "this"}


@given(texts, texts)
def test_any_texts_can_be_compared(first: list[str], second: list[str]) -> None:
    for word in contrast(words_of(first), words_of(second), least=-math.inf):
        assert math.isfinite(word.z)
        assert 2 <= word.texts <= len(first)
        assert word.others <= len(second)


@given(texts)
def test_a_group_is_not_set_apart_from_itself(group: list[str]) -> None:
    words = words_of(group)
    assert all(abs(word.z) < 1e-9 for word in contrast(words, words, least=-math.inf))


def test_suggestions_say_what_to_ask_for_and_what_to_exclude() -> None:
    acted_on = [
        f"Acme {word} explodiert, brauche Hilfe {filler}" for word in ("Akku", "Gerät") for filler in FILLERS * 3
    ]
    dismissed = [f"Acme sucht Praktikanten, jetzt bewerben {filler}" for filler in FILLERS * 6]
    suggested = suggest(acted_on, dismissed, terms=["Acme"])
    assert set(found(suggested.additions)) == {"explodiert", "brauche", "hilfe", "akku", "gerät"}
    assert set(found(suggested.exclusions)) == {"sucht", "praktikanten", "jetzt", "bewerben"}
    assert all(word.z >= CLEAR for word in (*suggested.additions, *suggested.exclusions))


def test_the_terms_of_the_query_are_not_suggested() -> None:
    suggested = suggest(["Müller Rückruf hier"] * 20, ["nichts davon"] * 20, terms=["mueller", "rückruf hier"])
    assert found(suggested.additions) == []


def test_nothing_is_suggested_from_nothing() -> None:
    assert suggest([], []).additions == suggest([], []).exclusions == ()
    assert suggest(["ein Text"], []).additions == ()


def test_the_words_that_buyers_use() -> None:
    purchases = [f"suche ein neues Handy, lohnt sich Acme {filler}" for filler in FILLERS * 5]
    others = [f"Acme ist kaputt {filler}" for filler in FILLERS * 10]
    assert set(found(buyers_words(purchases, others))) >= {"suche", "lohnt", "neues", "handy"}
