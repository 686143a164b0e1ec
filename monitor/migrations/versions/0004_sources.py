"""What is pushed to sources; how far a source was read, what is left of its budget; posts answered at the source."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from monitor.schema import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("cursors", sa.Column("reached_at", UtcDateTime(), nullable=True))
    op.add_column("cursors", sa.Column("left", sa.Text(), nullable=True))
    op.add_column("posts", sa.Column("answered", sa.Boolean(), nullable=True))
    op.create_table(
        "inbox",
        sa.Column("id", ID, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "key"),
        sqlite_autoincrement=True,
    )
    op.create_index("inbox_by_source", "inbox", ["source", "id"])
