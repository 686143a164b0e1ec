"""`routes` and `inhibit_rules` of the configuration, and the tree that the rules make of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from monitor.config_errors import suggest
from rules.hours import Hours
from rules.inhibition import InhibitRule
from rules.matchers import TEXTS, parse_matcher
from rules.routing import GROUP_INTERVAL, GROUP_WAIT, EscalationStep, Intervals, Options, Route, Sla
from sources.base import Duration, Interval, Name, Settings

BY_ITSELF: Final = "..."


def _or_off(value: object) -> object:
    if value is None:
        raise ValueError("expected a value, or off where nothing is wanted")
    return None if value is False else value  # off, as YAML reads it


Off = BeforeValidator(_or_off)


def _check_name(value: str) -> str:
    if value not in TEXTS:
        raise ValueError(f"a name that mentions have in common{suggest(value, TEXTS)}")
    return value


def _check_group_by(value: tuple[str, ...]) -> tuple[str, ...]:
    if value != (BY_ITSELF,):
        if BY_ITSELF in value:
            raise ValueError("expected either ['...'], every mention by itself, or names to group by")
        for name in value:
            _check_name(name)
    return value


class SlaSettings(Settings):
    """How soon somebody is to answer."""

    first_response: Interval = Field(description="from the routing of a mention to the first answer")
    hours: str | None = Field(None, description="the section of `hours` whose time counts; left out: all time")
    warn_before: Duration | None = Field(
        None, description="the warning, so long before the breach; left out: a quarter of first_response"
    )

    @model_validator(mode="after")
    def _warns_in_time(self) -> SlaSettings:
        if self.warn_before is not None and self.warn_before >= self.first_response:
            raise ValueError("`warn_before` must be shorter than `first_response`")
        return self


class EscalationSettings(Settings):
    """A step of an escalation."""

    after: Interval = Field(description="how long after the routing, while nobody has taken the case on")
    receiver: Name | None = Field(None, description="who hears of it; left out: the receiver of the route")
    on_call: str | None = Field(None, description="the team whose member on call is called")


def _check_order(steps: tuple[EscalationSettings, ...]) -> tuple[EscalationSettings, ...]:
    if any(later.after < earlier.after for earlier, later in pairwise(steps)):
        raise ValueError("expected the steps of an escalation in the order of `after`")
    return steps


class RouteOptions(Settings):
    """The keys that routes hand down to the routes below them."""

    group_by: Annotated[tuple[str, ...], AfterValidator(_check_group_by)] = Field(
        (BY_ITSELF,), description="mentions with the same values make one message; ['...']: every mention by itself"
    )
    group_wait: Duration = Field(GROUP_WAIT, description="how long a group waits for further mentions")
    group_interval: Interval = Field(GROUP_INTERVAL, description="the pause before the next message of the same group")
    repeat_interval: Annotated[Interval | None, Off] = Field(
        None, description="say it again while the case is open; off: once"
    )
    sla: Annotated[SlaSettings | None, Off] = Field(None, description="how soon somebody is to answer; off: no promise")
    escalate: Annotated[tuple[EscalationSettings, ...], AfterValidator(_check_order)] = Field(
        (), description="who hears of a case that nobody takes on"
    )


class RouteSettings(RouteOptions):
    """A node of the routing tree below the root."""

    receiver: Name | None = Field(None, description="who hears of it; left out: the receiver above; none: nobody")
    matchers: tuple[str, ...] = Field((), description="conditions that must all hold, such as label = crisis")
    continue_: bool = Field(False, alias="continue", description="try the routes after this one too")
    mute_time_intervals: tuple[str, ...] = Field((), description="sections of `hours` in which it is held back")
    active_time_intervals: tuple[str, ...] = Field((), description="sections of `hours` outside of which it is")
    routes: tuple[RouteSettings, ...] = Field((), description="routes tried below this one, in order")


class RootRouteSettings(RouteOptions):
    """The root of the routing tree: it catches what no route below it does."""

    receiver: Name = Field(description="who hears of what no other route catches; none: nobody")
    routes: tuple[RouteSettings, ...] = Field((), description="routes tried in order; the first that matches wins")


class InhibitSettings(Settings):
    """Mentions that keep others quiet."""

    source_matchers: tuple[str, ...] = Field(min_length=1, description="what keeps others quiet")
    target_matchers: tuple[str, ...] = Field(min_length=1, description="what is kept quiet")
    equal: tuple[Annotated[str, AfterValidator(_check_name)], ...] = Field(
        (), description="what both must agree in, such as watchlist"
    )
    for_: Interval = Field(timedelta(hours=1), alias="for", description="how long, from the routing of the source")


def build_tree(settings: RootRouteSettings, hours: Mapping[str, Hours]) -> Route:
    """The routing tree. A route without a receiver has the one above it, and so it is with every option."""
    return _build_route(settings, settings.receiver, {}, hours)


def _build_route(
    settings: RootRouteSettings | RouteSettings, receiver: str, above: Mapping[str, Any], hours: Mapping[str, Hours]
) -> Route:
    given = RouteOptions.model_fields.keys() & settings.model_fields_set
    options = {**above, **{name: getattr(settings, name) for name in given}}
    routes = tuple(_build_route(route, route.receiver or receiver, options, hours) for route in settings.routes)
    built = _build_options(RouteOptions.model_construct(**options), receiver)
    if isinstance(settings, RootRouteSettings):
        return Route(receiver, routes=routes, options=built)
    return Route(
        receiver,
        tuple(parse_matcher(text, hours) for text in settings.matchers),
        routes,
        settings.continue_,
        built,
        Intervals(settings.mute_time_intervals, settings.active_time_intervals),
    )


def _build_options(settings: RouteOptions, receiver: str) -> Options:
    return Options(
        group_by=None if settings.group_by == (BY_ITSELF,) else settings.group_by,
        group_wait=settings.group_wait,
        group_interval=settings.group_interval,
        repeat_interval=settings.repeat_interval,
        sla=_build_sla(settings.sla) if settings.sla else None,
        escalate=tuple(EscalationStep(one.after, one.receiver or receiver, one.on_call) for one in settings.escalate),
    )


def _build_sla(settings: SlaSettings) -> Sla:
    warn_before = settings.first_response / 4 if settings.warn_before is None else settings.warn_before
    return Sla(settings.first_response, settings.hours, warn_before)


def build_inhibit_rule(settings: InhibitSettings, hours: Mapping[str, Hours]) -> InhibitRule:
    """The rule as the rules know it."""
    return InhibitRule(
        source=tuple(parse_matcher(text, hours) for text in settings.source_matchers),
        target=tuple(parse_matcher(text, hours) for text in settings.target_matchers),
        equal=settings.equal,
        for_=settings.for_,
    )
