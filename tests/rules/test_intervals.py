"""Times in which routes are quiet, and when they are heard again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from rules.hours import Hours, Window
from rules.intervals import LONGEST, muted_until
from rules.routing import Intervals

BERLIN = ZoneInfo("Europe/Berlin")


def window(name: str, start: int, end: int) -> Hours:
    return Hours(name, BERLIN, ((Window(start * 60, end * 60),),) * 7)


OPEN = {
    "office": window("office", 9, 17),
    "night": window("night", 22, 30),
    "early": window("early", 6, 8),
    "always": Hours("always", BERLIN),
}
OFFICE, NIGHT = Intervals(active=("office",)), Intervals(mute=("night",))


@pytest.mark.parametrize(
    ("intervals", "at", "expected"),
    [
        ((), "03:00", None),
        ((Intervals(),), "03:00", None),
        ((NIGHT,), "21:59", None),
        ((NIGHT,), "22:00", "06:00+1"),
        ((NIGHT,), "05:00", "06:00"),
        ((NIGHT,), "06:00", None),
        ((OFFICE,), "08:59", "09:00"),
        ((OFFICE,), "09:00", None),
        ((OFFICE,), "17:00", "09:00+1"),
        ((Intervals(("night", "early"), ()),), "05:00", "08:00"),  # one after the other
        ((Intervals(("night",), ("early", "office")),), "05:00", "06:00"),
        ((Intervals(("early",), ("early",)),), "07:00", "never"),  # contradicts itself
        ((Intervals(mute=("always",)),), "07:00", "never"),
        ((NIGHT, Intervals()), "23:00", None),  # one of two routes is heard
        ((NIGHT, OFFICE), "07:00", None),
        ((NIGHT, OFFICE), "23:00", "06:00+1"),  # both are quiet until the first is heard
        ((Intervals(mute=("gone",)),), "23:00", None),
        ((Intervals(active=("gone",)),), "23:00", None),
        ((Intervals(active=("gone", "office")),), "23:00", "09:00+1"),
    ],
)
def test_when_somebody_is_heard_again(intervals: tuple[Intervals, ...], at: str, expected: str | None) -> None:
    now = datetime.fromisoformat(f"2026-11-02 {at}").replace(tzinfo=BERLIN)
    until = muted_until(intervals, OPEN, now)
    if expected is None:
        assert until is None
    elif expected == "never":
        assert until == now + LONGEST
    else:
        clock, _, days = expected.partition("+")
        day = now + timedelta(days=int(days or 0))
        assert until == datetime.fromisoformat(f"{day:%Y-%m-%d} {clock}").replace(tzinfo=BERLIN)


def test_a_night_in_which_the_clock_goes_back_is_an_hour_longer() -> None:
    now = datetime(2026, 10, 24, 20, tzinfo=UTC)  # 22:00 in Berlin
    assert muted_until((NIGHT,), OPEN, now) == now + timedelta(hours=9)
