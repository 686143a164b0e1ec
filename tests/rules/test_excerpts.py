"""Long texts are read as a whole and around the names."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from rules.excerpts import LONG, excerpts

FILLER = "Am Dienstag tagte der Rat der Stadt über den Haushalt. "


def test_a_short_text_is_read_as_it_is() -> None:
    text = "TARGET ist kaputt. " * 20
    assert excerpts(text[:LONG]) == [text[:LONG]]


def test_a_name_in_the_last_paragraph_gets_a_reading_of_its_own() -> None:
    text = FILLER * 40 + "Der Akku von TARGET ist gestern explodiert. Zwei Verletzte."
    whole, passage = excerpts(text)
    assert whole == text
    assert "TARGET ist gestern explodiert. Zwei Verletzte." in passage
    assert passage.startswith("Am Dienstag")
    assert len(passage) < 700


def test_names_side_by_side_share_a_passage_and_two_passages_are_enough() -> None:
    text = ("TARGET hier, TARGET dort. " + FILLER * 30) * 5
    _, *passages = excerpts(text)
    assert len(passages) == 2
    assert passages[0].count("TARGET") >= 2


def test_without_a_name_the_start_is_read() -> None:
    _, start = excerpts(FILLER * 40)
    assert start.startswith("Am Dienstag")
    assert start.endswith(". ")


@given(st.text(alphabet="TARGET .!?\nab", min_size=LONG, max_size=3 * LONG))
def test_every_excerpt_is_a_part_of_the_text(text: str) -> None:
    whole, *passages = excerpts(text)
    assert whole == text
    assert all(passage in text and passage for passage in passages)


def test_time_is_bounded() -> None:
    started = time.process_time()
    excerpts("TARGET" * 700)
    excerpts("." * 4000)
    assert time.process_time() - started < 0.5
