"""Values from JSON of strangers."""

from __future__ import annotations

import pytest

from sources import shape
from sources.base import JSON, SourceError

ANSWER: JSON = {"a": {"n": 3, "s": "x", "list": [{"id": 1}, "no", {"id": "2"}], "t": True}, "null": None}


def test_a_path_that_breaks_off_leads_nowhere() -> None:
    assert shape.find(ANSWER, "a", "list", 0, "id") == 1
    assert shape.find(ANSWER, "a", "list", -1, "id") == "2"
    for path in (("a", "b"), ("a", "n", "x"), ("a", "list", 9), ("a", 0), ("null", "x")):
        assert shape.find(ANSWER, *path) is None


def test_another_type_counts_as_not_there() -> None:
    assert shape.text(ANSWER, "a", "n") == ""
    assert shape.whole(ANSWER, "a", "t") is None
    assert shape.whole("007") == 7
    assert shape.whole("9" * 30) is None
    assert shape.number(10**400) is None
    assert shape.number(float("nan")) is None
    assert shape.number(4.5) == 4.5
    assert shape.flag(ANSWER, "a", "t") is True
    assert shape.flag(ANSWER, "a", "n") is None
    assert shape.item(ANSWER, "null") == {}
    assert shape.items(ANSWER, "a", "list") == [{"id": 1}, {"id": "2"}]
    assert shape.items(ANSWER, "a", "s") == []


def test_references_have_the_form_of_ids() -> None:
    assert shape.reference(ANSWER, "a", "n") == "3"
    assert shape.reference({"id": 0}, "id") is None
    assert shape.reference(True) is None
    assert len(shape.reference("x" * 9999) or "") == 32


def test_counts_add_up() -> None:
    assert shape.counted({"likes": 2, "replies": "3", "views": None}, "likes", "replies", "views") == 5
    assert shape.counted({}, "likes") is None


def test_moments_that_no_calendar_has() -> None:
    assert shape.moment(0) is not None
    for seconds in (None, -1, 1e18):
        assert shape.moment(seconds) is None


def test_a_list_that_is_not_there_is_a_changed_shape() -> None:
    assert shape.listed(ANSWER, "a", "list") == [{"id": 1}, {"id": "2"}]
    with pytest.raises(SourceError, match=r"no list `a\.s`"):
        shape.listed(ANSWER, "a", "s")


def test_items_that_cannot_be_read_are_told_of() -> None:
    assert list(shape.usable([{}, {}], [None, 1], "posts")) == ["1 posts could not be read and were left out"]
    assert list(shape.usable([], [], "posts")) == []
    with pytest.raises(SourceError, match="posts"):
        list(shape.usable([{}], [None], "posts"))
