"""What mentions really were, as people said: kept for good, so that the classifier can learn from its mistakes.

A correction keeps the text as the classifier read it (names masked as TARGET and OTHER) and what it said of it, so that
it needs neither the post nor the watchlist any more. It goes only when the source withdraws the post.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from monitor.judge import other_names
from monitor.schema import corrections, mentions, posts, revisions, verdicts
from rules.base import Label, Sentiment, View, Watchlist
from rules.masking import mask


class UncorrectableError(Exception):
    """This mention cannot be corrected; the message says why."""


@dataclass(frozen=True, slots=True)
class Remark:
    """What somebody says that mentions really were. No labels: nothing of it. `sentiment` None: nothing said."""

    labels: frozenset[Label]
    sentiment: Sentiment | None
    by: str
    at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """What the model had said: probabilities 0-1 ({} where it failed) and tags. `model` is its name and version."""

    probabilities: Mapping[Label, float]
    tags: tuple[str, ...]
    sentiment: Sentiment
    model: str


@dataclass(frozen=True, slots=True)
class Correction:
    """The remark on one mention, its masked text and language (ISO 639-1, "und": unknown), what the model had said."""

    mention_id: int
    watchlist: str
    remark: Remark
    text: str
    lang: str
    said: Said


def correct(connection: Connection, mention_id: int, remark: Remark, watchlists: Mapping[str, Watchlist]) -> Correction:
    """Keep the remark on a mention in place of an earlier one. `watchlists` name the targets that are masked.

    Raises UncorrectableError for a mention that is unknown, withdrawn, or of a watchlist that there is no more.
    """
    row = connection.execute(_as_classified(mention_id)).one_or_none()
    if row is None:
        raise UncorrectableError(f"mention {mention_id} is unknown; `mentiond cases` lists them")
    if row.deleted_at is not None:
        raise UncorrectableError(f"mention {mention_id} was withdrawn by its source, nothing of its text is left")
    watchlist = watchlists.get(row.watchlist)
    if watchlist is None:
        raise UncorrectableError(
            f"mention {mention_id} belongs to the watchlist {row.watchlist}, which the configuration does not have: "
            "its names cannot be masked"
        )
    said = Said(_probabilities(row.probabilities), tuple(row.tags), Sentiment(row.sentiment), row.model)
    correction = Correction(mention_id, watchlist.name, remark, _masked(row, watchlist, watchlists), row.lang, said)
    _store(connection, correction)
    return correction


def _as_classified(mention_id: int) -> sa.Select[Any]:
    """The mention with the text of the revision that was classified, and the verdict on it."""
    earlier = sa.and_(revisions.c.post_id == posts.c.id, revisions.c.revision == mentions.c.revision)
    read = sa.and_(verdicts.c.mention_id == mentions.c.id, verdicts.c.revision == mentions.c.revision)
    return (
        sa.select(
            mentions.c.watchlist,
            sa.func.coalesce(revisions.c.title, posts.c.title).label("title"),
            sa.func.coalesce(revisions.c.text, posts.c.text).label("text"),
            posts.c.deleted_at,
            *(verdicts.c[name] for name in ("probabilities", "tags", "sentiment", "lang", "model")),
        )
        .join(posts, posts.c.id == mentions.c.post_id)
        .join(verdicts, read)
        .outerjoin(revisions, earlier)
        .where(mentions.c.id == mention_id)
    )


def _masked(row: sa.Row[Any], watchlist: Watchlist, watchlists: Mapping[str, Watchlist]) -> str:
    names = watchlist.names
    return mask(View(row.title, row.text, None, names, other_names(watchlists.values(), names) if names else ()))


def _store(connection: Connection, correction: Correction) -> None:
    remark, said = correction.remark, correction.said
    values = {
        "watchlist": correction.watchlist,
        "labels": in_order(remark.labels),
        "sentiment": remark.sentiment and remark.sentiment.value,
        "by": remark.by,
        "at": remark.at,
        "note": remark.note,
        "text": correction.text,
        "lang": correction.lang,
        "said": {"labels": dict(said.probabilities), "tags": list(said.tags), "sentiment": said.sentiment.value},
        "model": said.model,
    }
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert(corrections).values(mention_id=correction.mention_id, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["mention_id"], set_=values))


def in_order(labels: frozenset[Label]) -> list[str]:
    """Labels by their severity, worst first."""
    return [label.value for label in Label if label in labels]


def read_corrections(connection: Connection) -> list[Correction]:
    """Every correction, the newest first."""
    query = sa.select(corrections).order_by(corrections.c.at.desc(), corrections.c.mention_id.desc())
    return [_read(row) for row in connection.execute(query)]


def read_correction(connection: Connection, mention_id: int) -> Correction:
    """The correction of a mention that has one."""
    return _read(connection.execute(sa.select(corrections).where(corrections.c.mention_id == mention_id)).one())


def _read(row: sa.Row[Any]) -> Correction:
    sentiment = None if row.sentiment is None else Sentiment(row.sentiment)
    remark = Remark(frozenset(map(Label, row.labels)), sentiment, row.by, row.at, row.note)
    said = Said(
        _probabilities(row.said["labels"]), tuple(row.said["tags"]), Sentiment(row.said["sentiment"]), row.model
    )
    return Correction(row.mention_id, row.watchlist, remark, row.text, row.lang, said)


def _probabilities(stored: Mapping[str, float]) -> dict[Label, float]:
    return {Label(label): chance for label, chance in stored.items()}
