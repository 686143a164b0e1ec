"""What the running daemon says of itself in the store, so that any other process can read it, also after its end."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from monitor.schema import installation

ALIVE_EVERY: Final = 30.0  # seconds between two signs of life, about
_NODE, _ALIVE, _LOADED, _RELOAD, _REFUSED = "node", "alive_at", "loaded_at", "reload", "refused"
_KEYS: Final = (_NODE, _ALIVE, _LOADED, _RELOAD, _REFUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """The node that is active, or was the last, and its configuration."""

    host: str
    pid: int
    since: datetime  # it has been active
    ended_at: datetime | None  # as it should; None: it is active, or was killed
    alive_at: datetime | None  # its last sign of life
    loaded_at: datetime | None  # when it took up the configuration that runs
    reloaded_at: datetime | None  # the last reload, of this node or of one before
    changes: tuple[str, ...]  # what that reload changed
    refused_at: datetime | None
    refused: str  # why the file as it was then is not taken up; "": it is


def record_start(connection: Connection, now: datetime) -> None:
    """This process is the active node from now on."""
    node = {"host": socket.gethostname(), "pid": os.getpid(), "since": now.isoformat(), "ended_at": None}
    _keep(connection, {_NODE: node, _ALIVE: now.isoformat(), _LOADED: now.isoformat(), _REFUSED: None})


def record_alive(connection: Connection, now: datetime) -> None:
    """A sign of life."""
    _keep(connection, {_ALIVE: now.isoformat()})


def record_end(connection: Connection, now: datetime) -> None:
    """This process has ended as it should."""
    node = _read(connection).get(_NODE)
    if node is not None and node["pid"] == os.getpid():
        _keep(connection, {_NODE: node | {"ended_at": now.isoformat()}})


def record_reload(connection: Connection, changes: Sequence[str], now: datetime) -> None:
    """A changed configuration was taken up."""
    reload = {"at": now.isoformat(), "changes": list(changes)}
    _keep(connection, {_ALIVE: now.isoformat(), _LOADED: now.isoformat(), _RELOAD: reload, _REFUSED: None})


def record_refusal(connection: Connection, text: str, now: datetime) -> None:
    """A changed configuration was refused; "": the file says again what runs."""
    _keep(connection, {_REFUSED: {"at": now.isoformat(), "text": text} if text else None})


def read_presence(connection: Connection) -> Presence | None:
    """As it stands; None: no daemon has ever been active on this store."""
    found = _read(connection)
    node, reload, refused = found.get(_NODE), found.get(_RELOAD) or {}, found.get(_REFUSED) or {}
    if node is None:
        return None
    return Presence(
        host=node["host"],
        pid=node["pid"],
        since=datetime.fromisoformat(node["since"]),
        ended_at=_moment(node["ended_at"]),
        alive_at=_moment(found.get(_ALIVE)),
        loaded_at=_moment(found.get(_LOADED)),
        reloaded_at=_moment(reload.get("at")),
        changes=tuple(reload.get("changes", ())),
        refused_at=_moment(refused.get("at")),
        refused=refused.get("text", ""),
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _read(connection: Connection) -> Mapping[str, Any]:
    query = sa.select(installation.c.key, installation.c.value).where(installation.c.key.in_(_KEYS))
    return {row.key: json.loads(row.value) for row in connection.execute(query)}


def _keep(connection: Connection, values: Mapping[str, Any]) -> None:
    statement = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(installation)
    upsert = statement.on_conflict_do_update(index_elements=["key"], set_={"value": statement.excluded.value})
    connection.execute(upsert, [{"key": key, "value": json.dumps(value)} for key, value in values.items()])
