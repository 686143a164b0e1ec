"""Many rows in one INSERT: the same on both databases, whatever people write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from monitor.bulk import insert_rows
from monitor.schema import posts, seen
from monitor.store import Store
from tests.fakes import START
from tests.monitor.builders import in_transaction, rows_of


def post_row(external_id: str, **changes: Any) -> dict[str, Any]:
    row = {"source": "news", "external_id": external_id, "content_hash": "1:a", "revision": 1, "title": "", "text": ""}
    row |= {"published_at": START, "dated": True, "kind": "post", "raw": "", "matched": True, "fetched_at": START}
    return row | {"author": None, "rating": None, "followers": None, "answered": None} | changes


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('Grüße "aus" \\Köln\\ \u2028 \n\t🧨', 'Grüße "aus" \\Köln\\ \u2028 \n\t🧨'),
        ("NUL \0 and \\u0000", "NUL  and \\u0000"),
        ("lone \ud83d surrogate", "lone ? surrogate"),
        ("null", "null"),
        ("{1,2}", "{1,2}"),
    ],
)
def test_texts_come_back_as_they_were_written(store: Store, written: str, read: str) -> None:
    in_transaction(store, lambda connection: insert_rows(connection, posts, [post_row("1", text=written)]))
    assert [row.text for row in rows_of(store, posts)] == [read]


def test_values_come_back_as_they_were_written(store: Store) -> None:
    at = datetime(2026, 11, 29, 8, 30, 1, 234567, timezone(timedelta(hours=5, minutes=30)))
    values = {"rating": 4.1, "followers": 2**63 - 1, "answered": False, "author": "Kim", "published_at": at}
    in_transaction(store, lambda connection: insert_rows(connection, posts, [post_row("1", **values), post_row("2")]))
    full, empty = rows_of(store, posts)
    assert {name: getattr(full, name) for name in values} == values
    assert full.published_at.tzinfo is UTC
    assert [getattr(empty, name) for name in ("rating", "followers", "answered", "author")] == [None] * 4


def test_only_what_is_new_comes_back(store: Store) -> None:
    def named(*ids: str) -> dict[str, int]:
        rows = [post_row(each) for each in ids]
        return in_transaction(store, lambda tx: {row.external_id: row.id for row in insert_rows(tx, posts, rows)})

    first = named("1", "2")
    assert named("2", "3").keys() == {"3"}
    assert {row.external_id: row.id for row in rows_of(store, posts) if row.external_id in first} == first


def test_a_row_of_seen_stays_as_it_is(store: Store) -> None:
    row = {"source": "news", "external_id": "1", "content_hash": "1:a", "first_seen": START, "last_seen": START}
    for content_hash, new in (("1:a", ["1"]), ("1:b", [])):
        changed = row | {"content_hash": content_hash}
        assert (
            in_transaction(store, lambda tx, it=changed: [one.external_id for one in insert_rows(tx, seen, [it])])
            == new
        )
    assert [stored.content_hash for stored in rows_of(store, seen)] == ["1:a"]
