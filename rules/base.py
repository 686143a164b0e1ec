"""What the rules speak of: watchlists, matches, verdicts, mentions, routes. Plain data, no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from sources.base import Post


class Label(StrEnum):
    """What the author of a post does, as it concerns the target; the order is that of severity, worst first."""

    CRISIS = "crisis"
    COMPLAINT = "complaint"
    QUESTION = "question"
    PURCHASE_SIGNAL = "purchase_signal"
    SUGGESTION = "suggestion"
    PRAISE = "praise"


class Sentiment(StrEnum):
    """The author's attitude to the target."""

    POSITIVE = "positive"
    NEUTRAL = "neutral"
    NEGATIVE = "negative"


UNSURE = "unsure"  # no label carried, at least one candidate
NONE = "none"  # no label carried, no candidate
UNCLASSIFIED = "unclassified"  # the classifier failed


class WatchlistKind(StrEnum):
    """Whose mention it is; routing looks at it, the classifier does not."""

    BRAND = "brand"
    PRODUCT = "product"
    COMPETITOR = "competitor"
    TOPIC = "topic"
    CLAIM = "claim"


@dataclass(frozen=True, slots=True)
class Watchlist:
    """A named stored query; `names` are the terms that name its target, masked before the classifier reads."""

    name: str
    kind: WatchlistKind
    query: str
    names: tuple[str, ...] = ()
    team: str | None = None


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Where a term stands: characters start..end (end exclusive) of the post's field of that name."""

    field: str  # "title" or "text"
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Match:
    """Where a watchlist's query hit a post."""

    watchlist: str
    spans: tuple[Span, ...]  # ordered, title before text
    terms: tuple[str, ...]  # the query's terms that were found, as written in the query, each once


@dataclass(frozen=True, slots=True)
class View:
    """One post as seen from one target: what the classifier reads."""

    title: str
    text: str
    lang: str | None  # ISO 639-1 as the source states it; None: the classifier finds out
    names: tuple[str, ...] = ()  # names of the target, read as TARGET
    others: tuple[str, ...] = ()  # names of every other watchlist, read as OTHER


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the classifier says of one view; probabilities are 0-1 for every label, {} when unclassified."""

    probabilities: Mapping[Label, float]
    tags: tuple[str, ...]  # labels carried, most severe first; else ("unsure",), ("none",) or ("unclassified",)
    sentiment: Sentiment
    lang: str
    cues: Mapping[Label, tuple[str, ...]] = field(default_factory=dict)  # words that carried each tag or candidate
    sure: bool = True  # False: read by the shared pipeline for languages without one of their own
    model: str = ""  # name and version of what decided

    @property
    def is_classified(self) -> bool:
        return self.tags != (UNCLASSIFIED,)


class Classifier(Protocol):
    """Decides what posts are. Blocking and CPU-bound: the caller runs it off the event loop."""

    def classify(self, views: Sequence[View]) -> list[Verdict]:
        """One verdict per view, in order; one run per distinct masked text."""
        ...


class Matcher(Protocol):
    """Finds the watchlists whose queries hit a post."""

    def match(self, post: Post) -> list[Match]:
        """Matches in the order of the watchlists' names; [] where none hits."""
        ...


class PersonalKind(StrEnum):
    """What identifies or can harm a person when it is passed on."""

    PHONE = "phone"
    MAIL = "mail"
    IBAN = "iban"
    ORDER = "order"  # order, customer, contract and booking numbers


@dataclass(frozen=True, slots=True)
class Personal:
    """Personal data in a post, and where."""

    kind: PersonalKind
    span: Span


@dataclass(frozen=True, slots=True)
class Mention:
    """Post x Watchlist with its match and verdict: the thing people work on. `id` is 0 until it is stored."""

    post: Post
    watchlist: Watchlist
    match: Match
    verdict: Verdict
    id: int = 0
    personal: tuple[Personal, ...] = ()  # in its post, in the order of the text
