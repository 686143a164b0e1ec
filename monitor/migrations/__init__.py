"""Alembic's place: every change of the schema as one revision, applied in one transaction."""
