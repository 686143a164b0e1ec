"""`hours` of the configuration: business hours as Alertmanager's time intervals have them, with breaks and holidays."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator
from datetime import date
from functools import lru_cache
from itertools import pairwise
from typing import Annotated, Final
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field

from monitor.config_errors import suggest
from rules.hours import ALWAYS, MINUTES, Hours, Range, Window
from sources.base import Settings

_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_WINDOW = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)")


def check_timezone(value: str) -> str:
    """An IANA name as it is. Raises ValueError."""
    try:
        ZoneInfo(value)
    except (ValueError, KeyError, OSError):  # a wrong form, an unknown name, a folder of the zone database
        near = suggest(value, available_timezones())
        hint = near if "did you mean" in near else ""
        raise ValueError(f"an IANA time zone such as Europe/Berlin{hint}") from None
    return value


def _parse_window(text: str) -> Window:
    match = _WINDOW.fullmatch(text)
    if match is None:
        raise ValueError('a time from HH:MM to HH:MM, such as "09:00-12:30" or, over midnight, "22:00-06:00"')
    start = int(match[1]) * 60 + int(match[2])
    end = int(match[3]) * 60 + int(match[4]) if match[3] else MINUTES
    if start == end:
        raise ValueError('a time that does not end where it starts; a whole day is "00:00-24:00"')
    return Window(start, end if end > start else end + MINUTES)


def _parse_windows(texts: tuple[str, ...]) -> tuple[Window, ...]:
    windows = tuple(sorted(map(_parse_window, texts)))
    for before, after in pairwise(windows):
        if after.start < before.end:
            raise ValueError("expected times of one day that do not overlap")
    return windows


def _check_windows(texts: tuple[str, ...]) -> tuple[str, ...]:
    _parse_windows(texts)
    return texts


def _parse_days(text: str) -> list[int]:
    """`mon`, `mon-fri` or `sat-mon` as weekdays from 0."""
    parts = text.lower().split("-")
    found = [index for part in parts if (index := _find(part, _DAYS)) is not None]
    if len(found) != len(parts) or len(parts) > 2:
        raise ValueError("expected days of the week such as mon, mon-fri or saturday")
    first, last = found[0], found[-1]
    return [day % 7 for day in range(first, last + (7 if last < first else 0) + 1)]


def _find(name: str, names: tuple[str, ...]) -> int | None:
    """The position of a name, written out or as its first three letters."""
    return next((index for index, one in enumerate(names) if name in (one, one[:3])), None)


def _check_week(week: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    named: set[int] = set()
    for text in week:
        days = set(_parse_days(text))
        if twice := sorted(days & named):
            raise ValueError(f"expected every day once: {_DAYS[twice[0]]} stands there twice")
        named |= days
    return week


def _parse_range(text: str | int, number: Callable[[str], int | None], form: str) -> Range:
    found = [number(part.strip().lower()) for part in str(text).split(":")]
    if not 1 <= len(found) <= 2 or found[0] is None or found[-1] is None:
        raise ValueError(form)
    return found[0], found[-1]


def _parse_month(text: str | int) -> Range:
    def number(part: str) -> int | None:
        named = _find(part, _MONTHS)
        month = int(part) if re.fullmatch(r"\d{1,2}", part) else -1 if named is None else named + 1
        return month if 1 <= month <= 12 else None

    first, last = _parse_range(text, number, 'expected months such as december, 12 or "may:august"')
    if first > last:
        raise ValueError("expected months that do not end before they start: name those of two years one by one")
    return first, last


def _parse_day_of_month(text: str | int) -> Range:
    def number(part: str) -> int | None:
        return int(part) if re.fullmatch(r"-?([1-9]|[12]\d|3[01])", part) else None

    first, last = _parse_range(text, number, 'expected days of the month such as "1:15" or "-3:-1" of the last three')
    if first < 0 < last or ((first > 0) == (last > 0) and first > last) or (last < 0 < first and first > 32 + last):
        raise ValueError("expected days of the month that do not end before they start")
    return first, last


def _parse_year(text: str | int) -> Range:
    def number(part: str) -> int | None:
        return int(part) if re.fullmatch(r"[12]\d{3}", part) else None

    first, last = _parse_range(text, number, 'expected years such as 2027 or "2027:2029"')
    if first > last:
        raise ValueError("expected years that do not end before they start")
    return first, last


def _checked(parse: Callable[[str | int], Range]) -> AfterValidator:
    def check(value: str | int) -> str | int:
        parse(value)
        return value

    return AfterValidator(check)


def _check_holidays(value: str) -> str:
    import holidays

    country, _, state = value.partition("-")
    known = holidays.list_supported_countries()
    if country not in known:
        raise ValueError(f"a country such as DE or a state such as DE-BY{_near(country, known)}")
    if state and state not in known[country]:
        raise ValueError(f"a state of {country}{suggest(state, known[country])}")
    return value


def _near(country: str, known: Container[str]) -> str:
    return f'; did you mean "{country.upper()}"?' if country.upper() in known else ""


class HoursSettings(Settings):
    """Business hours. What is left out restricts nothing; a day that `week` does not name is closed."""

    timezone: Annotated[str, AfterValidator(check_timezone)] | None = Field(
        None, description="IANA name; left out: that of the configuration"
    )
    holidays: Annotated[str, AfterValidator(_check_holidays)] | None = Field(
        None, description="closed on the public holidays of a country or state, such as DE-BY"
    )
    week: (
        Annotated[
            dict[str, Annotated[tuple[str, ...], AfterValidator(_check_windows)]],
            Field(min_length=1),
            AfterValidator(_check_week),
        ]
        | None
    ) = Field(None, description="the times of each day, by days such as mon-fri")
    months: tuple[Annotated[str | int, _checked(_parse_month)], ...] = Field((), description="only in these months")
    days_of_month: tuple[Annotated[str | int, _checked(_parse_day_of_month)], ...] = Field(
        (), description="only on these days; -1 is the last of a month"
    )
    years: tuple[Annotated[str | int, _checked(_parse_year)], ...] = Field((), description="only in these years")


def build_hours(name: str, settings: HoursSettings, timezone: str) -> Hours:
    """The section as the rules know it."""
    return Hours(
        name=name,
        zone=ZoneInfo(settings.timezone or timezone),
        week=ALWAYS if settings.week is None else tuple(_build_week(settings.week)),
        months=tuple(map(_parse_month, settings.months)),
        days_of_month=tuple(map(_parse_day_of_month, settings.days_of_month)),
        years=tuple(map(_parse_year, settings.years)),
        holidays=_Holidays(settings.holidays) if settings.holidays else (),
    )


def _build_week(week: dict[str, tuple[str, ...]]) -> Iterator[tuple[Window, ...]]:
    by_day = {day: _parse_windows(texts) for days, texts in week.items() for day in _parse_days(days)}
    return (by_day.get(day, ()) for day in range(7))


class _Holidays(Container[date]):
    """The public holidays of one country or state, worked out year by year."""

    def __init__(self, place: str) -> None:
        self.place = place

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and day in _holidays(self.place, day.year)


@lru_cache(maxsize=256)
def _holidays(place: str, year: int) -> frozenset[date]:
    import holidays

    country, _, state = place.partition("-")
    return frozenset(holidays.country_holidays(country, subdiv=state or None, years=year))
