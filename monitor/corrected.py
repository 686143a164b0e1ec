"""Mentions as people said that they are, in place of what the classifier took them for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from monitor.chunks import chunks
from monitor.schema import corrections
from rules.base import NONE, Label, Mention, Sentiment


def as_said(mention: Mention, labels: Collection[Label], sentiment: Sentiment | None) -> Mention:
    """The mention as somebody says that it is: for certain. No labels: nothing of it."""
    verdict = replace(
        mention.verdict,
        probabilities={label: float(label in labels) for label in Label},
        tags=tuple(label.value for label in Label if label in labels) or (NONE,),
        sentiment=sentiment or mention.verdict.sentiment,
    )
    return replace(mention, verdict=verdict)


def with_corrections(connection: Connection, found: Sequence[Mention]) -> tuple[Mention, ...]:
    """The mentions, the corrected ones among them as they were corrected."""
    said: dict[int, tuple[list[Label], Sentiment | None]] = {}
    ids = sorted({mention.id for mention in found})
    for chunk in chunks(ids):
        query = sa.select(corrections.c.mention_id, corrections.c.labels, corrections.c.sentiment)
        for row in connection.execute(query.where(corrections.c.mention_id.in_(chunk))):
            sentiment = Sentiment(row.sentiment) if row.sentiment else None
            said[row.mention_id] = ([Label(label) for label in row.labels], sentiment)
    return tuple(as_said(mention, *said[mention.id]) if mention.id in said else mention for mention in found)
