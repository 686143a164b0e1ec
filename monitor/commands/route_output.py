"""How routes, what they say, and the way of a mention through them are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from rules.hours import Hours
from rules.intervals import muted_until
from rules.matchers import Facts, RouteMatcher, score_of
from rules.routing import Decision, Intervals, Options, Outcome, Sla, Step
from sources.base import JSON


def show_span(span: timedelta) -> str:
    """As the configuration writes it: `90s`, `10m`, `4h`, `1d`."""
    seconds = int(span.total_seconds())
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def describe_options(options: Options, intervals: Intervals) -> dict[str, JSON]:
    """What a route says, by the keys of the configuration."""
    return {
        "group_by": ["..."] if options.group_by is None else list(options.group_by),
        "group_wait": show_span(options.group_wait),
        "group_interval": show_span(options.group_interval),
        "repeat_interval": show_span(options.repeat_interval) if options.repeat_interval else None,
        "sla": _describe_sla(options.sla) if options.sla else None,
        "escalate": [
            {"after": show_span(step.after), "receiver": step.receiver, "on_call": step.on_call}
            for step in options.escalate
        ],
        "mute_time_intervals": list(intervals.mute),
        "active_time_intervals": list(intervals.active),
    }


def _describe_sla(sla: Sla) -> dict[str, JSON]:
    return {
        "first_response": show_span(sla.first_response),
        "hours": sla.hours,
        "warn_before": show_span(sla.warn_before),
    }


def show_value(value: JSON) -> str:
    """A described option on one line."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {show_value(one)}" for key, one in value.items() if one is not None)
    if isinstance(value, list):
        separator = "; " if any(isinstance(one, dict) for one in value) else ", "
        return separator.join(map(show_value, value)) or "none"
    return "off" if value is None else str(value)


def explain_step(step: Step, facts: Facts) -> str:
    """What became of a route, and why."""
    if step.outcome is Outcome.FAILED and step.failed is not None:
        return f"failed: {step.failed.text}; {_actual(step.failed, step.route.matchers, facts)}"
    return {
        Outcome.CHOSEN: "chosen",
        Outcome.PASSED: "passed: a route below hears of it",
        Outcome.UNSPOKEN: f"unspoken: no matcher spells out label = {facts.label('label')}",
        Outcome.SKIPPED: "skipped: a route before it won",
    }[step.outcome]


def _actual(matcher: RouteMatcher, beside: Sequence[RouteMatcher], facts: Facts) -> str:
    """What the mention has instead."""
    name = matcher.name
    if name == "hours":
        open_now = [hours.name for hours in matcher.hours if facts.is_open(hours)]
        return f"{' and '.join(open_now)} is open" if open_now else "it is closed then"
    if name in facts.numbers or name == "score":
        value = score_of(facts.verdict, beside) if name == "score" else facts.numbers[name]
        return f"the {name} is {value:g}" if value is not None else f"the {name} is not known"
    return f"the {name} is {', '.join(facts.values(name)) or 'not known'}"


def plan(decision: Decision, hours: Mapping[str, Hours], at: datetime) -> dict[str, JSON]:
    """What follows from a decision, and when; a time that does not come is null."""
    due = at if decision.group_by is None else at + decision.group_wait
    held = muted_until(decision.intervals, hours, due)
    sla = decision.sla

    def show(moment: datetime) -> str:
        return moment.astimezone(at.tzinfo).isoformat(timespec="seconds")

    def answer_in(span: timedelta, name: str | None) -> str:
        return show(hours[name].add_business(at, span) if name else at + span)

    return {
        "receiver": decision.receiver,
        "routes": list(decision.routes),
        "group_by": None if decision.group_by is None else list(decision.group_by),
        "due_at": show(due),
        "held_until": show(held) if held else None,
        "repeat_interval": show_span(decision.repeat_interval) if decision.repeat_interval else None,
        "hours": sla.hours if sla else None,
        "warn_at": answer_in(sla.first_response - sla.warn_before, sla.hours) if sla else None,
        "answer_by": answer_in(sla.first_response, sla.hours) if sla else None,
        "escalate": [
            {
                "at": show(at + step.after),
                "receiver": step.receiver,
                "on_call": step.on_call,
            }
            for step in decision.escalate
        ],
    }


def plan_lines(planned: Mapping[str, JSON], group: Sequence[tuple[str, str]]) -> list[str]:
    """A plan in words; `group` are the labels by which the mention is grouped."""
    lines = [f"because of {'; and of '.join(map(str, _list(planned['routes'])))}"]
    if planned["group_by"] is None:
        lines.append(f"at {planned['due_at']}, by itself")
    else:
        same = ", ".join(f"{name} = {value or 'nothing'}" for name, value in group) or "any kind"
        lines.append(f"at {planned['due_at']} or with the open group, beside others of {same}")
    if planned["held_until"]:
        lines.append(f"held back until {planned['held_until']}: muted, or outside of its active hours")
    if planned["answer_by"]:
        clock = f"in the hours {planned['hours']}" if planned["hours"] else "around the clock"
        lines.append(f"to be answered by {planned['answer_by']}, {clock}; a warning at {planned['warn_at']}")
    for step in _list(planned["escalate"]):
        assert isinstance(step, dict)
        on_call = f" and whoever of {step['on_call']} is on call" if step["on_call"] else ""
        lines.append(f"unless somebody takes it on: at {step['at']} to {step['receiver']}{on_call}")
    if planned["repeat_interval"]:
        lines.append(f"again every {planned['repeat_interval']} while its case is open")
    return lines


def _list(value: JSON) -> Sequence[JSON]:
    assert isinstance(value, list)
    return value
