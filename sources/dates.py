"""Dates as feeds write them, read by a strict ladder of known forms: a date that is not understood is no date.

Forms: RFC 822/2822 (two-digit years, names of zones, weekday or seconds missing), RFC 3339 and ISO 8601 (also basic
form, date only, month or year only), asctime and Unix `date`, seconds or milliseconds since 1970, German and English
dates in words ("21. November 2026 14:05 Uhr"), and "21.11.2026 14:05". A time without a zone is taken as UTC.

Names of zones that mean several are read by what feeds use most: IST is India (not Ireland or Israel), BST Britain,
CST, EST, MST and PST North America, AST Atlantic Canada; MEZ and MESZ are CET and CEST. Military letters other than Z
are ignored, as RFC 2822 section 4.3 demands.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
AHEAD = timedelta(hours=24)  # how far a publisher's clock may run ahead before its date is not believed
_LONGEST = 120

_ZONES = (
    "ut=0 utc=0 gmt=0 z=0 wet=0 west=1 bst=1 cet=1 mez=1 met=1 cest=2 mesz=2 mest=2 eet=2 eest=3 msk=3 ist=5.5 sgt=8 "
    "hkt=8 awst=8 jst=9 kst=9 aest=10 aedt=11 nzst=12 nzdt=13 hst=-10 akst=-9 akdt=-8 pst=-8 pdt=-7 mst=-7 mdt=-6 "
    "cst=-6 cdt=-5 est=-5 edt=-4 ast=-4 adt=-3 brt=-3 nst=-3.5 ndt=-2.5 et=-5 ct=-6 mt=-7 pt=-8"
)
_HOURS = {name: float(hours) for name, hours in (zone.split("=") for zone in _ZONES.split())}
_ENGLISH = "january february march april may june july august september october november december"
_GERMAN = "januar februar märz april mai juni juli august september oktober november dezember"
_MONTHS = {name: number for names in (_ENGLISH, _GERMAN) for number, name in enumerate(names.split(), 1)}
_MONTHS |= {name[:3]: number for name, number in _MONTHS.items()}
_MONTHS |= {"sept": 9, "jänner": 1, "feber": 2, "maerz": 3, "mrz": 3}

_ZONE = r"(?:\s*(?P<zone>[+-]\d{2}:?\d{2}|[+-]\d{1,2}|[A-Za-z]{1,5}(?:[+-]\d{2}:?\d{2})?))?(?:\s*\([^()]*\))?"
_TIME = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d{1,9})?)?(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?"
_WEEKDAY = r"(?:[^\W\d_]{2,10}\.?(?:,\s*|\s+))?"
_DAY_FIRST = re.compile(
    rf"{_WEEKDAY}(?P<day>\d{{1,2}})(?:\.|st|nd|rd|th)?[\s-]*(?P<name>[^\W\d_]{{3,9}})[.,]?[\s-]*(?P<year>\d{{4}}|\d{{2}})"
    rf"(?:[,\s]+(?:um\s+|at\s+|-\s+)?{_TIME}(?:\s*Uhr)?{_ZONE})?"
)
_MONTH_FIRST = re.compile(
    rf"{_WEEKDAY}(?P<name>[^\W\d_]{{3,9}})\.?\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>\d{{4}})"
    rf"(?:[,\s]+(?:at\s+)?{_TIME}{_ZONE})?"
)
_ASCTIME = re.compile(
    rf"{_WEEKDAY}(?P<name>[^\W\d_]{{3,9}})\s+(?P<day>\d{{1,2}})\s+{_TIME}{_ZONE}\s+(?P<year>\d{{4}})",
)
_ISO = re.compile(
    r"(?P<year>\d{4})(?:(?P<dash>[-/]?)(?P<month>\d{2})(?:(?P=dash)(?P<day>\d{2})"
    r"(?:[Tt\s]\s*(?P<hour>\d{2}):?(?P<minute>\d{2})(?::?(?P<second>\d{2})(?:[.,]\d{1,9})?)?"
    r"\s*(?P<zone>[+-]\d{2}(?::?\d{2})?|[A-Za-z]{1,5})?)?)?)?"
)
_NUMERIC = re.compile(
    rf"{_WEEKDAY}(?P<day>\d{{1,2}})\.(?P<month>\d{{1,2}})\.(?P<year>\d{{4}}|\d{{2}})"
    rf"(?:[,\s]+(?:um\s+|-\s+)?{_TIME}(?:\s*Uhr)?{_ZONE})?"
)
_EPOCH = re.compile(r"\d{9,10}(?:\.\d{1,9})?|\d{12,13}")
# The two forms that nearly every feed has, whole; what they are not sure of goes down the ladder.
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-](?:0\d|1[0-5]):[0-5]\d)")
_RFC2822 = re.compile(
    r"[A-Z][a-z]{2}, (\d\d?) ([A-Z][a-z]{2}) (\d{4}) (\d\d:\d\d:\d\d) (?:GMT|([+-](?:0\d|1[0-5])[0-5]\d))"
)
_FORMS = (_ISO, _DAY_FIRST, _ASCTIME, _MONTH_FIRST, _NUMERIC)


def parse_date(raw: str, now: datetime, zone: tzinfo = UTC) -> datetime | None:
    """Return the time in UTC, or None where raw is no known form or no real date (31 February, year 0).

    `now` decides the century of a two-digit year: never more than a year ahead. A time without a zone is one of `zone`.
    """
    if (common := _common(raw)) is not None:
        return common
    text = " ".join(raw[: 2 * _LONGEST].split())
    if not text or len(text) > _LONGEST:
        return None
    if _EPOCH.fullmatch(text):
        return _from_epoch(text)
    for form in _FORMS:
        if match := form.fullmatch(text):
            return _build(match.groupdict().get, now, zone)
    return None


def _common(raw: str) -> datetime | None:
    """The time of one of the two commonest forms; None: it is another, or no time that there is."""
    try:
        if _RFC3339.fullmatch(raw):
            return datetime.fromisoformat(raw).replace(microsecond=0).astimezone(UTC)
        if match := _RFC2822.fullmatch(raw):
            day, name, year, time, offset = match.groups()
            written = f"{year}-{_MONTHS[name.lower()]:02}-{day:0>2}T{time}{offset or '+0000'}"
            return datetime.fromisoformat(written).astimezone(UTC)
    except (ValueError, KeyError, OverflowError):
        return None
    return None


def published(raw: str | None, fetched: datetime) -> tuple[datetime, bool]:
    """Return when an item was published and whether it said so; never later than `fetched`.

    Missing, unreadable, before 1990 or more than a day ahead: (fetched, False). A little ahead: (fetched, True).
    """
    return believed(parse_date(raw, fetched) if raw else None, fetched)


def believed(when: datetime | None, fetched: datetime) -> tuple[datetime, bool]:
    """As `published`, of a date that was read already."""
    if when is None or when < EARLIEST or when > fetched + AHEAD:
        return fetched, False
    return min(when, fetched), True


def _from_epoch(text: str) -> datetime:
    number = float(text)
    return datetime.fromtimestamp(number / 1000 if len(text) >= 12 and "." not in text else number, UTC)


def _build(part: Callable[[str], str | None], now: datetime, local_zone: tzinfo) -> datetime | None:
    """Return the time made of the named parts of a match; None where one is out of range."""
    written = part("zone")
    zone = _zone(written) if written else local_zone
    name = part("name")
    month = _MONTHS.get(name.lower()) if name else int(part("month") or 1)
    if zone is None or month is None:
        return None
    try:
        local = datetime(_year(part("year") or "", now), month, int(part("day") or 1), tzinfo=zone)
        return (local + _clock(part)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _clock(part: Callable[[str], str | None]) -> timedelta:
    """Return the time of day; 24:00 and a leap second are allowed, as ISO 8601 and RFC 3339 do. Raises ValueError."""
    hour, minute, second = (int(part(name) or 0) for name in ("hour", "minute", "second"))
    if half := part("half"):
        if not 1 <= hour <= 12:
            raise ValueError("hour")
        hour = hour % 12 + (12 if half in "pP" else 0)
    if minute > 59 or second > 60 or hour > 24 or (hour == 24 and (minute or second)):
        raise ValueError("time of day")
    return timedelta(hours=hour, minutes=minute, seconds=min(second, 59))


def _year(text: str, now: datetime) -> int:
    if len(text) > 2:
        return int(text)
    year = int(text) + now.year // 100 * 100
    return year if year <= now.year + 1 else year - 100


def _zone(text: str) -> timezone | None:
    """Return the offset; None where it is none. An unknown military letter is UTC."""
    named = text.rstrip("0123456789:+-").lower()
    offset = text[len(named) :]
    if named and named not in _HOURS and len(named) > 1:
        return None
    if not offset:
        return timezone(timedelta(hours=_HOURS.get(named, 0)))
    return _offset(offset)


def _offset(text: str) -> timezone | None:
    digits = text[1:].replace(":", "")
    hours, minutes = int(digits[:2]), int(digits[2:] or 0)
    if hours > 15 or minutes > 59:
        return None
    return timezone(timedelta(hours=hours, minutes=minutes) * (-1 if text[0] == "-" else 1))
