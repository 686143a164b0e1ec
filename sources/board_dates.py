"""Dates as boards and comment pages print them, German and English, in the time zone of the board.

Beside what sources.dates reads: formats of strptime that the operator gives, "heute, 14:05", "gestern um 9:12 Uhr",
"vor 5 Minuten", "an hour ago", "Montag um 14:05" (the last one), and a few words before a date ("Verfasst: Sa 21. Nov
2026, 14:05"). What counts back from now is as exact as its unit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from sources.dates import parse_date

_LONGEST = 200  # characters
_WORDS_BEFORE = 6

_DAYS = {"heute": 0, "today": 0, "gestern": 1, "yesterday": 1, "vorgestern": 2}
_WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (
            "montag mo monday mon",
            "dienstag di tuesday tue",
            "mittwoch mi wednesday wed",
            "donnerstag do thursday thu",
            "freitag fr friday fri",
            "samstag sonnabend sa saturday sat",
            "sonntag so sunday sun",
        )
    )
    for name in names.split()
}
_NOW = frozenset({"jetzt", "gerade eben", "soeben", "eben", "just now", "now", "moments ago", "a moment ago"})
_UNITS = {
    **dict.fromkeys(("sekunde", "sekunden", "sek", "second", "seconds", "sec", "secs"), timedelta(seconds=1)),
    **dict.fromkeys(("minute", "minuten", "min", "minutes", "mins"), timedelta(minutes=1)),
    **dict.fromkeys(("stunde", "stunden", "std", "hour", "hours", "hr", "hrs"), timedelta(hours=1)),
    **dict.fromkeys(("tag", "tagen", "tage", "day", "days"), timedelta(days=1)),
    **dict.fromkeys(("woche", "wochen", "week", "weeks"), timedelta(weeks=1)),
    **dict.fromkeys(("monat", "monaten", "monate", "month", "months"), timedelta(days=30)),
    **dict.fromkeys(("jahr", "jahren", "jahre", "year", "years"), timedelta(days=365)),
}
_ONE = frozenset({"ein", "eine", "einem", "einen", "einer", "a", "an"})

_AT = r"[\s,]*(?:um|at|-|–|»|\|)?\s*"
_TIME = r"(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2}))?(?:\s*(?P<half>[ap])\.?m\.?)?(?:\s*uhr)?"
_DAY = re.compile(rf"(?P<day>[^\W\d_]+)\.?(?:{_AT}{_TIME})?")
_BACK = re.compile(r"vor (?P<german>.+)|(?P<english>.+) ago")
_ABOUT = re.compile(r"(?:weniger als|etwa|ca\.?|ungefähr|about|almost|less than|over)\s+")
_AMOUNT = re.compile(r"(?P<number>\d{1,4}|[^\W\d_]+)\s*(?P<unit>[^\W\d_]+)\.?(?:\s*,\s*|\s+und\s+|\s+and\s+|\s+|$)")


def board_date(raw: str, now: datetime, zone: tzinfo, formats: Sequence[str] = ()) -> datetime | None:
    """Return the time in UTC, None where it is not understood."""
    text = " ".join(raw[: 2 * _LONGEST].split())
    if not text or len(text) > _LONGEST:
        return None
    for form in formats:
        if (when := _by_format(text, form, now, zone)) is not None:
            return when
    words = text.split(" ")
    for skipped in range(min(len(words), _WORDS_BEFORE + 1)):
        if any(any(map(str.isdigit, word)) for word in words[:skipped]):
            return None  # numbers that are passed over could be part of the date
        if (when := _read(" ".join(words[skipped:]).strip(" ,»|–-"), now, zone)) is not None:
            return when
    return None


def _read(text: str, now: datetime, zone: tzinfo) -> datetime | None:
    lower = text.lower()
    if lower in _NOW:
        return now
    if re.fullmatch(r"\d{4}", lower):  # the end of something else
        return None
    return _days_back(lower, now, zone) or _counted_back(lower, now) or parse_date(text, now, zone)


def _by_format(text: str, form: str, now: datetime, zone: tzinfo) -> datetime | None:
    """A form without a year means the last such day."""
    try:
        if "%y" in form.lower():
            when = datetime.strptime(text, form)
        else:
            year = now.astimezone(zone).year
            when = datetime.strptime(f"{year} {text}", f"%Y {form}")
            if _in_zone(when, zone) > now + timedelta(days=1):
                when = when.replace(year=year - 1)
        return _in_zone(when, zone)
    except (ValueError, OverflowError):
        return None


def _in_zone(when: datetime, zone: tzinfo) -> datetime:
    return (when if when.tzinfo else when.replace(tzinfo=zone)).astimezone(UTC)


def _days_back(text: str, now: datetime, zone: tzinfo) -> datetime | None:
    """Heute, gestern, and days of the week: the last one before today."""
    match = _DAY.fullmatch(text)
    if match is None:
        return None
    today = now.astimezone(zone)
    if match["day"] in _DAYS:
        back = _DAYS[match["day"]]
    elif match["day"] in _WEEKDAYS and match["hour"]:
        back = (today.weekday() - _WEEKDAYS[match["day"]]) % 7 or 7
    else:
        return None
    hour, minute, second = (int(match[name] or 0) for name in ("hour", "minute", "second"))
    if match["half"]:
        hour = hour % 12 + (12 if match["half"] == "p" else 0)
    try:
        local = datetime(today.year, today.month, today.day, hour, minute, second, tzinfo=zone)
    except ValueError:
        return None
    return (local - timedelta(days=back)).astimezone(UTC)


def _counted_back(text: str, now: datetime) -> datetime | None:
    match = _BACK.fullmatch(text)
    if match is None:
        return None
    amounts = _ABOUT.sub("", (match["german"] or match["english"]) + " ").strip()
    back, position = timedelta(), 0
    while position < len(amounts):
        amount = _AMOUNT.match(amounts, position)
        number = _number(amount["number"]) if amount else None
        if amount is None or number is None or amount["unit"] not in _UNITS:
            return None
        back, position = back + number * _UNITS[amount["unit"]], amount.end()
    return now - back


def _number(word: str) -> int | None:
    return 1 if word in _ONE else int(word) if word.isdecimal() else None
