"""Passes through what is given newest first: where they end, what they keep, what they own up to."""

from __future__ import annotations

import json
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from sources.base import Cursor
from sources.walk import Place, Walk
from tests.fakes import START

NOW = int(START.timestamp())
DAY = timedelta(days=1)


def pages_of(held: list[int], size: int, cursor: Cursor, backlog: timedelta = DAY) -> tuple[list[list[int]], Cursor]:
    """One pass through items whose position is their time, as an API gives them: `next` included, newest first."""
    read: list[list[int]] = []
    while True:
        walk = Walk.resume(cursor, START, backlog)
        asked = sorted((each for each in held if walk.next is None or each <= walk.next), reverse=True)
        shown = asked[:size]
        cursor, more, _ = walk.step([Place(each, each) for each in shown], follows=len(asked) > size)
        cursor = json.loads(json.dumps(cursor))
        read.append(shown)
        if not more:
            return read, cursor


def test_a_first_pass_ends_at_the_backlog_and_keeps_its_bound() -> None:
    held = list(range(NOW - 3 * 86400, NOW, 3600))
    read, cursor = pages_of(held, 10, {})
    assert cursor == {"floor": held[-1]}
    assert max(read[-1]) < NOW - 86400 <= max(read[-2])
    assert len(read) == 4  # 24 items, pages of 9 new ones each, and the one that lies before the backlog


def test_an_empty_server_keeps_the_bound_of_the_first_pass() -> None:
    _, cursor = pages_of([], 10, {})
    assert cursor == {"since": NOW - 86400}


def test_a_pass_that_is_broken_off_does_not_move_the_floor() -> None:
    walk = Walk.resume({"floor": NOW - 100}, START, DAY)
    cursor, more, _ = walk.step([Place(NOW - n, NOW - n) for n in range(10)], follows=True)
    assert more
    assert cursor == {"floor": NOW - 100, "top": NOW, "next": NOW - 9}


def test_one_pinned_item_ends_nothing() -> None:
    walk = Walk.resume({"floor": NOW - 100}, START, DAY)
    places = [Place(5, 5), *(Place(NOW - n, NOW - n) for n in range(10))]
    cursor, more, _ = walk.step(places, follows=True)
    assert more
    assert cursor["next"] == NOW - 9


def test_a_full_page_that_goes_no_further_back_is_a_gap_and_stepped_over() -> None:
    walk = Walk(floor=10, top=50, next=40)
    cursor, more, gaps = walk.step([Place(40, 40)] * 5, follows=True)
    assert (cursor["next"], more, len(gaps)) == (39, True, 1)


def test_the_api_s_own_name_of_a_place_goes_along_and_ends_no_pass() -> None:
    walk = Walk(floor=10, top=50, next=40, page="a")
    cursor, more, gaps = walk.step([Place(40, 40)] * 5, follows=True, page="b")
    assert (cursor["page"], more, gaps) == ("b", True, ())
    _, _, gaps = Walk(floor=10, top=50, next=40, page="b").step([Place(40, 40)] * 5, follows=True, page="b")
    assert gaps  # the same place twice: it leads nowhere


def test_the_overlap_is_read_again() -> None:
    walk = Walk.resume({"floor": 100}, START, DAY)
    assert walk.step([Place(95, 95)], overlap=10, follows=True)[1]
    assert not walk.step([Place(85, 85)], overlap=10, follows=True)[1]


@given(
    st.lists(st.integers(NOW - 50_000, NOW), unique=True, min_size=1, max_size=60),
    st.lists(st.integers(NOW + 1, NOW + 1000), unique=True, max_size=60),
    st.integers(2, 20),
)
def test_whatever_arrives_between_two_passes_is_read(before: list[int], after: list[int], size: int) -> None:
    _, cursor = pages_of(before, size, {})
    read, end = pages_of(before + after, size, cursor)
    assert set(after) <= {each for page in read for each in page}
    assert end == {"floor": max(before + after)}
