"""The tables of the store, one schema for SQLite and PostgreSQL. Times are UTC; JSON is kept as text.

What makes things unique is here and nowhere else: (source, part), (source, external_id), (post, watchlist),
(mention, revision) and the alert key (subject, receiver, recipient, reason, n).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    literal_column,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection


def _without_zone(value: datetime | None) -> str | None:
    """As SQLAlchemy writes it on SQLite, at a third of the cost."""
    return None if value is None else value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


class UtcDateTime(TypeDecorator[datetime]):
    """A timezone-aware UTC datetime; SQLite keeps it without the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any] | None:
        return _without_zone if dialect.name == "sqlite" else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def storable_text(text: str) -> str:
    """The text without what the databases refuse: NUL (PostgreSQL) and lone surrogates (both)."""
    if "\0" in text:
        text = text.replace("\0", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def _storable(text: str | None) -> str | None:
    return None if text is None else storable_text(text)


class StorableText(TypeDecorator[str]):
    """Text that goes in whatever a server wrote: no id, error or reply of theirs can make a transaction fail."""

    impl = Text
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[str | None], str | None]:
        return _storable


class JsonText(TypeDecorator[Any]):
    """JSON as text: the same bytes on both databases, and free of what PostgreSQL's jsonb refuses (\\u0000)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


def insert_new(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """INSERT ... ON CONFLICT DO NOTHING in the words of the connection's database."""
    return _insertion(connection.dialect.name, table)


@cache
def _insertion(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    if dialect == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing()
    return postgresql.insert(table).on_conflict_do_nothing()


# SQLite gives out row ids only for INTEGER keys; PostgreSQL wants room.
Id = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData()

cursors = Table(
    "cursors",
    metadata,
    Column("source", StorableText, primary_key=True),
    Column("part", StorableText, primary_key=True),
    Column("fingerprint", StorableText, nullable=False),  # of what the cursor points into
    Column("cursor", JsonText, nullable=False),
    Column("version", Integer, nullable=False),  # moves with every page: the condition of the update
    Column("pass_number", Integer, nullable=False),
    Column("pass_started_at", UtcDateTime),  # NULL between two passes
    Column("finished_at", UtcDateTime),  # end of the last finished pass; NULL: the first is not finished
    Column("body_at", UtcDateTime),  # last page that had a body
    Column("reached_at", UtcDateTime),  # up to when the source has been read, by its own clock
    Column("left", StorableText),  # of a budget, for the operator
    Column("due_at", UtcDateTime, nullable=False),
    Column("posts", BigInteger, nullable=False),  # new posts so far
    Column("asked_until", UtcDateTime),  # the server asked to be left alone until then (Retry-After)
    Column("failures", Integer, nullable=False),  # in a row
    Column("error", StorableText),
    Column("error_since", UtcDateTime),
    Column("disabled", StorableText),  # why it is switched off; NULL: it is on
    Column("lease_until", UtcDateTime),  # another node polls it until then; NULL: whoever is active may
    Column("lease_token", StorableText),  # that node's
)

gaps = Table(
    "gaps",
    metadata,
    Column("id", Id, primary_key=True),
    Column("source", StorableText, nullable=False),
    Column("part", StorableText, nullable=False),
    Column("noticed_at", UtcDateTime, nullable=False),
    Column("detail", StorableText, nullable=False),
    Index("gaps_by_source", "source", "noticed_at"),
)

seen = Table(
    "seen",
    metadata,
    Column("source", StorableText, primary_key=True),
    Column("external_id", StorableText, primary_key=True),
    Column("content_hash", StorableText, nullable=False),
    Column("first_seen", UtcDateTime, nullable=False),
    Column("last_seen", UtcDateTime, nullable=False),
    Index("seen_by_age", "source", "last_seen"),
    sqlite_with_rowid=False,
)

posts = Table(
    "posts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("source", StorableText, nullable=False),
    Column("external_id", StorableText, nullable=False),
    Column("content_hash", StorableText, nullable=False),
    Column("revision", Integer, nullable=False),  # 1 = as first fetched
    Column("url", StorableText),
    Column("author", StorableText),
    Column("title", StorableText, nullable=False),
    Column("text", StorableText, nullable=False),
    Column("published_at", UtcDateTime, nullable=False),
    Column("dated", Boolean, nullable=False),
    Column("published_raw", StorableText),
    Column("lang", StorableText),
    Column("kind", StorableText, nullable=False),
    Column("parent", StorableText),
    Column("thread", StorableText),
    Column("rating", Float),
    Column("engagement", BigInteger),
    Column("followers", BigInteger),
    Column("answered", Boolean),  # by the brand at the source; NULL: it does not say
    Column("story_id", Id),  # id of the post that this one is a copy of; NULL: it is no copy
    Column("person", StorableText),  # who wrote it, across sources where the operator maps identities
    Column("raw", StorableText, nullable=False),
    Column("matched", Boolean, nullable=False),
    Column("fetched_at", UtcDateTime, nullable=False),
    Column("deleted_at", UtcDateTime),  # the source withdrew it: its words are gone from here too
    UniqueConstraint("source", "external_id"),
    Index("posts_by_age", "matched", "fetched_at"),
    Index("posts_by_story", "story_id"),
    Index("posts_by_person", "person"),
    Index("posts_by_thread", "source", "thread"),
    sqlite_autoincrement=True,  # an id is never given out again, alert keys live on it
)

own_posts = Table(
    "own_posts",  # what the brand's own accounts wrote: it answers cases, also of posts that are read only later
    metadata,
    Column("source", StorableText, primary_key=True),
    Column("external_id", StorableText, primary_key=True),
    Column("parent", StorableText),
    Column("thread", StorableText),
    Column("author", StorableText, nullable=False),
    Column("published_at", UtcDateTime, nullable=False),
    Column("fetched_at", UtcDateTime, nullable=False),
    Index("own_posts_by_parent", "source", "parent"),
    Index("own_posts_by_thread", "source", "thread"),
    Index("own_posts_by_age", "fetched_at"),
)

inbox = Table(
    "inbox",
    metadata,
    Column("id", Id, primary_key=True),
    Column("source", StorableText, nullable=False),
    Column("key", StorableText, nullable=False),  # of its delivery: the same one twice is kept once
    Column("received_at", UtcDateTime, nullable=False),
    Column("content_type", StorableText, nullable=False),
    Column("body", LargeBinary, nullable=False),
    UniqueConstraint("source", "key"),
    Index("inbox_by_source", "source", "id"),
    sqlite_autoincrement=True,  # cursors point into it
)

revisions = Table(
    "revisions",
    metadata,
    Column("post_id", Id, ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("title", StorableText, nullable=False),
    Column("text", StorableText, nullable=False),
    Column("rating", Float),
    Column("replaced_at", UtcDateTime, nullable=False),
)

mentions = Table(
    "mentions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("post_id", Id, ForeignKey("posts.id", ondelete="CASCADE"), nullable=False),
    Column("watchlist", StorableText, nullable=False),
    Column("watchlist_kind", StorableText, nullable=False),
    Column("revision", Integer, nullable=False),  # of the post, when this match and its verdict were made
    Column("spans", JsonText, nullable=False),  # [[field, start, end], ...]
    Column("terms", JsonText, nullable=False),
    Column("personal", JsonText, nullable=False, server_default="[]"),  # [[field, start, end, kind], ...] in its text
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("post_id", "watchlist"),
    sqlite_autoincrement=True,
)

verdicts = Table(
    "verdicts",
    metadata,
    Column("mention_id", Id, ForeignKey("mentions.id", ondelete="CASCADE"), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("probabilities", JsonText, nullable=False),
    Column("tags", JsonText, nullable=False),
    Column("sentiment", StorableText, nullable=False),
    Column("lang", StorableText, nullable=False),
    Column("cues", JsonText, nullable=False),
    Column("sure", Boolean, nullable=False),
    Column("model", StorableText, nullable=False),
    Column("unclassified", Boolean, nullable=False),
    Index(
        "verdicts_unclassified", "mention_id", sqlite_where=text("unclassified"), postgresql_where=text("unclassified")
    ),
)

# Without bound values: an index over some rows serves a query that says of them the very same.
IS_QUIET = verdicts.c.tags.in_([literal_column("""'["unsure"]'"""), literal_column("""'["none"]'""")])
Index("verdicts_quiet", verdicts.c.tags, verdicts.c.mention_id, sqlite_where=IS_QUIET, postgresql_where=IS_QUIET)

cases = Table(
    "cases",
    metadata,
    Column("mention_id", Id, ForeignKey("mentions.id", ondelete="CASCADE"), primary_key=True),
    Column("watchlist", StorableText, nullable=False),  # of its mention, for lists
    Column("label", StorableText, nullable=False),  # what its mention is first of all, people's corrections included
    Column("state", StorableText, nullable=False),  # new, claimed, answered, dismissed
    Column("owner", StorableText),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),  # when its mention was stored, or it was opened again
    Column("is_direct", Boolean, nullable=False),  # addressed to the brand, not only about it
    Column("priority", Integer, nullable=False),  # 0-100, higher first; grows while nobody takes the case on
    Column("waited", Integer, nullable=False),  # how often its priority has grown
    Column(
        "sla", JsonText
    ),  # {"first_response", "warn_before": seconds, "hours": name or null, "receivers"}; NULL: none
    Column("due_at", UtcDateTime),  # first response within the SLA; NULL: nobody promised one
    Column("clock_at", UtcDateTime),  # when the SLA speaks next: the warning, then the breach; NULL: never
    Column("responded_at", UtcDateTime),  # the first answer; stays when the case is opened again
    Column("snoozed_until", UtcDateTime),
    Column("tags", JsonText, nullable=False),
    Column("revision", Integer, nullable=False),  # of what receivers show of it: updates are rendered from it
    Index("cases_by_state", "state", "priority", "mention_id"),
    Index("cases_by_owner", "state", "owner", "priority", "mention_id"),
    Index("cases_by_label", "state", "label", "priority", "mention_id"),
    Index("cases_by_watchlist", "state", "watchlist", "priority", "mention_id"),
    Index("cases_by_clock", "clock_at"),
    Index("cases_by_snooze", "snoozed_until"),
)

IS_NEW = cases.c.state == literal_column("'new'")
IS_PROMISED = cases.c.due_at.is_not(None)
Index(
    "cases_promised",
    *(cases.c[name] for name in ("state", "priority", "mention_id", "due_at")),
    sqlite_where=IS_PROMISED,
    postgresql_where=IS_PROMISED,
)
Index("cases_waiting", cases.c.waited, cases.c.opened_at, sqlite_where=IS_NEW, postgresql_where=IS_NEW)

case_events = Table(
    "case_events",
    metadata,
    Column("id", Id, primary_key=True),
    Column("mention_id", Id, ForeignKey("mentions.id", ondelete="CASCADE"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("by", StorableText, nullable=False),
    Column("through", StorableText, nullable=False, server_default="cli"),  # cli, slack, mail, source, mentiond
    Column("action", StorableText, nullable=False),
    Column("note", StorableText, nullable=False),
    Column("key", StorableText),  # of the press that caused it: the same one twice is taken once
    Index("case_events_by_key", "mention_id", "key", unique=True),
    Index("case_events_by_mention", "mention_id", "id"),
)

escalations = Table(
    "escalations",
    metadata,
    Column("mention_id", Id, ForeignKey("mentions.id", ondelete="CASCADE"), primary_key=True),
    Column("chain", JsonText, nullable=False),  # as configured when it began: [{"after", "receiver", "on_call"}, ...]
    Column("step", Integer, nullable=False),  # the next one, from 0
    Column("next_at", UtcDateTime),  # NULL: it has ended
    Column("fence", Integer, nullable=False),  # moves with every step and start: the condition of each update
    Column("started_at", UtcDateTime, nullable=False),
    Column("ended_by", StorableText),  # who or what ended it
    Index("escalations_by_time", "next_at"),
)

groups = Table(
    "groups",
    metadata,
    Column("id", Id, primary_key=True),
    Column("receiver", StorableText, nullable=False),
    Column("key", StorableText, nullable=False),  # what its members have in common, as canonical JSON
    Column("labels", JsonText, nullable=False),  # the same for people: {"watchlist": "acme", ...}
    Column("is_storm", Boolean, nullable=False),  # made by the storm brake; grows after its message is out
    Column("opened_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime),  # NULL: it takes members
    Column("revision", Integer, nullable=False),  # moves with every change that its message shows
    Index(
        "groups_open",
        "receiver",
        "key",
        unique=True,
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
    ),
    Index("groups_by_key", "receiver", "key", "id"),
    sqlite_autoincrement=True,
)

group_members = Table(
    "group_members",
    metadata,
    Column("group_id", Id, ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True),
    Column("mention_id", Id, ForeignKey("mentions.id", ondelete="CASCADE"), primary_key=True),
    Column("joined_at", UtcDateTime, nullable=False),
    Index("group_members_by_mention", "mention_id"),
    Index("group_members_by_time", "group_id", "joined_at"),
)

silences = Table(
    "silences",
    metadata,
    Column("id", Id, primary_key=True),
    Column("matchers", JsonText, nullable=False),  # as written; all must hold
    Column("starts_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime),  # NULL: until it is expired
    Column("by", StorableText, nullable=False),
    Column("comment", StorableText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index("silences_by_end", "ends_at"),
    sqlite_autoincrement=True,
)

corrections = Table(
    "corrections",
    metadata,
    # No foreign key: a correction outlives its post's retention. The ids of mentions are never given out again.
    Column("mention_id", Id, primary_key=True, autoincrement=False),
    Column("watchlist", StorableText, nullable=False),
    Column("labels", JsonText, nullable=False),  # what it really was; [] = no label
    Column("sentiment", StorableText),  # NULL: nothing was said of it
    Column("by", StorableText, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("note", StorableText, nullable=False),
    Column("text", StorableText, nullable=False),  # as the classifier read it, names masked
    Column("lang", StorableText, nullable=False),
    Column("said", JsonText, nullable=False),  # by the model: {"labels": {label: probability}, "tags", "sentiment"}
    Column("model", StorableText, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("subject", StorableText, nullable=False),
    Column("receiver", StorableText, nullable=False),
    Column("recipient", StorableText, nullable=False),
    Column("reason", StorableText, nullable=False),
    Column("n", Integer, nullable=False),
    Column("mention_id", Id, ForeignKey("mentions.id", ondelete="CASCADE"), index=True),  # NULL: group, digest, notice
    Column("group_id", Id, ForeignKey("groups.id", ondelete="CASCADE"), index=True),
    Column("routes", JsonText, nullable=False),
    Column("intervals", JsonText, nullable=False, server_default="[]"),  # per route {"mute": [..], "active": [..]}
    Column("called", JsonText, nullable=False, server_default="[]"),  # names of members whom it calls
    Column("revision", Integer, nullable=False, server_default="0"),  # of an update: what its subject has reached
    Column("repeat_every", Float),  # seconds: it speaks up again while its case is open; NULL: never
    Column("notice", StorableText, nullable=False),  # text for the operator; "" for what people wrote
    Column("state", StorableText, nullable=False),  # owed, sent, dead, held, dropped
    Column("held_for", StorableText, index=True),  # subject of the digest that offers a held alert
    Column("created_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("possibly_sent", Boolean, nullable=False),  # an earlier reply was lost
    Column("lease_token", StorableText),  # NULL: nobody is sending it
    Column("lease_until", UtcDateTime),
    Column("failed_since", UtcDateTime),
    Column("error", StorableText),
    Column("sent_at", UtcDateTime),
    Column("reference", StorableText),
    UniqueConstraint("subject", "receiver", "recipient", "reason", "n"),
    Index("alerts_by_state", "state", "receiver", "id"),
    Index("alerts_by_time", "receiver", "created_at"),
    sqlite_autoincrement=True,
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("alert_id", Id, ForeignKey("alerts.id", ondelete="CASCADE"), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("outcome", StorableText, nullable=False),  # sent, failed, dead, stopped
    Column("detail", StorableText, nullable=False),  # the receipt or the error
    Index("attempts_by_alert", "alert_id", "id"),
    Index("attempts_by_time", "at"),
)

installation = Table(
    "installation",
    metadata,
    Column("key", StorableText, primary_key=True),
    Column("value", StorableText, nullable=False),  # made once and kept: what signs the links in mails
)

forgotten = Table(
    "forgotten",  # authors who were erased: nothing of them is stored again
    metadata,
    Column("place", StorableText, primary_key=True),  # where the name holds: a source, or a type of source
    Column("digest", StorableText, primary_key=True),  # of the account's name, with the key of this installation
    Column("at", UtcDateTime, nullable=False),
)

channels = Table(
    "channels",
    metadata,
    Column("receiver", StorableText, primary_key=True),
    Column("next_at", UtcDateTime, nullable=False),  # pace and pauses: nothing is sent before
    Column("failures", Integer, nullable=False),  # in a row
    Column("error", StorableText),
    Column("error_since", UtcDateTime),
    Column("stopped", StorableText),  # the channel's permanent error; NULL: it is on
    # As configured at the last start, for whoever writes alerts and has no configuration:
    Column("updatable", Boolean, nullable=False, server_default=false()),  # its messages can be edited in place
    Column("storm_count", Integer),  # more mentions of a watchlist than that within `storm_seconds` share a message
    Column("storm_seconds", Float),
    Column("digest", JsonText),  # when it is told what it gathers; NULL: at once
)
