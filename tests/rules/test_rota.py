"""Who is on call, week by week, over both changes of the clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from rules.rota import Override, Rota

BERLIN = ZoneInfo("Europe/Berlin")
ROTA = Rota(("Kim", "Sascha", "Robin"), 0, time(9), date(2026, 10, 5), BERLIN)


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "name"),
    [
        ("2026-10-05 09:00", "Kim"),
        ("2026-10-12 08:59", "Kim"),
        ("2026-10-12 09:00", "Sascha"),
        ("2026-10-19 09:00", "Robin"),
        ("2026-10-26 08:59", "Robin"),  # the clocks went back the night before: the week had an hour more
        ("2026-10-26 09:00", "Kim"),
        ("2027-03-29 08:59", "Kim"),  # and here one less
        ("2027-03-29 09:00", "Sascha"),
        ("2026-10-05 08:59", "Robin"),  # before the start it runs backwards
        ("2026-09-20 12:00", "Kim"),
    ],
)
def test_the_handover_is_on_the_wall_clock(at: str, name: str) -> None:
    assert ROTA.on_call(berlin(at)) == name


@pytest.mark.parametrize("start", [date(2026, 10, 6), date(2026, 10, 9), date(2026, 10, 12)])
def test_the_first_begins_with_the_first_handover_from_the_start_on(start: date) -> None:
    rota = Rota(("Kim", "Sascha"), 0, time(9), start, BERLIN)
    assert rota.on_call(berlin("2026-10-12 09:00")) == "Kim"
    assert rota.on_call(berlin("2026-10-12 08:59")) == "Sascha"


def test_a_handover_in_the_hour_that_is_skipped_or_shown_twice_happens_once() -> None:
    rota = Rota(("Kim", "Sascha"), 6, time(2, 30), date(2026, 10, 18), BERLIN)  # Sundays at half past two
    assert rota.on_call(datetime(2026, 10, 25, 0, 29, tzinfo=UTC)) == "Kim"  # 02:29, the first time
    assert rota.on_call(datetime(2026, 10, 25, 0, 30, tzinfo=UTC)) == "Sascha"
    assert rota.on_call(datetime(2026, 10, 25, 1, 29, tzinfo=UTC)) == "Sascha"  # 02:29, the second time
    weeks = (date(2027, 3, 28) - date(2026, 10, 18)).days // 7
    before, after = ("Kim", "Sascha")[(weeks - 1) % 2], ("Kim", "Sascha")[weeks % 2]
    assert rota.on_call(datetime(2027, 3, 28, 0, 59, tzinfo=UTC)) == before
    assert rota.on_call(datetime(2027, 3, 28, 1, 30, tzinfo=UTC)) == after


def test_an_override_counts_from_its_start_to_before_its_end() -> None:
    absent = Override(berlin("2026-10-07 00:00"), berlin("2026-10-08 12:00"), "Alex")
    again = Override(berlin("2026-10-08 00:00"), berlin("2026-10-09 00:00"), "Robin")
    rota = Rota(ROTA.rotation, ROTA.weekday, ROTA.handover, ROTA.start, BERLIN, (absent, again))
    named = [
        rota.on_call(berlin(f"2026-10-{at}")) for at in ("06 23:59", "07 00:00", "08 11:59", "08 12:00", "09 00:00")
    ]
    assert named == ["Kim", "Alex", "Alex", "Robin", "Kim"]


def test_one_person_is_always_on_call() -> None:
    assert Rota(("Kim",), 4, time(18), date(2026, 1, 1), UTC).on_call(berlin("2031-07-07 07:07")) == "Kim"
