"""Dates as boards print them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.board_dates import board_date

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)  # a Saturday, 13:00 in Berlin


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


@pytest.mark.parametrize(
    ("raw", "when"),
    [
        ("heute, 12:05", "2026-11-21 12:05"),
        ("Heute um 12:05 Uhr", "2026-11-21 12:05"),
        ("Heute 12.05 Uhr", "2026-11-21 12:05"),
        ("Heute", "2026-11-21 00:00"),
        ("gestern, 09:12", "2026-11-20 09:12"),
        ("Gestern um 9:12:30", "2026-11-20 09:12:30"),
        ("vorgestern 23:59", "2026-11-19 23:59"),
        ("Yesterday at 2:05 PM", "2026-11-20 14:05"),
        ("Today, 12:05 a.m.", "2026-11-21 00:05"),
        ("vor 5 Minuten", "2026-11-21 12:55"),
        ("vor einer Stunde", "2026-11-21 12:00"),
        ("vor 2 Std.", "2026-11-21 11:00"),
        ("vor 1 Stunde, 30 Minuten", "2026-11-21 11:30"),
        ("vor 1 Tag und 2 Stunden", "2026-11-20 11:00"),
        ("vor weniger als einer Minute", "2026-11-21 12:59"),
        ("vor etwa 3 Tagen", "2026-11-18 13:00"),
        ("an hour ago", "2026-11-21 12:00"),
        ("5 mins ago", "2026-11-21 12:55"),
        ("gerade eben", "2026-11-21 13:00"),
        ("just now", "2026-11-21 13:00"),
        ("Montag um 14:05", "2026-11-16 14:05"),
        ("Saturday at 2:05 PM", "2026-11-14 14:05"),
        ("Fr, 08:00 Uhr", "2026-11-20 08:00"),
        ("21. November 2026 um 12:05 Uhr", "2026-11-21 12:05"),
        ("21.11.2026, 12:05", "2026-11-21 12:05"),
        ("21.07.2026, 12:05", "2026-07-21 12:05"),  # summer time
        ("Verfasst: Sa 21. Nov 2026, 12:05", "2026-11-21 12:05"),
        ("von Kim » heute, 12:05", "2026-11-21 12:05"),
        ("Geschrieben am 21.11.2026", "2026-11-21 00:00"),
        ("2026-11-21T11:05:00Z", "2026-11-21 12:05"),
        ("2026-11-21 12:05", "2026-11-21 12:05"),
        ("1795259100", "2026-11-21 12:05"),
    ],
)
def test_forms(raw: str, when: str) -> None:
    assert board_date(raw, NOW, BERLIN) == at(when)


@pytest.mark.parametrize(
    ("raw", "form", "when"),
    [
        ("21/11/26 12h05", "%d/%m/%y %Hh%M", "2026-11-21 12:05"),
        ("11-21-2026 12:05 PM", "%m-%d-%Y %I:%M %p", "2026-11-21 12:05"),
        ("21.11. 12:05", "%d.%m. %H:%M", "2026-11-21 12:05"),
        ("24.12. 12:05", "%d.%m. %H:%M", "2025-12-24 12:05"),
        ("21.11.2026 11:05 +0000", "%d.%m.%Y %H:%M %z", "2026-11-21 12:05"),
        ("heute, 12:05", "%d.%m.%Y", "2026-11-21 12:05"),
    ],
)
def test_formats_come_first_and_the_known_forms_after_them(raw: str, form: str, when: str) -> None:
    assert board_date(raw, NOW, BERLIN, (form,)) == at(when)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "bald",
        "2026",
        "Beitrag von 2026",
        "heute, 25:00",
        "vor langer Zeit",
        "vor 5",
        "vor 5 Lichtjahren",
        "12 Antworten 21.11.2026",
        "Montag",
        "x " * 300 + "heute",
        "29.02.2026, 12:00",
    ],
)
def test_what_is_not_understood_is_no_date(raw: str) -> None:
    assert board_date(raw, NOW, BERLIN) is None


@given(st.text(max_size=250))
def test_nothing_raises(raw: str) -> None:
    when = board_date(raw, NOW, BERLIN, ("%d.%m. %H:%M", "%Y"))
    assert when is None or when.tzinfo is UTC
