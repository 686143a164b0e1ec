"""Which posts somebody means who gives an address, an id of a mention or of an alert, or an id of the source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from monitor.pipeline import storable_id
from monitor.schema import alerts, cursors, group_members, mentions, own_posts, posts, seen
from rules.addresses import canonical_address

MOST = 20  # posts that one target may mean

Place: TypeAlias = tuple[str, str]  # source and external id


def find_alert(connection: Connection, target: str) -> int | None:
    """The id of `alert:ID`; None for any other target."""
    kind, _, number = target.partition(":")
    return int(number) if kind == "alert" and number.isascii() and number.isdigit() else None


def find_places(connection: Connection, target: str) -> list[Place]:
    """Every post that the target means, at most MOST; [] where nothing of it is stored."""
    alert_id = find_alert(connection, target)
    if alert_id is not None:
        return _of_mentions(connection, _told_by(connection, alert_id))
    number = target.removeprefix("mention:")
    if number.isascii() and number.isdigit() and len(number) < 18:
        known = _of_mentions(connection, sa.select(sa.literal(int(number))))
        if known or number != target:
            return known
    return _with_address(connection, target) or _with_id(connection, target)


def _told_by(connection: Connection, alert_id: int) -> sa.Select[tuple[int | None]]:
    """The mentions that an alert tells: its own, those of its group, those that its digest offers."""
    row = connection.execute(sa.select(alerts).where(alerts.c.id == alert_id)).one_or_none()
    if row is None or row.mention_id is not None:
        return sa.select(sa.literal(row.mention_id if row else -1))
    if row.group_id is not None:
        return sa.select(group_members.c.mention_id).where(group_members.c.group_id == row.group_id)
    to = (alerts.c.receiver == row.receiver, alerts.c.recipient == row.recipient)
    return sa.select(alerts.c.mention_id).where(alerts.c.held_for == row.subject, *to)


def _of_mentions(connection: Connection, ids: sa.Select[tuple[int | None]]) -> list[Place]:
    query = sa.select(posts.c.source, posts.c.external_id).join(mentions, mentions.c.post_id == posts.c.id)
    query = query.where(mentions.c.id.in_(ids)).distinct().limit(MOST)
    return [(row.source, row.external_id) for row in connection.execute(query)]


def _with_address(connection: Connection, target: str) -> list[Place]:
    """Posts at the same page, however their address and this one are written."""
    wanted = canonical_address(target)
    if wanted is None:
        return []
    name = wanted.partition("?")[0].partition("#")[0].rpartition("/")[2] or wanted.partition("/")[0]
    query = sa.select(posts.c.source, posts.c.external_id, posts.c.url)
    rows = connection.execute(query.where(posts.c.url.icontains(unquote(name), autoescape=True)))
    escaped = connection.execute(query.where(posts.c.url.icontains(name, autoescape=True)))
    found = {(row.source, row.external_id): None for row in (*rows, *escaped) if canonical_address(row.url) == wanted}
    return list(found)[:MOST]


def _with_id(connection: Connection, target: str) -> list[Place]:
    """Posts with this id at any source, also those of which only the id is kept."""
    sources = list(connection.scalars(sa.select(cursors.c.source).distinct().order_by(cursors.c.source)))
    wanted = [storable_id(name) for name in _spellings(target)]
    found: dict[Place, None] = {}
    for table in (posts, seen, own_posts):
        for source in sources:
            same = sa.and_(table.c.source == source, table.c.external_id.in_(wanted))
            for external_id in connection.scalars(sa.select(table.c.external_id).where(same)):
                found[source, external_id] = None
    return list(found)[:MOST]


def _spellings(target: str) -> Iterator[str]:
    """An id as given, and, where it is an address, the ways in which feeds write the same one."""
    yield target
    parts = urlsplit(target) if target.startswith(("http://", "https://")) else None
    if parts is None:
        return
    query = urlencode([pair for pair in parse_qsl(parts.query) if not pair[0].lower().startswith("utm_")])
    plain = parts._replace(query=query, fragment="").geturl().rstrip("/")
    bare = plain.partition("://")[2].removeprefix("www.")
    for scheme in ("https", "http"):
        for host in ("", "www."):
            yield from (f"{scheme}://{host}{bare}", f"{scheme}://{host}{bare}/")
