"""Matchers: conditions on a mention, such as `label =~ "question|complaint"` or `score >= 0.8`.

Labels are a set: `=` and `=~` mean any carried label, `!=` and `!~` none of them; so are the `hours` that are open.
`unsure` and `none` are matched only where they are spelled out. Numbers (followers, rating, engagement) that a post
does not have match nothing.
"""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import re2

from rules.base import NONE, UNCLASSIFIED, UNSURE, Label, Mention, Sentiment, Verdict, WatchlistKind
from rules.hours import Hours
from sources.base import PostKind

QUIET: Final = (UNSURE, NONE)  # values of label that only reach routes which spell them out
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
TEXTS: Final = (*_VALUES, "watchlist", "team", "source", "source_type", "lang", "author")
NAMES: Final = (*TEXTS, "hours", *_NUMBERS)

_FORM = re.compile(r"(\s*)([^\s=!<>~]*)(\s*)([=!<>~]*)(\s*)(.*?)\s*", re.DOTALL)
_PLAIN = re.compile(r"[\w -]+(\|[\w -]+)*")  # a regex that is nothing but words
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
    hours: tuple[Hours, ...] = field(default=(), compare=False, repr=False)  # those that a matcher on hours means

    @property
    def is_negative(self) -> bool:
        return self.operator in ("!=", "!~")

    @property
    def is_wanted_label(self) -> bool:
        return self.name == "label" and not self.is_negative

    @property
    def needed(self) -> frozenset[str] | None:
        """The values of which a mention must have one for the matcher to hold; None: they cannot be told."""
        if self.is_negative or self.name not in TEXTS:
            return None
        if self.operator == "=":
            return frozenset((self.value,))
        if self.name in _VALUES:
            return frozenset(filter(self.accepts, _VALUES[self.name]))
        return frozenset(self.value.split("|")) if _PLAIN.fullmatch(self.value) else None

    def accepts(self, value: str) -> bool:
        """Whether the value itself is meant, whatever `!` then makes of it."""
        if self.pattern is None:
            return value == self.value
        is_open = self.name != "label" or value not in QUIET or value in self.spelled
        return is_open and self.pattern.fullmatch(value) is not None


@dataclass(frozen=True, slots=True)
class Facts:
    """What matchers look at."""

    verdict: Verdict
    texts: Mapping[str, str]
    numbers: Mapping[str, float | None]
    at: datetime  # for `hours`
    _open: dict[str, bool] = field(default_factory=dict, init=False)

    @classmethod
    def of(cls, mention: Mention, source_type: str, at: datetime) -> Facts:
        post, watchlist, verdict = mention.post, mention.watchlist, mention.verdict
        texts = {
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
        numbers = {"followers": post.followers, "rating": post.rating, "engagement": post.engagement}
        return cls(verdict, texts, numbers, at)

    def values(self, name: str) -> tuple[str, ...]:
        """What a text matcher of this name compares with."""
        return self.verdict.tags if name == "label" else (self.texts[name],)

    def is_open(self, hours: Hours) -> bool:
        """Whether the mention came within these hours."""
        if hours.name not in self._open:
            self._open[hours.name] = hours.contains(self.at)
        return self._open[hours.name]

    def label(self, name: str) -> str:
        """The one value by which mentions are grouped; of several labels the most severe."""
        return self.values(name)[0]


def first_failed(matchers: Sequence[RouteMatcher], facts: Facts) -> RouteMatcher | None:
    """The first of the matchers that does not hold; None: all hold. They share the `score` of their labels."""
    for matcher in matchers:
        if not _holds(matcher, matchers, facts):
            return matcher
    return None


def _holds(matcher: RouteMatcher, beside: Iterable[RouteMatcher], facts: Facts) -> bool:
    if matcher.name in _NUMBERS:
        value = score_of(facts.verdict, beside) if matcher.name == "score" else facts.numbers[matcher.name]
        return value is not None and _COMPARE[matcher.operator](value, matcher.number)
    if matcher.name == "hours":
        return any(map(facts.is_open, matcher.hours)) != matcher.is_negative
    return any(map(matcher.accepts, facts.values(matcher.name))) != matcher.is_negative


def score_of(verdict: Verdict, beside: Iterable[RouteMatcher]) -> float | None:
    """The highest probability among the carried labels that the label matchers beside it want (all, if none do).

    Of an unsure mention, or one without a label, it is that of the likeliest label; None: unclassified.
    """
    wanted = [matcher for matcher in beside if matcher.is_wanted_label]
    tags = [tag for tag in verdict.tags if not wanted or any(matcher.accepts(tag) for matcher in wanted)]
    is_quiet = any(tag in QUIET for tag in tags)
    scores = [value for label, value in verdict.probabilities.items() if is_quiet or label in tags]
    return max(scores, default=None)


def parse_matcher(text: str, hours: Mapping[str, Hours] | None = None) -> RouteMatcher:
    """Read `name operator value`, the value with or without quotes. Raises MatcherError.

    `hours` are those that a matcher on hours may name; None: it is read only to see whether it is one.
    """
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
    matcher = _text_matcher(name, sign, value, text.strip(), column)
    return matcher if name != "hours" or hours is None else _bind(matcher, hours, column)


def _text_matcher(name: str, sign: str, value: str, text: str, column: int) -> RouteMatcher:
    if sign in ("=", "!="):
        _check_value(name, value, column)
        return RouteMatcher(name, sign, value, text)
    matcher = RouteMatcher(name, sign, value, text, 0.0, _compile(value, column), _alternatives(value))
    if name in _VALUES and not any(map(matcher.accepts, _VALUES[name])):
        raise MatcherError(f"matches no {name}; expected a pattern for: {', '.join(_VALUES[name])}", column)
    return matcher


def _bind(matcher: RouteMatcher, hours: Mapping[str, Hours], column: int) -> RouteMatcher:
    found = tuple(one for name, one in hours.items() if matcher.accepts(name))
    if not found:
        raise MatcherError(f"no hours are called so{_nearest(matcher.value, tuple(hours))}", column)
    return replace(matcher, hours=found)


def _wrong_name(name: str) -> str:
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
