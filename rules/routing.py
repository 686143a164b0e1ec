"""Which receivers hear of a mention: a tree of routes with matchers, read depth first.

Alertmanager's model (https://prometheus.io/docs/alerting/latest/configuration/#route), with labels as a set: `=` and
`=~` mean any carried label, `!=` and `!~` none of them. The first child that leads anywhere wins unless it says
`continue`; a route hears of the mention itself where no child does. `unsure` and `none` reach only routes that spell
them out. Numbers (followers, rating, engagement) a post does not have match nothing.
"""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import re2

from rules.base import NONE, UNCLASSIFIED, UNSURE, Label, Mention, Sentiment, Verdict, WatchlistKind
from sources.base import PostKind

DROP: Final = "none"  # the receiver that nobody reads
DEFAULT: Final = "default"  # how a path without any matcher is named

_QUIET: Final = (UNSURE, NONE)  # values of label that only reach routes which spell them out
_COMPARE: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_TEXT_OPERATORS: Final = ("=", "!=", "=~", "!~")
_NUMBERS: Final = ("score", "followers", "rating", "engagement")
_VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    "label": (*Label, UNSURE, NONE, UNCLASSIFIED),
    "watchlist_kind": tuple(WatchlistKind),
    "post_kind": tuple(PostKind),
    "sentiment": tuple(Sentiment),
}
NAMES: Final = (*_VALUES, "watchlist", "team", "source", "source_type", "lang", "author", *_NUMBERS)

_FORM = re.compile(r"(\s*)([^\s=!<>~]*)(\s*)([=!<>~]*)(\s*)(.*?)\s*", re.DOTALL)
_DECIMAL = re.compile(r"[-+]?\d+(\.\d+)?")


class MatcherError(Exception):
    """A text that is no matcher; `column` counts from 1 within it."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.column = column


@dataclass(frozen=True, slots=True)
class RouteMatcher:
    """One condition on a mention, such as `label =~ "question|complaint"` or `score >= 0.8`."""

    name: str
    operator: str
    value: str
    text: str  # as written
    number: float = 0.0  # the value of a numeric matcher
    pattern: Any = field(default=None, compare=False, repr=False)  # the compiled value of =~ and !~
    spelled: frozenset[str] = field(default=frozenset(), compare=False, repr=False)  # literal alternatives of a regex

    @property
    def is_negative(self) -> bool:
        return self.operator in ("!=", "!~")

    def accepts(self, value: str) -> bool:
        """Whether the value itself is meant, whatever `!` then makes of it."""
        if self.pattern is None:
            return value == self.value
        is_open = self.name != "label" or value not in _QUIET or value in self.spelled
        return is_open and self.pattern.fullmatch(value) is not None


@dataclass(frozen=True, slots=True)
class Route:
    """A node of the tree. The root has no matchers; a child without a receiver was given its parent's."""

    receiver: str
    matchers: tuple[RouteMatcher, ...] = ()
    routes: tuple[Route, ...] = ()
    is_continued: bool = False  # the siblings after it are tried even where this one leads somewhere


@dataclass(frozen=True, slots=True)
class Decision:
    """A receiver that hears of the mention, and the routes that lead to it, each as the matchers from the root."""

    receiver: str
    routes: tuple[str, ...]


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


def decide(root: Route, mention: Mention, source_type: str) -> list[Decision]:
    """Who hears of the mention, in the order of the tree, each receiver once; [] where nobody does."""
    paths: dict[str, list[str]] = {}
    for trail in _Walk(mention, source_type).visit(root, (), ()):
        paths.setdefault(trail[-1].receiver, []).append(_describe(trail))
    return [Decision(receiver, tuple(routes)) for receiver, routes in paths.items() if receiver != DROP]


def explain(root: Route, mention: Mention, source_type: str) -> tuple[Step, ...]:
    """Every route of the tree with what became of it; children of a route that was not entered are left out."""
    walk = _Walk(mention, source_type)
    walk.visit(root, (), ())
    return tuple(walk.steps[position] for position in sorted(walk.steps))


def _describe(trail: Iterable[Route]) -> str:
    texts = (", ".join(matcher.text for matcher in route.matchers) for route in trail)
    return " > ".join(filter(None, texts)) or DEFAULT


class _Walk:
    """One mention's way through the tree."""

    def __init__(self, mention: Mention, source_type: str) -> None:
        post, watchlist, verdict = mention.post, mention.watchlist, mention.verdict
        self.steps: dict[tuple[int, ...], Step] = {}
        self._verdict = verdict
        self._texts = {
            "watchlist": watchlist.name,
            "watchlist_kind": watchlist.kind.value,
            "team": watchlist.team or "",
            "source": post.source,
            "source_type": source_type,
            "post_kind": post.kind.value,
            "lang": verdict.lang,
            "sentiment": verdict.sentiment.value,
            "author": post.author or "",
        }
        self._numbers = {"followers": post.followers, "rating": post.rating, "engagement": post.engagement}

    def visit(self, route: Route, trail: tuple[Route, ...], position: tuple[int, ...]) -> list[tuple[Route, ...]]:
        """The ways from the root to every route at or below this one that hears of the mention."""
        failed = next((matcher for matcher in route.matchers if not self._matches(matcher, route)), None)
        if failed is not None:
            self.steps[position] = Step(position, route, Outcome.FAILED, failed)
            return []
        trail = (*trail, route)
        found = self._children(route, trail, position)
        outcome = Outcome.PASSED
        if not found:
            outcome = Outcome.CHOSEN if self._is_spelled_out(trail) else Outcome.UNSPOKEN
            found = [trail] if outcome is Outcome.CHOSEN else []
        self.steps[position] = Step(position, route, outcome)
        return found

    def _children(self, route: Route, trail: tuple[Route, ...], position: tuple[int, ...]) -> list[tuple[Route, ...]]:
        found: list[tuple[Route, ...]] = []
        is_decided = False
        for index, child in enumerate(route.routes):
            here = (*position, index)
            if is_decided:
                self.steps[here] = Step(here, child, Outcome.SKIPPED)
                continue
            ways = self.visit(child, trail, here)
            found += ways
            is_decided = bool(ways) and not child.is_continued
        return found

    def _is_spelled_out(self, trail: tuple[Route, ...]) -> bool:
        """Whether the way names `unsure` or `none`, if that is what the mention is."""
        matchers = [matcher for route in trail for matcher in route.matchers if _is_wanted_label(matcher)]
        quiet = [tag for tag in self._verdict.tags if tag in _QUIET]
        return all(any(matcher.accepts(tag) for matcher in matchers) for tag in quiet)

    def _matches(self, matcher: RouteMatcher, route: Route) -> bool:
        if matcher.name in _NUMBERS:
            value = _score(self._verdict, route) if matcher.name == "score" else self._numbers[matcher.name]
            return value is not None and _COMPARE[matcher.operator](value, matcher.number)
        values = self._verdict.tags if matcher.name == "label" else (self._texts[matcher.name],)
        return any(map(matcher.accepts, values)) != matcher.is_negative


def _is_wanted_label(matcher: RouteMatcher) -> bool:
    return matcher.name == "label" and not matcher.is_negative


def _score(verdict: Verdict, route: Route) -> float | None:
    """The highest probability among the carried labels that the route's own label matchers want (all, if none do).

    Of an unsure mention, or one without a label, it is that of the likeliest label; None: unclassified.
    """
    wanted = [matcher for matcher in route.matchers if _is_wanted_label(matcher)]
    tags = [tag for tag in verdict.tags if not wanted or any(matcher.accepts(tag) for matcher in wanted)]
    is_quiet = any(tag in _QUIET for tag in tags)
    scores = [value for label, value in verdict.probabilities.items() if is_quiet or label in tags]
    return max(scores, default=None)


def parse_matcher(text: str) -> RouteMatcher:
    """Read `name operator value`, the value with or without quotes. Raises MatcherError."""
    parts = _FORM.fullmatch(text)
    assert parts is not None  # every part may be empty
    name, sign, written = parts[2], parts[4], parts[6]
    if name not in NAMES:
        raise MatcherError(_wrong_name(name), parts.start(2) + 1)
    allowed = tuple(_COMPARE) if name in _NUMBERS else _TEXT_OPERATORS
    if sign not in allowed:
        raise MatcherError(f"expected {' '.join(allowed)} after {name}", parts.start(4) + 1)
    column = parts.start(6) + 1
    value = _unquote(written, column)
    if name in _NUMBERS:
        return RouteMatcher(name, sign, value, text.strip(), _number(name, value, column))
    if sign in ("=", "!="):
        _check_value(name, value, column)
        return RouteMatcher(name, sign, value, text.strip())
    matcher = RouteMatcher(name, sign, value, text.strip(), 0.0, _compile(value, column), _alternatives(value))
    if name in _VALUES and not any(map(matcher.accepts, _VALUES[name])):
        raise MatcherError(f"matches no {name}; expected a pattern for: {', '.join(_VALUES[name])}", column)
    return matcher


def _wrong_name(name: str) -> str:
    if name == "hours":
        return "`hours` is not built yet"
    if not name:
        return "expected `name operator value`, such as label = complaint"
    return f"cannot match on this{_nearest(name, NAMES)}"


def _nearest(wrong: str, valid: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(wrong.lower(), valid, n=1, cutoff=0.6)
    return f'; did you mean "{near[0]}"?' if near else f"; expected one of: {', '.join(valid)}"


def _unquote(written: str, column: int) -> str:
    if not written:
        raise MatcherError('expected a value; the empty one is written ""', column)
    quote = written[0]
    if quote not in "\"'":
        if odd := re.search(r"[\"',]", written):
            raise MatcherError("expected one value; quote a text with commas or quotes", column + odd.start())
        return written
    closed = re.match(rf"{quote}((?:\\.|[^\\{quote}])*){quote}", written, re.DOTALL)
    if closed is None:
        raise MatcherError("the quote is not closed", column)
    if closed.end() < len(written):
        raise MatcherError("expected nothing after the closing quote; one matcher an entry", column + closed.end())
    return re.sub(rf"\\([\\{quote}])", r"\1", closed[1])


def _number(name: str, value: str, column: int) -> float:
    if not _DECIMAL.fullmatch(value):
        raise MatcherError(f"expected a number for {name}, such as {'0.8' if name == 'score' else '1000'}", column)
    if name == "score" and not 0 <= float(value) <= 1:
        raise MatcherError("expected a probability from 0 to 1", column)
    return float(value)


def _check_value(name: str, value: str, column: int) -> None:
    if name in _VALUES and value not in _VALUES[name]:
        raise MatcherError(f"no such {name}{_nearest(value, _VALUES[name])}", column)


def _compile(value: str, column: int) -> Any:
    if not value:
        raise MatcherError("the pattern is empty", column)
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(value, options)
    except re2.error as error:
        reason = error.args[0]
        reason = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise MatcherError(f"no regular expression that RE2 reads: {reason}", column) from None


def _alternatives(pattern: str) -> frozenset[str]:
    """The plain words among the alternatives of a regex: `a|b.*|(?:c)` gives a and c."""
    return frozenset(part for part in re.split(r"\(\?:|[|()]", pattern) if re.fullmatch(r"\w+", part))
