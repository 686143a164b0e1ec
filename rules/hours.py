"""Business hours: when a named stretch of the week is open, and how much of a span of time lies within it.

Windows are read on the wall clock of an IANA zone. A day on which clocks go forward lacks the hour that is skipped,
one on which they go back has the repeated hour twice: a window that names it is open both times, as in Alertmanager
(https://prometheus.io/docs/alerting/latest/configuration/#time_interval).
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, TypeAlias

DAY: Final = timedelta(days=1)
HORIZON: Final = timedelta(days=3653)  # how far ahead is looked for an opening
MINUTES: Final = 24 * 60

Range: TypeAlias = tuple[int, int]  # both ends included
Stretch: TypeAlias = tuple[datetime, datetime]  # without the end


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """An opening on one day, in minutes after its midnight; an end beyond 1440 is on the day after."""

    start: int
    end: int


ALWAYS: Final = (((Window(0, MINUTES)),),) * 7


@dataclass(frozen=True, slots=True)
class Hours:
    """A section of `hours`. A window over midnight belongs to the day on which it starts."""

    name: str
    zone: tzinfo
    week: tuple[tuple[Window, ...], ...] = ALWAYS  # Monday first, the windows of a day in order
    months: tuple[Range, ...] = ()  # 1-12; () is any
    days_of_month: tuple[Range, ...] = ()  # 1-31, or from the end: -1 is the last day; () is any
    years: tuple[Range, ...] = ()  # () is any
    holidays: Container[date] = field(default=(), compare=False)  # closed all day

    def contains(self, at: datetime) -> bool:
        """Whether it is open at this moment."""
        wall = at.astimezone(self.zone).replace(tzinfo=None)
        return any(start <= wall < end for day in (wall.date() - DAY, wall.date()) for start, end in self._day(day))

    def next_change(self, at: datetime) -> datetime | None:
        """When it opens next or, where it is open, closes; None: not within ten years."""
        moment = _naive(at)
        until = moment  # it is open from `moment` to here
        for opened, closed in self._open(moment, moment + HORIZON):
            if opened > until:
                return _aware(until if until > moment else opened)
            until = closed
        return _aware(until) if moment < until < moment + HORIZON else None

    def add_business(self, start: datetime, span: timedelta) -> datetime:
        """When so much open time has passed since `start`; ten years later where it is not open for so long."""
        moment = _naive(start)
        for opened, closed in self._open(moment, moment + HORIZON):
            if closed - opened >= span:
                return _aware(opened + span)
            span -= closed - opened
        return _aware(moment + HORIZON)

    def business_between(self, start: datetime, end: datetime) -> timedelta:
        """How much of the time from `start` to `end` is open; nothing where `end` is the earlier one."""
        spans = self._open(_naive(start), _naive(end))
        return sum((closed - opened for opened, closed in spans), timedelta())

    def _open(self, start: datetime, end: datetime) -> Iterator[Stretch]:
        """Where it is open from `start` to `end`, all in UTC, in order; parts that touch come one by one."""
        for since, until, offset in _even(self.zone, start, end):
            for opened, closed in self._walls(since + offset, until + offset):
                yield opened - offset, closed - offset

    def _walls(self, since: datetime, until: datetime) -> Iterator[Stretch]:
        """Where it is open on the wall clock, between two moments of a stretch without a clock change."""
        day, last = since.date() - DAY, since
        while day <= until.date():
            for start, end in self._day(day):
                opened, closed = max(start, last), min(end, until)
                if opened < closed:
                    yield opened, closed
                    last = closed
            day += DAY

    def _day(self, day: date) -> Iterator[Stretch]:
        """The windows that start on this day, on the wall clock."""
        windows = self.week[day.weekday()]
        if windows and self._is_open_day(day):
            midnight = datetime.combine(day, time())
            for window in windows:
                yield midnight + timedelta(minutes=window.start), midnight + timedelta(minutes=window.end)

    def _is_open_day(self, day: date) -> bool:
        return (
            _is_among(day.month, self.months)
            and _is_among(day.year, self.years)
            and _is_day_of_month(day, self.days_of_month)
            and day not in self.holidays
        )


def _is_among(number: int, ranges: tuple[Range, ...]) -> bool:
    return not ranges or any(first <= number <= last for first, last in ranges)


def _is_day_of_month(day: date, ranges: tuple[Range, ...]) -> bool:
    """A range that begins after the month's last day is empty; one that ends there or before its first is cut."""
    if not ranges:
        return True
    length = ((day.replace(day=1) + timedelta(days=31)).replace(day=1) - DAY).day
    return _is_among(day.day, tuple((_counted(first, length), _counted(last, length)) for first, last in ranges))


def _counted(number: int, length: int) -> int:
    return number if number > 0 else length + number + 1


def _even(zone: tzinfo, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """Stretches of UTC that have one offset each, at most a day long."""
    while start < end:
        stop = min(start + DAY, end)
        offset = _offset(zone, start)
        if _offset(zone, stop) != offset:
            stop = _clock_change(zone, start, stop)
        yield start, stop, offset
        start = stop


def _clock_change(zone: tzinfo, before: datetime, after: datetime) -> datetime:
    """The first moment with another offset than `before`."""
    offset = _offset(zone, before)
    while after - before > datetime.resolution:
        middle = before + (after - before) // 2
        if _offset(zone, middle) == offset:
            before = middle
        else:
            after = middle
    return after


def _offset(zone: tzinfo, moment: datetime) -> timedelta:
    return _aware(moment).astimezone(zone).utcoffset() or timedelta()


def _naive(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)
