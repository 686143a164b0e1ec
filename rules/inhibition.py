"""Inhibition: a mention that makes others not worth an alert, such as the crisis behind a hundred complaints.

Alertmanager's rule (https://prometheus.io/docs/alerting/latest/configuration/#inhibit_rule). A post is an event and
does not resolve, so a source inhibits for as long as the rule says.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from rules.base import Mention
from rules.matchers import Facts, RouteMatcher, first_failed


@dataclass(frozen=True, slots=True)
class InhibitRule:
    """What `source` matches keeps quiet what `target` matches, where both agree in all of `equal`."""

    source: tuple[RouteMatcher, ...]
    target: tuple[RouteMatcher, ...]
    equal: tuple[str, ...] = ()  # names of text matchers; of several labels the most severe counts
    for_: timedelta = timedelta(hours=1)  # how long a source inhibits


@dataclass(frozen=True, slots=True)
class Routed:
    """A mention with the type of its source and the moment at which it was routed."""

    mention: Mention
    source_type: str
    at: datetime

    @property
    def facts(self) -> Facts:
        return Facts.of(self.mention, self.source_type, self.at)


def is_inhibited(rule: InhibitRule, source: Routed, target: Routed, now: datetime) -> bool:
    """Whether the source keeps the target quiet now. What matches both sides is not inhibited by its like."""
    ours, theirs = target.facts, source.facts
    return (
        source.at <= now < source.at + rule.for_
        and _is_all(rule.target, ours)
        and _is_all(rule.source, theirs)
        and all(ours.label(name) == theirs.label(name) for name in rule.equal)
        and not (_is_all(rule.source, ours) and _is_all(rule.target, theirs))
    )


def _is_all(matchers: tuple[RouteMatcher, ...], facts: Facts) -> bool:
    return first_failed(matchers, facts) is None
