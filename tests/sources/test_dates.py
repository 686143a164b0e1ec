"""The ladder of date forms: read what is known, invent nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.dates import parse_date, published

_NOW = datetime(2026, 11, 21, 21, 0, tzinfo=UTC)

_READ = [
    ("Sat, 21 Nov 2026 14:05:09 +0100", "2026-11-21T13:05:09"),
    ("Sat, 21 Nov 2026 14:05 GMT", "2026-11-21T14:05:00"),
    ("21 Nov 2026 14:05:00", "2026-11-21T14:05:00"),
    ("Sat,21 Nov 2026 14:05:00 +01:00 (CET)", "2026-11-21T13:05:00"),
    ("Sat, 21 Nov 26 14:05:00 Z", "2026-11-21T14:05:00"),
    ("Thu, 01 Jan 98 19:48:21 EST", "1998-01-02T00:48:21"),
    ("Thu, 5 Sept 2024 10:00:00 PDT", "2024-09-05T17:00:00"),
    ("21-Nov-2026 14:05:00", "2026-11-21T14:05:00"),
    ("Sat, 21 Nov 2026 14:05:00 A", "2026-11-21T14:05:00"),
    ("Sat, 21 Nov 2026 14:05:00 GMT+0100", "2026-11-21T13:05:00"),
    ("2026-11-21T14:05:00Z", "2026-11-21T14:05:00"),
    ("2026-11-21T14:05:00.123456+01:00", "2026-11-21T13:05:00"),
    ("2026-11-21T14:05:00+0100", "2026-11-21T13:05:00"),
    ("2026-11-21t14:05z", "2026-11-21T14:05:00"),
    ("2026-11-21 14:05:00 -0500", "2026-11-21T19:05:00"),
    ("2026-11-21", "2026-11-21T00:00:00"),
    ("2026/11/21 14:05", "2026-11-21T14:05:00"),
    ("2026-11", "2026-11-01T00:00:00"),
    ("2026", "2026-01-01T00:00:00"),
    ("20261121T140500Z", "2026-11-21T14:05:00"),
    ("2026-11-20T24:00:00Z", "2026-11-21T00:00:00"),
    ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59"),
    ("1795269900", "2026-11-21T14:05:00"),
    ("1795269900.5", "2026-11-21T14:05:00"),
    ("21. November 2026 14:05", "2026-11-21T14:05:00"),
    ("Samstag, 21. Nov. 2026, 14:05 Uhr", "2026-11-21T14:05:00"),
    ("Sa., 21. November 2026 um 14:05 Uhr MEZ", "2026-11-21T13:05:00"),
    ("3. März 2026", "2026-03-03T00:00:00"),
    ("1. Jänner 2026", "2026-01-01T00:00:00"),
    ("21.11.2026 14:05", "2026-11-21T14:05:00"),
    ("21.11.26", "2026-11-21T00:00:00"),
    ("Sat Nov 21 14:05:00 2026", "2026-11-21T14:05:00"),
    ("Sat Nov 21 14:05:00 CET 2026", "2026-11-21T13:05:00"),
    ("November 21, 2026 2:05 PM", "2026-11-21T14:05:00"),
    ("Nov 21st, 2026 12:05 a.m.", "2026-11-21T00:05:00"),
    ("\n Sat,  21 Nov 2026\t14:05:00 GMT ", "2026-11-21T14:05:00"),
]


@pytest.mark.parametrize(("raw", "expected"), _READ)
def test_reads_known_forms(raw: str, expected: str) -> None:
    parsed = parse_date(raw, _NOW)
    assert parsed is not None
    assert parsed.utcoffset() == timedelta(0)
    assert parsed.replace(microsecond=0).isoformat() == f"{expected}+00:00"


_UNREADABLE = [
    "31 Feb 2026 10:00 GMT", "2026-02-31", "2026-13-01", "0000-00-00T00:00:00Z", "0001-01-01T00:00:00+02:00",
    "9999-12-31T23:59:59-10:00", "2026-11-21T25:00:00Z", "2026-11-21T24:01:00Z", "2026-11-21T14:60:00Z", "yesterday",
    "vor 3 Stunden", "Sat, 21 Nov 2026 14:05:00 XYZ", "Sat, 21 Nov 2026 14:05:00 +9900", "21 Foo 2026", "11/21/2026",
    "12345", "1795269900123456789", "", "   ", "1" * 5000, "November 21, 2026 13:05 PM", "2026-11-21T14:05:00Z foo",
    "99999999999999999999-01-01", "\x00",
]  # fmt: skip


@pytest.mark.parametrize("raw", _UNREADABLE)
def test_f25_rubbish_is_no_date(raw: str) -> None:
    assert parse_date(raw, _NOW) is None
    assert published(raw, _NOW) == (_NOW, False)


@pytest.mark.parametrize(
    ("zone", "hours"),
    [
        ("CET", 1),
        ("CEST", 2),
        ("MEZ", 1),
        ("MESZ", 2),
        ("IST", 5.5),
        ("BST", 1),
        ("CST", -6),
        ("AEST", 10),
        ("EDT", -4),
    ],
)
def test_f25_names_of_zones_mean_what_the_documentation_says(zone: str, hours: float) -> None:
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert parse_date(f"Wed, 01 Jul 2026 12:00:00 {zone}", _NOW) == noon - timedelta(hours=hours)


@pytest.mark.parametrize(
    ("raw", "when", "is_dated"),
    [
        (None, _NOW, False),
        ("2041-01-01T00:00:00Z", _NOW, False),
        ("1989-12-31T23:59:59Z", _NOW, False),
        ("0", _NOW, False),
        ("2026-11-22T20:59:00Z", _NOW, True),
        ("2026-11-22T21:01:00Z", _NOW, False),
        ("1795269900123", datetime(2026, 11, 21, 14, 5, 0, 123000, tzinfo=UTC), True),
        ("1990-01-01T00:00:00Z", datetime(1990, 1, 1, tzinfo=UTC), True),
    ],
)
def test_f25_a_date_is_never_later_than_the_fetch(raw: str | None, when: datetime, is_dated: bool) -> None:
    assert published(raw, _NOW) == (when, is_dated)


@given(st.text() | st.from_regex(r"[0-9]{0,14}[-/. :TZ+A-Za-z0-9,]{0,40}", fullmatch=True))
def test_any_input_is_survived(raw: str) -> None:
    parsed = parse_date(raw, _NOW)
    assert parsed is None or parsed.utcoffset() == timedelta(0)
    assert published(raw, _NOW)[0] <= _NOW


@given(st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2026, 11, 21), timezones=st.just(UTC)))
def test_what_rfc_822_and_iso_write_is_read_back(moment: datetime) -> None:
    whole = moment.replace(microsecond=0)
    assert parse_date(whole.strftime("%a, %d %b %Y %H:%M:%S GMT"), _NOW) == whole
    assert parse_date(whole.isoformat(), _NOW) == whole
    assert parse_date(str(int(whole.timestamp()) * 1000), _NOW) == whole
