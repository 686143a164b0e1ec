"""Business hours: windows, breaks, holidays, and the two days of the year on which a clock jumps."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rules.hours import ALWAYS, HORIZON, Hours, Window

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
MORNING, AFTERNOON = Window(9 * 60, 12 * 60 + 30), Window(13 * 60 + 30, 18 * 60)
OFFICE = Hours("office", BERLIN, ((MORNING, AFTERNOON),) * 5 + ((), ()), holidays={date(2026, 12, 25)})
NIGHT = Hours("night", BERLIN, ((Window(22 * 60, 30 * 60),),) * 7)
MINUTE = timedelta(minutes=1)


def local(text: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)


def windows(*parts: tuple[int, int]) -> tuple[tuple[Window, ...], ...]:
    """The same windows, in hours, on every day."""
    return (tuple(Window(start * 60, end * 60) for start, end in parts),) * 7


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-11-02 08:59:59.999999", False),  # a Monday
        ("2026-11-02 09:00", True),
        ("2026-11-02 12:29:59.999999", True),
        ("2026-11-02 12:30", False),  # the break
        ("2026-11-02 13:30", True),
        ("2026-11-02 18:00", False),
        ("2026-11-07 10:00", False),  # a Saturday
        ("2026-12-24 10:00", True),
        ("2026-12-25 10:00", False),  # a holiday on a Friday
    ],
)
def test_office_hours(at: str, expected: bool) -> None:
    assert OFFICE.contains(local(at)) is expected
    assert OFFICE.contains(local(at).astimezone(UTC)) is expected


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-11-02 21:59", False),
        ("2026-11-02 22:00", True),
        ("2026-11-03 00:00", True),
        ("2026-11-03 05:59", True),
        ("2026-11-03 06:00", False),
    ],
)
def test_a_window_over_midnight(at: str, expected: bool) -> None:
    assert NIGHT.contains(local(at)) is expected


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_starts() -> None:
    friday = Hours("friday", BERLIN, ((), (), (), (), (Window(22 * 60, 30 * 60),), (), ()))
    assert not friday.contains(local("2026-11-06 05:00"))
    assert friday.contains(local("2026-11-07 05:00"))
    closed = Hours("closed", BERLIN, NIGHT.week, holidays={date(2026, 11, 6)})
    assert not closed.contains(local("2026-11-07 05:00"))
    assert closed.contains(local("2026-11-06 05:00"))


def test_a_window_to_24_00_ends_with_the_day_and_joins_the_next() -> None:
    late = Hours("late", BERLIN, windows((18, 24)))
    assert late.contains(local("2026-11-02 23:59:59"))
    assert not late.contains(local("2026-11-03 00:00"))
    both = Hours("both", BERLIN, windows((0, 6), (18, 24)))
    assert both.next_change(local("2026-11-02 19:00")) == local("2026-11-03 06:00")


@pytest.mark.parametrize(
    ("days", "at", "expected"),
    [
        ((1, 1), "2026-11-01", True),
        ((1, 1), "2026-11-02", False),
        ((-1, -1), "2026-11-30", True),
        ((-1, -1), "2026-11-29", False),
        ((-3, -1), "2028-02-27", True),  # of 29
        ((-3, -1), "2028-02-26", False),
        ((28, 31), "2026-02-28", True),
        ((31, 31), "2026-11-30", False),  # a month without a 31st has none
        ((20, -1), "2026-02-20", True),
        ((1, -1), "2026-02-14", True),
    ],
)
def test_days_of_the_month(days: tuple[int, int], at: str, expected: bool) -> None:
    assert Hours("month", BERLIN, days_of_month=(days,)).contains(local(at)) is expected


def test_months_years_and_days_must_all_hold() -> None:
    hours = Hours("rare", BERLIN, months=((5, 8), (12, 12)), years=((2027, 2028),), days_of_month=((1, 7), (-1, -1)))
    assert hours.contains(local("2027-05-31"))
    assert hours.contains(local("2028-12-03"))
    assert not hours.contains(local("2026-12-03"))
    assert not hours.contains(local("2027-09-03"))
    assert not hours.contains(local("2027-06-15"))


def test_the_zone_decides_what_day_it_is() -> None:
    monday = Hours("monday", NEW_YORK, (*ALWAYS[:1], (), (), (), (), (), ()))
    assert monday.contains(local("2026-11-03 05:59"))  # 23:59 in New York
    assert not monday.contains(local("2026-11-03 06:00"))


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-11-02 08:00", "2026-11-02 09:00"),
        ("2026-11-02 09:00", "2026-11-02 12:30"),
        ("2026-11-02 12:30", "2026-11-02 13:30"),
        ("2026-11-06 18:00", "2026-11-09 09:00"),
        ("2026-12-24 18:00", "2026-12-28 09:00"),  # a holiday and a weekend
    ],
)
def test_the_next_change(at: str, expected: str) -> None:
    changed = OFFICE.next_change(local(at))
    assert changed == local(expected)
    assert changed.tzinfo is UTC


def test_what_never_changes_says_so() -> None:
    assert Hours("always", BERLIN).next_change(local("2026-11-02 08:00")) is None
    assert Hours("past", BERLIN, years=((2020, 2021),)).next_change(local("2026-11-02 08:00")) is None
    assert Hours("never", BERLIN, ((),) * 7).next_change(local("2026-11-02 08:00")) is None


def test_what_opens_rarely_is_found() -> None:
    leap = Hours("leap", BERLIN, months=((2, 2),), days_of_month=((29, 29),))
    assert leap.next_change(local("2026-11-02 08:00")) == local("2028-02-29 00:00")


@pytest.mark.parametrize(
    ("start", "minutes", "expected"),
    [
        ("2026-11-02 09:00", 60, "2026-11-02 10:00"),
        ("2026-11-02 12:00", 60, "2026-11-02 14:00"),  # over the break
        ("2026-11-02 17:30", 30, "2026-11-02 18:00"),  # to the last minute
        ("2026-11-02 17:30", 31, "2026-11-03 09:01"),
        ("2026-11-06 17:55", 60, "2026-11-09 09:55"),  # over the weekend
        ("2026-11-07 03:00", 60, "2026-11-09 10:00"),
        ("2026-12-24 17:30", 60, "2026-12-28 09:30"),  # over a holiday
        ("2026-11-02 20:00", 0, "2026-11-03 09:00"),
        ("2026-11-02 09:00", 8 * 60 * 10, "2026-11-13 18:00"),
    ],
)
def test_business_time_is_added(start: str, minutes: int, expected: str) -> None:
    due = OFFICE.add_business(local(start), minutes * MINUTE)
    assert due == local(expected)
    assert OFFICE.business_between(local(start), due) == minutes * MINUTE


def test_business_time_that_never_comes_ends_with_the_horizon() -> None:
    start = local("2026-11-02 08:00")
    assert Hours("never", BERLIN, ((),) * 7).add_business(start, MINUTE) == start + HORIZON
    assert OFFICE.business_between(start, start - timedelta(days=30)) == timedelta()


def test_the_day_on_which_the_clock_goes_forward_in_berlin() -> None:
    """2026-03-29 02:00 becomes 03:00."""
    assert NIGHT.business_between(local("2026-03-28 12:00"), local("2026-03-29 12:00")) == timedelta(hours=7)
    assert NIGHT.next_change(local("2026-03-28 23:00")) == local("2026-03-29 06:00")
    skipped = Hours("skipped", BERLIN, windows((2, 3)))
    assert skipped.next_change(local("2026-03-28 12:00")) == local("2026-03-30 02:00")
    into = Hours("into", BERLIN, ((Window(150, 300),),) * 7)  # 02:30-05:00
    assert into.next_change(local("2026-03-28 12:00")) == local("2026-03-29 03:00")
    assert into.business_between(local("2026-03-29 00:00"), local("2026-03-30 00:00")) == timedelta(hours=2)
    assert NIGHT.add_business(local("2026-03-28 22:00"), timedelta(hours=7)) == local("2026-03-29 06:00")


def test_the_day_on_which_the_clock_goes_back_in_berlin() -> None:
    """2026-10-25 03:00 becomes 02:00."""
    assert NIGHT.business_between(local("2026-10-24 12:00"), local("2026-10-25 12:00")) == timedelta(hours=9)
    twice = Hours("twice", BERLIN, ((Window(120, 150),),) * 7)  # 02:00-02:30
    first, second = local("2026-10-25 02:10"), local("2026-10-25 02:10", fold=1)
    assert twice.contains(first)
    assert not twice.contains(local("2026-10-25 02:40"))
    assert twice.contains(second)
    assert twice.next_change(first) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert twice.next_change(datetime(2026, 10, 25, 0, 40, tzinfo=UTC)) == datetime(2026, 10, 25, 1, 0, tzinfo=UTC)
    assert twice.business_between(local("2026-10-25 00:00"), local("2026-10-26 00:00")) == timedelta(hours=1)


def test_both_days_in_new_york() -> None:
    night = Hours("night", NEW_YORK, NIGHT.week)
    forward = night.business_between(local("2026-03-07 12:00", NEW_YORK), local("2026-03-08 12:00", NEW_YORK))
    back = night.business_between(local("2026-10-31 12:00", NEW_YORK), local("2026-11-01 12:00", NEW_YORK))
    assert (forward, back) == (timedelta(hours=7), timedelta(hours=9))
    office = Hours("office", NEW_YORK, windows((9, 17)))
    assert office.next_change(local("2026-03-07 18:00", NEW_YORK)) == datetime(2026, 3, 8, 13, tzinfo=UTC)
    assert office.next_change(local("2026-10-31 18:00", NEW_YORK)) == datetime(2026, 11, 1, 14, tzinfo=UTC)


def test_a_clock_that_jumps_at_midnight() -> None:
    """Havana, 2026-11-01: 01:00 becomes 00:00, so that its first hour comes twice."""
    havana = ZoneInfo("America/Havana")
    early = Hours("early", havana, windows((0, 2), (22, 24)))
    day = early.business_between(local("2026-10-31 22:00", havana), local("2026-11-01 22:00", havana))
    assert day == timedelta(hours=5)
    assert early.next_change(local("2026-10-31 22:00", havana)) == local("2026-11-01 02:00", havana)


ZONES = ("Europe/Berlin", "America/New_York", "America/Havana", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")
STARTS = st.sampled_from([date(2026, 3, 28), date(2026, 10, 24), date(2026, 11, 1), date(2026, 4, 4), date(2026, 6, 1)])
WEEKS = st.lists(
    st.lists(st.builds(lambda a, b: Window(15 * a, 15 * (a + b)), st.integers(0, 95), st.integers(1, 96)), max_size=3),
    min_size=7,
    max_size=7,
).map(lambda week: tuple(tuple(sorted(day)) for day in week))


@settings(max_examples=60, deadline=None)
@given(zone=st.sampled_from(ZONES), week=WEEKS, day=STARTS, minute=st.integers(0, 1440))
@example(zone="America/Havana", week=((Window(0, 120), Window(1320, 1470)),) * 7, day=date(2026, 11, 1), minute=0)
def test_every_answer_agrees_with_looking_minute_by_minute(
    zone: str, week: tuple[tuple[Window, ...], ...], day: date, minute: int
) -> None:
    hours = Hours("any", ZoneInfo(zone), week)
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) + minute * MINUTE
    states = [hours.contains(start + n * MINUTE) for n in range(2 * 1440)]
    changed = next((n for n, state in enumerate(states) if state != states[0]), None)
    if changed is not None:
        assert hours.next_change(start) == start + changed * MINUTE
    end = start + len(states) * MINUTE
    assert hours.business_between(start, end) == sum(states) * MINUTE
    if any(states):
        third = max(sum(states) // 3, 1)
        due = hours.add_business(start, third * MINUTE)
        assert hours.business_between(start, due) == third * MINUTE
        assert hours.contains(due - MINUTE)
