"""Which receivers hear of a mention: a tree of routes with matchers, read depth first.

Alertmanager's model (https://prometheus.io/docs/alerting/latest/configuration/#route). The first child that leads
anywhere wins unless it says `continue`; a route hears of the mention itself where no child does. `unsure` and `none`
reach only routes that spell them out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from rules.base import Mention
from rules.candidates import Candidates
from rules.matchers import QUIET, Facts, RouteMatcher, first_failed

DROP: Final = "none"  # the receiver that nobody reads
DEFAULT: Final = "default"  # how a path without any matcher is named
GROUP_WAIT: Final = timedelta(seconds=10)
GROUP_INTERVAL: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Sla:
    """How soon somebody is to answer."""

    first_response: timedelta
    hours: str | None  # the section of `hours` whose time counts; None: around the clock
    warn_before: timedelta  # how long before the breach somebody is warned


@dataclass(frozen=True, slots=True)
class EscalationStep:
    """Who hears of a case that nobody has taken on, `after` how long since the mention was routed."""

    after: timedelta
    receiver: str
    on_call: str | None = None  # the team whose member on call is called


@dataclass(frozen=True, slots=True)
class Intervals:
    """Sections of `hours` in which a route is quiet, and those outside of which it is; by name."""

    mute: tuple[str, ...] = ()
    active: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """What a route hands down to the routes below it."""

    group_by: tuple[str, ...] | None = None  # None: every mention by itself; (): all in one group
    group_wait: timedelta = GROUP_WAIT  # from the first mention of a group to its message
    group_interval: timedelta = GROUP_INTERVAL  # between two messages about one group
    repeat_interval: timedelta | None = None  # None: said once
    sla: Sla | None = None
    escalate: tuple[EscalationStep, ...] = ()  # in the order of time


@dataclass(frozen=True, slots=True)
class Route:
    """A node of the tree. The root has no matchers; a child without a receiver was given its parent's."""

    receiver: str
    matchers: tuple[RouteMatcher, ...] = ()
    routes: tuple[Route, ...] = ()
    is_continued: bool = False  # the siblings after it are tried even where this one leads somewhere
    options: Options = Options()
    intervals: Intervals = Intervals()
    _candidates: Candidates = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_candidates", Candidates.of(route.matchers for route in self.routes))

    def possible(self, facts: Facts) -> list[int]:
        """The positions of the children whose matchers may hold, in order."""
        return self._candidates.find(facts)


@dataclass(frozen=True, slots=True)
class Decision:
    """A receiver that hears of the mention, the routes that lead to it, and what these say of how it hears."""

    receiver: str
    routes: tuple[str, ...]  # each as the matchers from the root
    group_by: tuple[str, ...] | None = None  # None: every mention by itself
    group_wait: timedelta = GROUP_WAIT
    group_interval: timedelta = GROUP_INTERVAL
    repeat_interval: timedelta | None = None
    intervals: tuple[Intervals, ...] = ()  # of each route: it is quiet only while all of them are
    sla: Sla | None = None
    escalate: tuple[EscalationStep, ...] = ()


class Outcome(StrEnum):
    """What became of one route."""

    CHOSEN = "chosen"  # its receiver hears of the mention
    PASSED = "passed"  # it matched, and routes below it hear of the mention
    FAILED = "failed"  # a matcher did not match
    UNSPOKEN = "unspoken"  # it matched, but does not spell out unsure or none
    SKIPPED = "skipped"  # an earlier sibling won


@dataclass(frozen=True, slots=True)
class Step:
    """One route as the decision met it, in the order of the tree."""

    position: tuple[int, ...]  # () is the root, (1, 0) the first child of its second child
    route: Route
    outcome: Outcome
    failed: RouteMatcher | None = None  # the first matcher that did not match


def decide(root: Route, mention: Mention, source_type: str, at: datetime) -> list[Decision]:
    """Who hears of the mention, in the order of the tree, each receiver once; [] where nobody does."""
    trails: dict[str, list[tuple[Route, ...]]] = {}
    for trail in _Walk(Facts.of(mention, source_type, at)).visit(root, (), ()):
        trails.setdefault(trail[-1].receiver, []).append(trail)
    return [_join(receiver, of) for receiver, of in trails.items() if receiver != DROP]


def explain(root: Route, mention: Mention, source_type: str, at: datetime) -> tuple[Step, ...]:
    """Every route of the tree with what became of it; children of a route that was not entered are left out."""
    steps: dict[tuple[int, ...], Step] = {}
    _Walk(Facts.of(mention, source_type, at), steps).visit(root, (), ())
    return tuple(steps[position] for position in sorted(steps))


def matches(matchers: Iterable[RouteMatcher], mention: Mention, source_type: str, at: datetime) -> bool:
    """Whether all of the matchers hold, as those of one route would."""
    return first_failed(tuple(matchers), Facts.of(mention, source_type, at)) is None


def group_labels(names: Iterable[str], mention: Mention, source_type: str) -> tuple[tuple[str, str], ...]:
    """What a mention is grouped by: each name with the mention's value, of its labels the most severe."""
    facts = Facts.of(mention, source_type, datetime.min)
    return tuple((name, facts.label(name)) for name in names)


def _join(receiver: str, trails: Sequence[tuple[Route, ...]]) -> Decision:
    """Several routes to one receiver: it hears once, as the most eager of them wants it."""
    options = [trail[-1].options for trail in trails]
    eager = next((one for one in options if one.group_by is None), options[0])
    steps = {step: None for one in options for step in one.escalate}
    return Decision(
        receiver,
        routes=tuple(map(_describe, trails)),
        group_by=eager.group_by,
        group_wait=eager.group_wait,
        group_interval=eager.group_interval,
        repeat_interval=min((one.repeat_interval for one in options if one.repeat_interval), default=None),
        intervals=tuple(trail[-1].intervals for trail in trails),
        sla=min((one.sla for one in options if one.sla), key=lambda sla: sla.first_response, default=None),
        escalate=tuple(sorted(steps, key=lambda step: step.after)),
    )


def _describe(trail: Iterable[Route]) -> str:
    texts = (", ".join(matcher.text for matcher in route.matchers) for route in trail)
    return " > ".join(filter(None, texts)) or DEFAULT


class _Walk:
    """One mention's way through the tree; with `steps`, what became of every route is noted there."""

    def __init__(self, facts: Facts, steps: dict[tuple[int, ...], Step] | None = None) -> None:
        self._facts = facts
        self._steps = steps

    def visit(self, route: Route, trail: tuple[Route, ...], position: tuple[int, ...]) -> list[tuple[Route, ...]]:
        """The ways from the root to every route at or below this one that hears of the mention."""
        failed = first_failed(route.matchers, self._facts)
        if failed is not None:
            self._note(position, route, Outcome.FAILED, failed)
            return []
        trail = (*trail, route)
        found = self._children(route, trail, position)
        outcome = Outcome.PASSED
        if not found:
            outcome = Outcome.CHOSEN if self._is_spelled_out(trail) else Outcome.UNSPOKEN
            found = [trail] if outcome is Outcome.CHOSEN else []
        self._note(position, route, outcome)
        return found

    def _children(self, route: Route, trail: tuple[Route, ...], position: tuple[int, ...]) -> list[tuple[Route, ...]]:
        found: list[tuple[Route, ...]] = []
        is_decided = False
        for index in route.possible(self._facts) if self._steps is None else range(len(route.routes)):
            child, here = route.routes[index], (*position, index)
            if is_decided:
                self._note(here, child, Outcome.SKIPPED)
                continue
            ways = self.visit(child, trail, here)
            found += ways
            is_decided = bool(ways) and not child.is_continued
        return found

    def _note(
        self, position: tuple[int, ...], route: Route, outcome: Outcome, failed: RouteMatcher | None = None
    ) -> None:
        if self._steps is not None:
            self._steps[position] = Step(position, route, outcome, failed)

    def _is_spelled_out(self, trail: tuple[Route, ...]) -> bool:
        """Whether the way names `unsure` or `none`, if that is what the mention is."""
        quiet = [tag for tag in self._facts.verdict.tags if tag in QUIET]
        matchers = [matcher for route in trail for matcher in route.matchers if matcher.is_wanted_label]
        return all(any(matcher.accepts(tag) for matcher in matchers) for tag in quiet)
