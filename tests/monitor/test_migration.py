"""A store of the version before comes along whole."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.engine import Connection

from monitor.schema import case_events, cases
from monitor.store import Store
from tests.monitor.builders import select

BEFORE = """
INSERT INTO posts (id, source, external_id, content_hash, revision, title, text, published_at, dated, kind, raw,
  matched, fetched_at) SELECT n, 'news', CAST(n AS TEXT), 'h', 1, '', 'Acme', '2026-11-20 10:00:00', true, 'post', '',
  true, '2026-11-20 10:00:00' FROM (SELECT 1 AS n UNION SELECT 2 UNION SELECT 3) AS numbers;
INSERT INTO mentions (id, post_id, watchlist, watchlist_kind, revision, spans, terms, created_at)
  SELECT id, id, 'acme', 'brand', 1, '[]', '[]', '2026-11-20 10:00:00' FROM posts;
INSERT INTO verdicts (mention_id, revision, probabilities, tags, sentiment, lang, cues, sure, model, unclassified)
  SELECT id, 1, '{}', CASE id WHEN 1 THEN '["complaint","praise"]' WHEN 2 THEN '["unclassified"]' ELSE '["none"]' END,
  'neutral', 'en', '{}', true, '', false FROM mentions;
INSERT INTO alerts (subject, receiver, recipient, reason, n, mention_id, routes, notice, state, created_at, due_at,
  attempts, possibly_sent) VALUES ('mention:1', 'console', '', 'first', 0, 1, '[]', '', 'sent', '2026-11-20 10:00:00',
  '2026-11-20 10:00:00', 1, false);
INSERT INTO cases (mention_id, state, owner, changed_at) VALUES (2, 'claimed', 'Kim', '2026-11-20 12:00:00');
INSERT INTO case_events (mention_id, at, by, action, note) VALUES (2, '2026-11-20 12:00:00', 'Kim', 'claim', 'mine')
"""


COLUMNS = ("mention_id", "watchlist", "label", "state", "owner", "changed_at", "opened_at")


def _fill(connection: Connection) -> None:
    """The tables of the version before, with rows in them."""
    settings = Config()
    settings.set_main_option("script_location", "monitor:migrations")
    settings.attributes["connection"] = connection
    command.upgrade(settings, "0004")
    for statement in BEFORE.split(";"):
        connection.exec_driver_sql(statement)


def test_mentions_of_the_version_before_get_their_cases(empty_store_url: str) -> None:
    store = Store(empty_store_url)
    try:
        store.write_now(_fill)
        store.migrate()
        routed, claimed = select(store, sa.select(*(cases.c[name] for name in COLUMNS)).order_by(cases.c.mention_id))
        [event] = select(store, sa.select(case_events))
    finally:
        store.close()
    at = datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert tuple(routed) == (1, "acme", "complaint", "new", None, at, at)
    assert tuple(claimed) == (2, "acme", "unclassified", "claimed", "Kim", at + timedelta(hours=2), at)
    assert (event.by, event.through, event.note) == ("Kim", "cli", "mine")
