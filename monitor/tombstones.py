"""Tombstones: authors who were erased, so that nothing of them comes back. Their names are kept nowhere.

A tombstone is the account's name, signed with the key of this installation, beside the place where the name holds: the
type of a network whose accounts are the same at all its sources, or one source of a type whose names hold on one site.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from monitor.accounts import account_name
from monitor.action_links import load_key
from monitor.schema import forgotten, insert_new

CHUNK = 500  # values in one IN (...)
_DOMAIN: Final = b"mentiond forgotten 1\0"  # nothing else that the key signs looks like a tombstone
_LOCK: Final = 0x6D656E76  # PostgreSQL: pages are stored before an erasure or after it, never meanwhile
_SHARE_LOCK: Final = sa.select(sa.func.pg_advisory_xact_lock_shared(_LOCK))
_HERE: Final = sa.select(forgotten.c.digest).where(forgotten.c.place.in_(sa.bindparam("places", expanding=True)))
_ANY: Final = _HERE.limit(1)
_THESE: Final = _HERE.where(forgotten.c.digest.in_(sa.bindparam("digests", expanding=True)))


def forgotten_among(connection: Connection, places: Iterable[str], authors: Iterable[str | None]) -> frozenset[str]:
    """Of these authors those who were erased, as they are written; to be asked in the transaction that stores them."""
    if connection.dialect.name != "sqlite":
        connection.execute(_SHARE_LOCK)
    here = sorted(set(places))
    if connection.scalar(_ANY, {"places": here}) is None:
        return frozenset()
    key = load_key(connection)
    named: dict[str, list[str]] = {}
    for author in {author for author in authors if author}:
        named.setdefault(_digest(key, author), []).append(author)
    digests, found = sorted(named), set[str]()
    for start in range(0, len(digests), CHUNK):
        found.update(connection.scalars(_THESE, {"places": here, "digests": digests[start : start + CHUNK]}))
    return frozenset(author for digest in found for author in named[digest])


def bury(connection: Connection, place: str, author: str, now: datetime) -> bool:
    """From the end of this transaction on nothing of the author is stored; False: that was so already."""
    if connection.dialect.name != "sqlite":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    row = {"place": place, "digest": _digest(load_key(connection), author), "at": now}
    made = insert_new(connection, forgotten).values(row).returning(forgotten.c.digest)
    return connection.scalar(made) is not None


def rename_place(connection: Connection, old: str, new: str) -> None:
    """A source has a new name."""
    known = forgotten.alias()
    twice = sa.select(known.c.digest).where(known.c.place == new, known.c.digest == forgotten.c.digest).exists()
    connection.execute(sa.update(forgotten).where(forgotten.c.place == old, ~twice).values(place=new))


def _digest(key: bytes, author: str) -> str:
    return hmac.new(key, _DOMAIN + account_name(author).encode(), hashlib.sha256).hexdigest()
