"""How a watchlist's query could be better: from what people did with its mentions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import CaseState
from monitor.schema import cases, mentions, posts, verdicts
from rules.base import Label
from rules.salience import Salient, Suggestions, Words, buyers_words, suggest

LATEST = 20_000  # mentions of each kind that are read
FEWEST = 5  # of each of two groups: fewer say nothing


@dataclass(frozen=True, slots=True)
class Advice:
    """Words, and how many mentions they come from. Empty where one of two groups has fewer than `FEWEST` mentions."""

    acted_on: int
    dismissed: int
    purchases: int
    others: int
    suggestions: Suggestions
    buyers: tuple[Salient, ...]


def advise(connection: Connection, watchlist: str, since: datetime, everyday: Sequence[Words]) -> Advice:
    """What sets apart what people claimed or answered from what they dismissed; and how buyers speak."""
    acted_on, terms = _texts(
        connection, watchlist, since, cases.c.state.in_([CaseState.CLAIMED.value, CaseState.ANSWERED.value])
    )
    dismissed, more = _texts(connection, watchlist, since, cases.c.state == CaseState.DISMISSED.value)
    buys = sa.cast(verdicts.c.tags, sa.Text).contains(f'"{Label.PURCHASE_SIGNAL}"')
    purchases, found = _texts(connection, watchlist, since, buys)
    others, _ = _texts(connection, watchlist, since, ~buys)
    known = terms | more | found
    return Advice(
        len(acted_on),
        len(dismissed),
        len(purchases),
        len(others),
        suggest(acted_on, dismissed, known, everyday) if _suffice(acted_on, dismissed) else Suggestions((), ()),
        tuple(buyers_words(purchases, others, known, everyday)) if _suffice(purchases, others) else (),
    )


def _suffice(*groups: Sequence[str]) -> bool:
    return all(len(group) >= FEWEST for group in groups)


def _texts(
    connection: Connection, watchlist: str, since: datetime, which: sa.ColumnElement[bool]
) -> tuple[list[str], set[str]]:
    """Titles and texts of mentions, the newest first, and the terms that found them."""
    read = sa.and_(verdicts.c.mention_id == mentions.c.id, verdicts.c.revision == mentions.c.revision)
    query = (
        sa.select(posts.c.title, posts.c.text, mentions.c.terms)
        .join(posts, posts.c.id == mentions.c.post_id)
        .join(verdicts, read)
        .outerjoin(cases, cases.c.mention_id == mentions.c.id)
        .where(mentions.c.watchlist == watchlist, mentions.c.created_at >= since, posts.c.deleted_at.is_(None), which)
        .order_by(mentions.c.id.desc())
        .limit(LATEST)
    )
    rows = connection.execute(query).all()
    return [f"{row.title}\n{row.text}" for row in rows], {term for row in rows for term in row.terms}
