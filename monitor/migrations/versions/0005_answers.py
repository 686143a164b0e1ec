"""What leads an alert to its answer: groups, silences, stories, cases with clocks, escalations, attempts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from monitor.schema import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TAGS = (
    *("crisis", "complaint", "question", "purchase_signal", "suggestion", "praise"),
    *("unsure", "none"),
)
_WHENS = (f"WHEN verdicts.tags LIKE '[\"{tag}\"%' THEN '{tag}'" for tag in _TAGS)
_FIRST_TAG = f"CASE {' '.join(_WHENS)} ELSE 'unclassified' END"  # tags are ["complaint","question"], as text
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _mention_key(table: str) -> sa.Column[int]:
    return sa.Column(
        "mention_id", ID, sa.ForeignKey("mentions.id", ondelete="CASCADE", name=f"{table}_mention"), primary_key=True
    )


def upgrade() -> None:
    _widen_posts_and_mentions()
    _create_own_posts()
    _renew_cases()
    _create_escalations()
    _create_groups()
    _create_silences()
    _widen_alerts()
    _widen_channels()
    op.create_table(
        "installation",
        sa.Column("key", sa.Text(), primary_key=True),
        sa.Column("value", sa.Text(), nullable=False),
    )


def _widen_posts_and_mentions() -> None:
    op.add_column("posts", sa.Column("story_id", ID, nullable=True))
    op.add_column("posts", sa.Column("person", sa.Text(), nullable=True))
    op.create_index("posts_by_story", "posts", ["story_id"])
    op.create_index("posts_by_person", "posts", ["person"])
    op.create_index("posts_by_thread", "posts", ["source", "thread"])
    op.add_column("mentions", sa.Column("personal", sa.Text(), nullable=False, server_default="[]"))
    quiet = sa.text("""tags IN ('["unsure"]', '["none"]')""")
    op.create_index("verdicts_quiet", "verdicts", ["tags", "mention_id"], sqlite_where=quiet, postgresql_where=quiet)


def _create_own_posts() -> None:
    op.create_table(
        "own_posts",
        sa.Column("source", sa.Text(), primary_key=True),
        sa.Column("external_id", sa.Text(), primary_key=True),
        sa.Column("parent", sa.Text()),
        sa.Column("thread", sa.Text()),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=False),
        sa.Column("fetched_at", UtcDateTime(), nullable=False),
    )
    op.create_index("own_posts_by_parent", "own_posts", ["source", "parent"])
    op.create_index("own_posts_by_thread", "own_posts", ["source", "thread"])
    op.create_index("own_posts_by_age", "own_posts", ["fetched_at"])


def _renew_cases() -> None:
    """Columns that may not be NULL are filled from the mention; a new table is the one way both databases know."""
    op.rename_table("cases", "old_cases")
    op.create_table(
        "cases",
        _mention_key("cases"),
        sa.Column("watchlist", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text()),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("is_direct", sa.Boolean(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("waited", sa.Integer(), nullable=False),
        sa.Column("sla", sa.Text()),
        sa.Column("due_at", UtcDateTime()),
        sa.Column("clock_at", UtcDateTime()),
        sa.Column("responded_at", UtcDateTime()),
        sa.Column("snoozed_until", UtcDateTime()),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
    )
    op.execute(
        "INSERT INTO cases"
        " (mention_id, watchlist, label, state, owner, changed_at, opened_at, is_direct, priority, waited, tags,"
        " revision)"
        f" SELECT mentions.id, mentions.watchlist, {_FIRST_TAG}, coalesce(old.state, 'new'), old.owner,"
        " coalesce(old.changed_at, mentions.created_at), mentions.created_at, false, 0, 0, '[]', 0"
        " FROM mentions LEFT JOIN old_cases AS old ON old.mention_id = mentions.id"
        " LEFT JOIN verdicts ON verdicts.mention_id = mentions.id AND verdicts.revision = mentions.revision"
        " WHERE old.mention_id IS NOT NULL"
        " OR EXISTS (SELECT 1 FROM alerts WHERE alerts.mention_id = mentions.id)"
    )
    op.drop_table("old_cases")
    is_new, is_promised = sa.text("state = 'new'"), sa.text("due_at IS NOT NULL")
    op.create_index("cases_by_state", "cases", ["state", "priority", "mention_id"])
    op.create_index(
        "cases_promised",
        "cases",
        ["state", "priority", "mention_id", "due_at"],
        sqlite_where=is_promised,
        postgresql_where=is_promised,
    )
    for name in ("owner", "label", "watchlist"):
        op.create_index(f"cases_by_{name}", "cases", ["state", name, "priority", "mention_id"])
    op.create_index("cases_waiting", "cases", ["waited", "opened_at"], sqlite_where=is_new, postgresql_where=is_new)
    op.create_index("cases_by_clock", "cases", ["clock_at"])
    op.create_index("cases_by_snooze", "cases", ["snoozed_until"])
    op.add_column("case_events", sa.Column("through", sa.Text(), nullable=False, server_default="cli"))
    op.add_column("case_events", sa.Column("key", sa.Text(), nullable=True))
    op.create_index("case_events_by_key", "case_events", ["mention_id", "key"], unique=True)


def _create_escalations() -> None:
    op.create_table(
        "escalations",
        _mention_key("escalations"),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("next_at", UtcDateTime()),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("ended_by", sa.Text()),
    )
    op.create_index("escalations_by_time", "escalations", ["next_at"])


def _create_groups() -> None:
    op.create_table(
        "groups",
        sa.Column("id", ID, nullable=False),
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("is_storm", sa.Boolean(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("closed_at", UtcDateTime()),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    is_open = sa.text("closed_at IS NULL")
    op.create_index(
        "groups_open", "groups", ["receiver", "key"], unique=True, sqlite_where=is_open, postgresql_where=is_open
    )
    op.create_index("groups_by_key", "groups", ["receiver", "key", "id"])
    op.create_table(
        "group_members",
        sa.Column("group_id", ID, sa.ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("mention_id", ID, sa.ForeignKey("mentions.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("joined_at", UtcDateTime(), nullable=False),
    )
    op.create_index("group_members_by_mention", "group_members", ["mention_id"])
    op.create_index("group_members_by_time", "group_members", ["group_id", "joined_at"])


def _create_silences() -> None:
    op.create_table(
        "silences",
        sa.Column("id", ID, nullable=False),
        sa.Column("matchers", sa.Text(), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime()),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("silences_by_end", "silences", ["ends_at"])


def _widen_alerts() -> None:
    with op.batch_alter_table("alerts", table_kwargs={"sqlite_autoincrement": True}) as alerts:  # SQLite: copied
        alerts.add_column(sa.Column("group_id", ID, nullable=True))
        alerts.add_column(sa.Column("intervals", sa.Text(), nullable=False, server_default="[]"))
        alerts.add_column(sa.Column("called", sa.Text(), nullable=False, server_default="[]"))
        alerts.add_column(sa.Column("revision", sa.Integer(), nullable=False, server_default="0"))
        alerts.add_column(sa.Column("repeat_every", sa.Float(), nullable=True))
        alerts.create_foreign_key("alerts_group", "groups", ["group_id"], ["id"], ondelete="CASCADE")
    op.create_index("ix_alerts_group_id", "alerts", ["group_id"])
    op.create_index("alerts_by_time", "alerts", ["receiver", "created_at"])
    op.create_table(
        "attempts",
        sa.Column("id", ID, nullable=False),
        sa.Column("alert_id", ID, sa.ForeignKey("alerts.id", ondelete="CASCADE"), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("attempts_by_alert", "attempts", ["alert_id", "id"])
    op.create_index("attempts_by_time", "attempts", ["at"])


def _widen_channels() -> None:
    op.add_column("channels", sa.Column("updatable", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("channels", sa.Column("storm_count", sa.Integer(), nullable=True))
    op.add_column("channels", sa.Column("storm_seconds", sa.Float(), nullable=True))
    op.add_column("channels", sa.Column("digest", sa.Text(), nullable=True))
