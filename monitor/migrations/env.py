"""Alembic's entry: runs the revisions on the connection that the store passes in, all in one transaction."""

from __future__ import annotations

from alembic import context

from monitor.schema import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
