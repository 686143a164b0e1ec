"""How connections to either database are made and set up: one for writing, some for reading."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

BUSY_TIMEOUT = 5000  # ms that SQLite waits for another process's write
STOPPED_AFTER = 20  # s of silence after which PostgreSQL takes a stopped process's lock and open transaction from it


def open_for_owner(path: str, flags: int) -> int:
    """Open a file that nobody else can read if it is made now, whatever the umask says."""
    return os.open(path, flags, 0o600)


def _make_private(database: str) -> None:
    """What people wrote is for the owner's eyes: SQLite gives the files beside a database the mode of that.

    Only a file that is not there is opened: to close one that a connection has open would drop the locks of that, and
    with them all that is written from then on.
    """
    with suppress(OSError):  # it is there; or what is wrong with the place, SQLite says
        os.close(open_for_owner(database, os.O_RDWR | os.O_CREAT | os.O_EXCL))


def sqlite_engines(url: sa.URL) -> tuple[Engine, Engine]:
    writer = sa.create_engine(url, poolclass=sa.pool.StaticPool, connect_args={"check_same_thread": False})
    reader = sa.create_engine(url, isolation_level="AUTOCOMMIT", connect_args={"check_same_thread": False})

    @sa.event.listens_for(writer, "do_connect")
    @sa.event.listens_for(reader, "do_connect")
    def make(*_: object) -> None:
        _make_private(str(url.database))

    @sa.event.listens_for(writer, "connect")
    @sa.event.listens_for(reader, "connect")
    def prepare(connection: Any, record: object) -> None:
        connection.isolation_level = None  # the driver opens no transactions of its own
        for pragma in (f"busy_timeout={BUSY_TIMEOUT}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(writer, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return writer, reader


def postgres_engines(url: sa.URL) -> tuple[Engine, Engine]:
    url = url.set(drivername="postgresql+psycopg")
    options: dict[str, Any] = {"pool_pre_ping": True, "connect_args": {"connect_timeout": 5}}
    writer = sa.create_engine(url, pool_size=1, max_overflow=0, **options)
    reader = sa.create_engine(url, pool_size=3, isolation_level="AUTOCOMMIT", **options)

    @sa.event.listens_for(writer, "connect")
    def prepare(connection: Any, record: object) -> None:
        """A process that is stopped within a transaction would hold its locks for as long."""
        connection.execute(f"SET idle_in_transaction_session_timeout = '{STOPPED_AFTER}s'")
        connection.commit()

    return writer, reader
