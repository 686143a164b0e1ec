"""The store: engines, threads, transactions and who may be the one daemon.

SQLAlchemy Core runs synchronously on threads of its own: every write on one writer thread, reads on three others.
Writes that have come while another was committed share a transaction, and so its fsync. On SQLite a write transaction
starts with BEGIN IMMEDIATE (the driver's default loses updates silently) and reads are in autocommit.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
    SQLAlchemyError,
)

from monitor import engines
from monitor.lanes import Done, Lane, Work

T = TypeVar("T")

ADVISORY_LOCK = 0x6D656E74  # "ment": one active daemon per PostgreSQL database
MIGRATION_LOCK = ADVISORY_LOCK + 1
WATCH_EVERY = 2.0  # seconds between two looks whether the connection that holds the lock is alive
_PROOF = "proof"  # the key of the row that shows that the store can be written
_PROOF_SIZE = 256 * 1024  # bytes: a disk with room for so much takes a page


# What we sent was wrong, not the database: trying the same again cannot help.
OUR_MISTAKES = (DataError, IntegrityError, NotSupportedError, ProgrammingError)


class StoreError(Exception):
    """The store cannot be opened or used; the message names the database and the mend."""


class StoreBusyError(StoreError):
    """Another daemon has this store."""


class _WorkFailedError(Exception):
    """One of several works in a transaction; that is rolled back."""


class Store:
    """An open store. `write` and `read` take a function of one connection and run it off the event loop.

    What is written may be run a second time, after it was rolled back. `failure` says why the last write failed; empty:
    it did not.
    """

    def __init__(self, url: str) -> None:
        self.url = sa.engine.make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._writer, self._reader = (
            engines.sqlite_engines(self.url) if self.is_sqlite else engines.postgres_engines(self.url)
        )
        self._writes = Lane("store-write", self._write_all)
        self._look_ups = Lane("store-look-up", self._read_all)
        self._read_threads = ThreadPoolExecutor(2, "store-read")
        self._writing = Lock()  # SQLite's writer is one connection, which has one transaction at a time
        self.failure = ""

    @property
    def place(self) -> str:
        """The database for messages, without its password."""
        return self.url.render_as_string(hide_password=True)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction; an exception rolls it back, and nothing else. Raises StoreError when the
        database fails.
        """
        return await self._writes.run(work)

    def write_now(self, work: Callable[[Connection], T]) -> T:
        """The same for a command that has no event loop; blocking."""
        try:
            with self._writing:
                result = self._run(self._writer.begin, work)
        except StoreError as error:
            self.failure = str(error)
            raise
        self.failure = ""
        return result

    async def prove(self) -> None:
        """Write as much as a page takes, and remove it: a full disk may still take a few bytes. Raises StoreError."""
        rows = sa.table("installation", sa.column("key"), sa.column("value"))
        gone = sa.delete(rows).where(rows.c.key == _PROOF)

        def fill(connection: Connection) -> None:
            connection.execute(gone)
            connection.execute(sa.insert(rows).values(key=_PROOF, value="." * _PROOF_SIZE))

        await self.write(fill)
        await self.write(lambda connection: connection.execute(gone))

    def read_now(self, work: Callable[[Connection], T]) -> T:
        """Without a transaction, for a command that has no event loop; blocking."""
        return self._run(self._reader.connect, work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` without a transaction. Raises StoreError when the database fails."""
        return await asyncio.get_running_loop().run_in_executor(self._read_threads, self.read_now, work)

    async def look_up(self, work: Callable[[Connection], T]) -> T:
        """The same for what takes a few rows by their keys: such works are done together, one after the other."""
        return await self._look_ups.run(work)

    def _write_all(self, works: Sequence[Work]) -> list[Done]:
        """All in one transaction; where one of them fails, each in its own. A commit that failed is not tried again:
        the server may have it.
        """

        def together(connection: Connection) -> list[Done]:
            try:
                return [Done(work(connection)) for work in works]
            except Exception as error:
                raise _WorkFailedError from error

        if len(works) > 1:
            try:
                return self.write_now(together)
            except StoreError as error:
                return [Done(error=error)] * len(works)
            except (_WorkFailedError, *OUR_MISTAKES):
                pass
        return [self._write_alone(work) for work in works]

    def _write_alone(self, work: Work) -> Done:
        try:
            return Done(self.write_now(work))
        except Exception as error:
            return Done(error=error)

    def _read_all(self, works: Sequence[Work]) -> list[Done]:
        """One after the other on one connection; the next has another where one failed."""
        done: list[Done] = []

        def rest(connection: Connection) -> None:
            for work in works[len(done) :]:
                done.append(Done(work(connection)))

        while len(done) < len(works):
            try:
                self.read_now(rest)
            except Exception as error:
                done.append(Done(error=error))
        return done

    def _run(self, connect: Callable[[], AbstractContextManager[Connection]], work: Callable[[Connection], T]) -> T:
        try:
            with connect() as connection:
                return work(connection)
        except OUR_MISTAKES:
            raise
        except DBAPIError as error:
            raise StoreError(f"{self.place}: {_one_line(error.orig)}") from error

    def close(self) -> None:
        """Finish what is running and close every connection."""
        self._writes.close()
        self._look_ups.close()
        self._read_threads.shutdown()
        self._writer.dispose()
        self._reader.dispose()

    def migrate(self, *, check: bool = True) -> None:
        """Bring the schema to this version, in one transaction; blocking. Raises StoreError.

        `check` first reads all of an SQLite file for damage: seconds for a large one.
        """
        self._writes.call(lambda: self._migrate(check))  # `close` waits for it, whoever stops waiting here

    def _migrate(self, check: bool) -> None:
        from alembic import command
        from alembic.config import Config
        from alembic.util import CommandError

        settings = Config()
        settings.set_main_option("script_location", "monitor:migrations")
        try:
            if self.is_sqlite and check:
                with self._reader.connect() as connection:  # a reader: the check of a large file stops no writer
                    _check_integrity(connection, self.place)
            with self._writer.begin() as connection:
                if not self.is_sqlite:  # two first starts at once: one makes the tables, the other finds them
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
                settings.attributes["connection"] = connection
                command.upgrade(settings, "head")
        except CommandError as error:
            raise StoreError(f"{self.place}: made by a newer mentiond ({error}); install that version") from error
        except (SQLAlchemyError, OSError) as error:
            reason = error.orig if isinstance(error, DBAPIError) else error
            raise StoreError(f"{self.place} cannot be opened: {_one_line(reason)}; {self._mend()}") from error

    def _mend(self) -> str:
        if self.is_sqlite:
            return (
                "check that the folder of `store.url` exists and is writable and that the file is a mentiond database"
            )
        return "check `store.url` and that the server is running"

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[asyncio.Event]:
        """Be the one daemon on this store; the event is set when that is lost (never on SQLite).

        Raises StoreBusyError where another daemon is.
        """
        if self.is_sqlite:
            with _file_lock(str(self.url.database)):
                yield asyncio.Event()
            return
        connection = await asyncio.to_thread(self._take_advisory_lock)
        lost = asyncio.Event()
        watch = asyncio.create_task(_watch(connection, lost))
        try:
            yield lost
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
            await asyncio.to_thread(_discard, connection)

    def _take_advisory_lock(self) -> Connection:
        try:
            connection = self._reader.connect()
            if connection.scalar(sa.select(sa.func.pg_try_advisory_lock(ADVISORY_LOCK))):
                _end_when_silent(connection)
                return connection
        except DBAPIError as error:
            raise StoreError(f"{self.place} cannot be reached: {_one_line(error.orig)}; {self._mend()}") from error
        connection.close()
        raise StoreBusyError(f"{self.place}: another mentiond daemon is active on this database")


def _one_line(reason: object) -> str:
    return " ".join(str(reason).split())


def _end_when_silent(connection: Connection) -> None:
    """Have the server end this session when `_watch` no longer asks: a process that is stopped, or a machine that is
    gone without a word, would keep the lock for hours. PostgreSQL 14 and later can do that.
    """
    version = connection.dialect.server_version_info or (0,)
    if version >= (14,):
        connection.execute(sa.text(f"SET idle_session_timeout = '{engines.STOPPED_AFTER}s'"))


async def _watch(connection: Connection, lost: asyncio.Event) -> None:
    """Notice within seconds that the connection which holds the lock is gone."""
    while not lost.is_set():
        await asyncio.sleep(WATCH_EVERY)
        try:
            await asyncio.wait_for(asyncio.to_thread(connection.scalar, sa.select(sa.literal(1))), 5)
        except (SQLAlchemyError, TimeoutError):
            lost.set()


def _discard(connection: Connection) -> None:
    """Give the lock back by ending the session that holds it, never by returning it to the pool."""
    connection.invalidate()
    connection.close()


@contextmanager
def _file_lock(database: str) -> Any:
    """`flock` on the file beside the database: free at once after kill -9, which a heartbeat row is not."""
    path = Path(os.path.realpath(database) + ".lock")  # one lock, whatever links lead to the file
    try:
        handle = os.fdopen(engines.open_for_owner(str(path), os.O_RDWR | os.O_CREAT | os.O_APPEND), "a+")
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}; check the folder of `store.url`") from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            handle.seek(0)
            owner = handle.read().strip() or "unknown"
            message = (
                f"another mentiond daemon (process {owner}) has {path}; stop it or give this one its own `store.url`"
            )
            raise StoreBusyError(message) from error
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield


def _check_integrity(connection: Connection, place: str) -> None:
    verdict = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    if verdict != "ok":
        raise StoreError(f"{place} is damaged ({verdict}); restore it from a backup")
