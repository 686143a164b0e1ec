"""What an explanation consists of: facts for programs, from which the sentences for people are made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from alerts.base import CaseView


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to send."""

    at: datetime
    outcome: str  # sent, failed, dead, stopped
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldAlert:
    """A row of `alerts`, and why it is in the state that it is in."""

    id: int
    receiver: str
    recipient: str
    reason: str
    state: str
    why: str  # one sentence
    routes: tuple[str, ...]
    created_at: datetime
    told_at: datetime | None  # when the receiver heard, by this alert or by the digest that it is in
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class LabelChance:
    """One label beside its band; without thresholds where the model cannot be read."""

    label: str
    probability: float
    threshold: float | None
    floor: float | None
    cues: tuple[str, ...]
    standing: str  # carried, no cue, candidate, below; "" where the band is not known


@dataclass(frozen=True, slots=True)
class TriedRoute:
    """A route of the tree as it is now."""

    depth: int
    text: str  # its matchers and receiver
    outcome: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldMention:
    """A mention of the post."""

    id: int
    watchlist: str
    kind: str
    is_configured: bool
    query: str
    terms: tuple[str, ...]
    marked: str  # the text around what matched, with it in brackets
    created_at: datetime
    tags: tuple[str, ...]
    sentiment: str
    lang: str
    model: str
    model_now: str  # whose thresholds are shown
    chances: tuple[LabelChance, ...]
    corrected: str  # by whom and when people said otherwise; "": nobody did
    routes: tuple[TriedRoute, ...]
    receivers: tuple[str, ...]  # who would hear of it by the routes as they are now
    alerts: tuple[ToldAlert, ...]
    case: CaseView | None

    @property
    def is_heard(self) -> bool:
        """Whether somebody has been told."""
        return any(alert.told_at is not None for alert in self.alerts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearness:
    """A watchlist that made no mention of the post."""

    watchlist: str
    query: str
    matches_now: bool  # its query as it is now would find the post
    found: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldPost:
    """What is known of one post; of one that is known by `seen` alone, only where and when."""

    source: str
    source_type: str
    external_id: str
    first_seen: datetime | None
    last_seen: datetime | None
    is_kept: bool  # its words are here
    is_own: bool
    is_shown: bool = False  # its words stand on a page of its source now, and nowhere here
    url: str | None = None
    author: str | None = None
    title: str = ""
    text: str = ""
    published_at: datetime | None = None
    fetched_at: datetime | None = None
    deleted_at: datetime | None = None
    edits: int = 0
    copies: tuple[str, ...] = ()  # where else it stands
    mentions: tuple[ToldMention, ...] = ()
    others: tuple[Nearness, ...] = ()


@dataclass(frozen=True, slots=True)
class Suspect:
    """A source that could hide a post that was never seen."""

    source: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """All posts that the target means; none: it was never seen, or is forgotten."""

    target: str
    posts: tuple[ToldPost, ...] = ()
    suspects: tuple[Suspect, ...] = ()
    hints: tuple[str, ...] = ()  # what to try
    notice: str = ""  # of an alert that is about no post: what it says
