"""Parts of sources can be leased, so that several nodes may share the polling."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from monitor.schema import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cursors", sa.Column("lease_until", UtcDateTime(), nullable=True))
    op.add_column("cursors", sa.Column("lease_token", sa.Text(), nullable=True))
