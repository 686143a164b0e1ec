"""docs/faults.md maps faults to tests: those it names exist, and those that bear a fault's number are named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
WANTED = set(range(1, 41))


def _sections() -> dict[int, str]:
    """The text below `## 14. ...`, by number."""
    pieces = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    return {int(found[1]): piece for piece in pieces if (found := re.match(r"(\d+)\. ", piece))}


def _named(section: str) -> set[tuple[str, str]]:
    """(file, test) of lines such as: - `tests/monitor/test_crash.py`: `test_f1_...`, `test_...`"""
    lines = re.findall(r"^- `(tests/[\w/]+\.py)`: (.*)$", section, re.MULTILINE)
    return {(path, name) for path, names in lines for name in re.findall(r"`(test_\w+)`", names)}


def _written() -> set[tuple[str, str]]:
    """(file, test) of every test there is."""
    found = set()
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        names = re.findall(r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
        found |= {(str(path.relative_to(ROOT)), name) for name in names}
    return found


def _numbers(name: str) -> set[int]:
    """{1, 2, 3} of test_f1_f2_f3_kills_at_named_points."""
    found = re.match(r"test((?:_f\d+)+)(?:_|$)", name)
    return {int(number) for number in re.findall(r"\d+", found[1])} if found else set()


SECTIONS = _sections()
WRITTEN = _written()


def test_every_fault_that_must_be_survived_has_its_section() -> None:
    assert set(SECTIONS) >= WANTED


@pytest.mark.parametrize("number", sorted(SECTIONS))
def test_every_test_that_a_section_names_exists(number: int) -> None:
    named = _named(SECTIONS[number])
    assert named
    assert named - WRITTEN == set()


def test_every_test_that_bears_a_number_is_named_there() -> None:
    missing = {
        (number, *test)
        for test in WRITTEN
        for number in _numbers(test[1])
        if test not in _named(SECTIONS.get(number, ""))
    }
    assert sorted(missing) == []


@pytest.mark.parametrize("number", sorted(WANTED))
def test_every_fault_has_a_test_that_bears_its_number(number: int) -> None:
    assert any(number in _numbers(name) for _, name in _named(SECTIONS[number]))
