"""Personal data, found and not found: a labelled set in German and English (tests/data/personal)."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.base import Personal, PersonalKind, Span
from rules.personal import find

DATA = Path(__file__).parents[1] / "data" / "personal"
_MARK = re.compile(r"\[\[(.+?\]?)\]\]")


def _lines(name: str) -> list[str]:
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def _held(line: str) -> tuple[str, str, list[tuple[str, int, int]]]:
    """Language, text without its marks, and what stands in them."""
    lang, kind, marked = line.split(" ", 2)
    text, places, end = "", [], 0
    for found in _MARK.finditer(marked):
        text += marked[end : found.start()]
        places.append((kind, len(text), len(text) + len(found[1])))
        text += found[1]
        end = found.end()
    return lang, text + marked[end:], places


def _found(text: str, lang: str | None) -> list[tuple[str, int, int]]:
    return [(one.kind.value, one.span.start, one.span.end) for one in find("", text, lang)]


@pytest.mark.parametrize("line", _lines("held.txt"))
def test_it_is_found_where_it_stands(line: str) -> None:
    lang, text, places = _held(line)
    assert _found(text, lang) == places


@pytest.mark.parametrize("line", _lines("free.txt"))
def test_what_only_looks_like_it_is_left_alone(line: str) -> None:
    lang, text = line.split(" ", 1)
    assert _found(text, lang) == []


def test_the_set_is_as_large_as_the_documentation_says() -> None:
    held = [_held(line) for line in _lines("held.txt")]
    assert {kind for _, _, places in held for kind, _, _ in places} == {kind.value for kind in PersonalKind}
    page = (DATA.parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert f"{len(held)} posts that hold some and {len(_lines('free.txt'))} that do not" in page


def test_places_are_told_by_field_in_the_order_of_the_text() -> None:
    text = "kim@example.com oder 0171/1234567"
    assert find("Tel. 030 23125000", text, "de") == (
        Personal(PersonalKind.PHONE, Span("title", 5, 17)),
        Personal(PersonalKind.MAIL, Span("text", 0, 15)),
        Personal(PersonalKind.PHONE, Span("text", 21, 33)),
    )


def test_a_flood_of_numbers_hides_the_rest_of_the_text(say: Callable[[str], None]) -> None:
    text = "".join(f"0171/{number:07d} und " for number in range(1_000_000, 1_050_000))
    begun = time.process_time()
    found = find("", text, "de")
    say(f"personal data of {len(text):,} characters of numbers: {time.process_time() - begun:.2f} s of processor time")
    assert len(found) <= 201
    assert found[-1].span.end == len(text)


@pytest.mark.parametrize(
    "piece", ["0 ", "a@", "(at)", "DE89 ", "Bestellnummer ", "+49 ", "0171", "x.", "1-", "mail ", "k@a.de "]
)
def test_hostile_repetition_costs_little(piece: str) -> None:
    begun = time.process_time()
    assert len(find("", piece * (200_000 // len(piece)), "de")) <= 202
    assert time.process_time() - begun < 5


@given(st.text(alphabet="0123456789+()-/. @atDE\u00a0\n", max_size=80), st.sampled_from(["de", "en", None]))
def test_places_lie_in_the_text_and_never_overlap(text: str, lang: str | None) -> None:
    end = 0
    for one in find("", text, lang):
        assert end <= one.span.start < one.span.end <= len(text)
        end = one.span.end
