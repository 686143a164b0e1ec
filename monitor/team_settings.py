"""`teams` and `identities` of the configuration, and the people that the daemon makes of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, tzinfo
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from alerts.base import Member
from monitor.hours_settings import check_timezone
from monitor.people import Team, Teams
from rules.rota import Override, Rota
from sources.base import Settings

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HANDOVER = re.compile(rf"({'|'.join(_DAYS)}) ([01]\d|2[0-3]):([0-5]\d)")


def _check_name(value: str) -> str:
    if not value.strip() or not value.isprintable() or value != value.strip():
        raise ValueError("a name of one line, as people know each other by")
    return value


def _check_mail(value: str) -> str:
    local, _, host = value.rpartition("@")
    if not local or not host or any(map(str.isspace, value)) or not value.isprintable():
        raise ValueError("a mail address such as kim@example.com")
    return value


def _check_slack(value: str) -> str:
    if not re.fullmatch(r"[UW][A-Z0-9]+", value):
        raise ValueError("a Slack user id such as U012AB3CD (in the profile: copy member ID)")
    return value


def _check_handover(value: str) -> str:
    if not _HANDOVER.fullmatch(value):
        raise ValueError('a day and a time such as "mon 09:00"')
    return value


def _check_date(value: str) -> str:
    try:
        date.fromisoformat(value)
    except ValueError:
        raise ValueError("a date such as 2026-11-02") from None
    return value


def _check_moment(value: str) -> str:
    try:
        datetime.strptime(value, "%Y-%m-%d %H:%M")
    except ValueError:
        raise ValueError('a date and a time such as "2026-12-24 09:00"') from None
    return value


PersonName = Annotated[str, AfterValidator(_check_name)]
Moment = Annotated[str, AfterValidator(_check_moment)]


class MemberSettings(Settings):
    """Somebody of a team."""

    name: PersonName = Field(description="as people know them; owners of cases are called by it")
    slack: Annotated[str, AfterValidator(_check_slack)] | None = Field(None, description="the Slack user id")
    mail: Annotated[str, AfterValidator(_check_mail)] | None = Field(None, description="the mail address")


class OverrideSettings(Settings):
    """Somebody stands in."""

    from_: Moment = Field(alias="from", description="when it begins, on the wall clock of the rota")
    to: Moment = Field(description="when it ends")
    member: str = Field(description="who is on call instead")

    @model_validator(mode="after")
    def _lasts(self) -> OverrideSettings:
        if self.to <= self.from_:
            raise ValueError("`to` must be later than `from`")
        return self


class OnCallSettings(Settings):
    """Who of a team is on call, week by week."""

    rotation: tuple[str, ...] = Field(min_length=1, description="members in the order of their weeks")
    handover: Annotated[str, AfterValidator(_check_handover)] = Field(
        "mon 09:00", description="when one week ends and the next begins"
    )
    start: Annotated[str, AfterValidator(_check_date)] = Field(
        description="the first of the rotation begins with the first handover on or after this day"
    )
    timezone: Annotated[str, AfterValidator(check_timezone)] | None = Field(
        None, description="IANA name; left out: that of the configuration"
    )
    overrides: tuple[OverrideSettings, ...] = Field((), description="who stands in for whom; the first that fits")


class TeamSettings(Settings):
    """Who works on mentions together."""

    members: tuple[MemberSettings, ...] = Field(min_length=1, description="everybody who may own a case")
    on_call: OnCallSettings | None = Field(None, description="who is called, week by week")


class IdentitySettings(Settings):
    """One person behind several accounts."""

    name: PersonName = Field(description="what mentiond calls the person; shown to nobody else")
    accounts: dict[str, tuple[str, ...]] = Field(min_length=1, description="accounts by source or source type")


def build_all(settings: Mapping[str, TeamSettings], timezone: str) -> Teams:
    """The teams as the daemon knows them."""
    return Teams({name: _build_team(team, timezone) for name, team in settings.items()})


def _build_team(settings: TeamSettings, timezone: str) -> Team:
    members = {one.name: Member(one.name, one.slack, one.mail) for one in settings.members}
    return Team(members, _build_rota(settings.on_call, timezone) if settings.on_call else None)


def _build_rota(settings: OnCallSettings, timezone: str) -> Rota:
    zone = ZoneInfo(settings.timezone or timezone)
    match = _HANDOVER.fullmatch(settings.handover)
    assert match is not None  # it was checked
    return Rota(
        rotation=settings.rotation,
        weekday=_DAYS.index(match[1]),
        handover=time(int(match[2]), int(match[3])),
        start=date.fromisoformat(settings.start),
        zone=zone,
        overrides=tuple(
            Override(_instant(one.from_, zone), _instant(one.to, zone), one.member) for one in settings.overrides
        ),
    )


def _instant(text: str, zone: tzinfo) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=zone).astimezone(UTC)
