"""Mentions made up of what matchers look at, to ask the routing tree about; `tests` of the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from monitor.config_errors import suggest
from rules.base import (
    NONE,
    UNCLASSIFIED,
    UNSURE,
    Label,
    Match,
    Mention,
    Sentiment,
    Verdict,
    Watchlist,
    WatchlistKind,
)
from sources.base import Post, PostKind, Settings

_ALONE: Final = (UNSURE, NONE, UNCLASSIFIED)
_TAGS: Final = [*map(str, Label), *_ALONE]


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else (value,) if isinstance(value, str) else value


def _check_tags(tags: tuple[str, ...]) -> tuple[str, ...]:
    for tag in tags:
        if tag not in _TAGS:
            raise ValueError(f"a label{suggest(tag, _TAGS)}")
        if tag in _ALONE and len(tags) > 1:
            raise ValueError(f"either labels or {tag}: no mention is both")
    return tags


Tags = Annotated[
    tuple[str, ...],
    BeforeValidator(_as_tuple),
    Field(min_length=1),
    AfterValidator(_check_tags),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "enum": _TAGS},
                {"type": "array", "minItems": 1, "items": {"type": "string", "enum": _TAGS}},
            ]
        }
    ),
]


class SampleSettings(Settings):
    """What matchers look at. What is left out: a brand, the highest label's certainty, nothing known of the post."""

    label: Tags = Field(description="a label or several; unsure, none or unclassified")
    score: float = Field(0.9, ge=0, le=1, description="the probability of each label")
    watchlist: str | None = Field(None, description="brings its kind and team along")
    watchlist_kind: WatchlistKind | None = Field(None, description="brand unless the watchlist says otherwise")
    team: str | None = Field(None, description="that of the watchlist unless given")
    source: str | None = Field(None, description="brings its type along")
    source_type: str | None = Field(None, description="that of the source unless given")
    post_kind: PostKind = Field(PostKind.POST, description="post, comment, review, article or message")
    lang: str = Field("de", description="the language as recognised")
    sentiment: Sentiment = Field(Sentiment.NEUTRAL, description="positive, neutral or negative")
    author: str | None = Field(None, description="as the source states it")
    followers: int | None = Field(None, description="of the author")
    rating: float | None = Field(None, description="on the portal's own scale")
    engagement: int | None = Field(None, description="likes, replies and the like")


def check_moment(value: str) -> str:
    """A date and time in ISO 8601 as it is. Raises ValueError."""
    try:
        datetime.fromisoformat(value)
    except ValueError:
        raise ValueError('a date and time such as "2026-11-02 09:00"') from None
    return value


def read_moment(text: str, timezone: str) -> datetime:
    """A checked moment; without an offset it is local to the zone."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(timezone))


class RouteTestSettings(Settings):
    """A mention, and who is to hear of it."""

    name: str = Field(min_length=1, description="what it shows")
    mention: SampleSettings = Field(description="what matchers look at, by their names")
    at: Annotated[str, AfterValidator(check_moment)] | None = Field(
        None, description="when it is routed, wanted where a matcher looks at `hours`"
    )
    receivers: tuple[str, ...] = Field(description="who hears of it, in any order; []: nobody")


def build_sample(sample: SampleSettings, watchlists: Mapping[str, Watchlist], at: datetime) -> Mention:
    """The mention. Its watchlist is one of these."""
    known = watchlists.get(sample.watchlist or "", Watchlist("", WatchlistKind.BRAND, ""))
    kind, team = sample.watchlist_kind or known.kind, known.team if sample.team is None else sample.team
    return Mention(
        post=Post(
            source=sample.source or "",
            external_id="sample",
            text="",
            published_at=at,
            author=sample.author,
            kind=sample.post_kind,
            rating=sample.rating,
            followers=sample.followers,
            engagement=sample.engagement,
        ),
        watchlist=Watchlist(known.name, kind, known.query, known.names, team),
        match=Match(known.name, (), ()),
        verdict=Verdict(
            probabilities=_probabilities(sample),
            tags=tuple(sorted(sample.label, key=_TAGS.index)),
            sentiment=sample.sentiment,
            lang=sample.lang,
        ),
    )


def _probabilities(sample: SampleSettings) -> dict[Label, float]:
    """Of every label carried; of a mention without one, that of the likeliest label."""
    carried = [Label(tag) for tag in sample.label if tag not in _ALONE]
    likeliest = [] if UNCLASSIFIED in sample.label else [Label.COMPLAINT]
    return dict.fromkeys(carried or likeliest, sample.score)
