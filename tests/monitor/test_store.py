"""The store: one daemon, no lost update, migrations whole or not at all, refusals in plain words."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError, ProgrammingError

from monitor import outbox
from monitor import store as stores
from monitor.schema import alerts, channels, metadata
from monitor.store import Store, StoreBusyError, StoreError
from tests.fakes import START
from tests.monitor.builders import in_transaction, owe, rows_of

HOLD = """
import asyncio, sys
from monitor.store import Store
async def hold():
    async with Store(sys.argv[1]).exclusive():
        print("ready", flush=True)
        await asyncio.sleep(60)
asyncio.run(hold())
"""


@contextmanager
def holder(url: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that is the daemon of this store."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, url], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close() if process.stdout else None


async def is_free(store: Store) -> bool:
    try:
        async with store.exclusive():
            return True
    except StoreBusyError:
        return False


# -- one daemon ------------------------------------------------------------------------------------------------------


async def test_f5_a_second_daemon_is_refused_and_the_lock_is_free_at_once_after_kill_9(store: Store) -> None:
    with holder(store.url.render_as_string(hide_password=False)) as process:
        with pytest.raises(StoreBusyError, match="another mentiond daemon") as refused:
            async with store.exclusive():
                pass
        if store.is_sqlite:
            assert str(process.pid) in str(refused.value)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        async with asyncio.timeout(2):
            while not await is_free(store):  # PostgreSQL notices within milliseconds, flock at once
                assert not store.is_sqlite
                await asyncio.sleep(0.01)


async def test_the_lock_is_given_back_and_taken_again(store: Store) -> None:
    assert [await is_free(store) for _ in range(3)] == [True] * 3
    async with store.exclusive():
        assert not await is_free(store)


async def test_f5_the_same_file_by_another_name_is_the_same_store(tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "mentiond.db")
    real, linked = Store(f"sqlite:///{tmp_path}/mentiond.db"), Store(f"sqlite:///{tmp_path}/link.db")
    async with real.exclusive():
        assert not await is_free(linked)
    for store in (real, linked):
        store.close()


async def test_f7_losing_the_connection_that_holds_the_lock_is_noticed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    if store.is_sqlite:
        pytest.skip("a file lock is not lost")
    monkeypatch.setattr(stores, "WATCH_EVERY", 0.02)
    async with store.exclusive() as lost:
        end_sessions(store)
        async with asyncio.timeout(3):
            await lost.wait()
        assert await is_free(store)


async def test_f7_after_the_server_ended_every_connection_the_store_goes_on(store: Store) -> None:
    if store.is_sqlite:
        pytest.skip("SQLite has no server")
    end_sessions(store)
    assert await store.write(lambda connection: connection.scalar(sa.select(sa.literal(1)))) == 1
    assert await store.read(lambda connection: connection.scalar(sa.select(sa.literal(2)))) == 2


def end_sessions(store: Store) -> None:
    """What a restart of PostgreSQL does to the connections of this database."""
    other = sa.create_engine(store.url.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with other.connect() as connection:
        mine = "datname = current_database() AND pid <> pg_backend_pid()"
        connection.execute(sa.text(f"SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity WHERE {mine}"))
    other.dispose()


# -- writers and readers ---------------------------------------------------------------------------------------------


def test_f10_eight_writers_lose_no_update_and_see_no_lock(store_url: str) -> None:
    writers, rounds = 8, 20
    with ExitStack() as opened:
        each = [opened.enter_context(closing_store(store_url)) for _ in range(writers)]
        each[0].migrate()
        owe(each[0], 0)

        def add_one(connection: Connection) -> None:
            lock = sa.select(channels.c.failures).with_for_update()  # on SQLite BEGIN IMMEDIATE is the lock
            failures = connection.scalar(lock) or 0
            connection.execute(sa.update(channels).values(failures=failures + 1))

        def work(store: Store) -> None:
            for _ in range(rounds):
                store.write_now(add_one)

        with ThreadPoolExecutor(writers) as pool:
            list(pool.map(work, each))
        assert rows_of(each[0], channels)[0].failures == writers * rounds


def test_f10_the_transaction_of_a_writer_begins_before_it_reads(tmp_path: Path) -> None:
    with closing_store(f"sqlite:///{tmp_path}/m.db") as store:
        store.migrate()
        begun = store.write_now(lambda connection: connection.connection.in_transaction)
        assert begun is True


async def test_readers_go_on_during_a_write(store: Store) -> None:
    owe(store, 1)
    is_written, may_end = threading.Event(), threading.Event()

    def write(connection: Connection) -> None:
        connection.execute(sa.update(channels).values(failures=9))
        is_written.set()
        may_end.wait(3)

    writing = asyncio.create_task(store.write(write))
    await asyncio.to_thread(is_written.wait, 3)
    query = sa.select(channels.c.failures)
    assert await store.read(lambda connection: connection.scalar(query)) == 0
    may_end.set()
    await writing
    assert await store.read(lambda connection: connection.scalar(query)) == 9


async def test_an_exception_rolls_back_and_the_store_goes_on(store: Store) -> None:
    owe(store, 1)

    def broken(connection: Connection) -> None:
        connection.execute(sa.update(channels).values(failures=9))
        raise KeyError("bug")

    with pytest.raises(KeyError):
        await store.write(broken)
    with pytest.raises((StoreError, ProgrammingError)):  # SQLite does not tell our mistakes from its own trouble
        await store.write(lambda connection: connection.execute(sa.text("SELECT nonsense FROM nowhere")))
    assert rows_of(store, channels)[0].failures == 0


# -- writes that share a transaction ---------------------------------------------------------------------------------


@pytest.fixture
def commits(store: Store) -> list[object]:
    """Grows with every transaction that is committed."""
    made: list[object] = []
    sa.event.listen(store._writer, "commit", made.append)
    return made


async def write_behind(store: Store, *works: Callable[[Connection], object]) -> list[object]:
    """What becomes of works that come while the writer is busy."""
    is_busy, may_go_on = threading.Event(), threading.Event()

    def keep_busy(_: Connection) -> None:
        is_busy.set()
        may_go_on.wait(3)

    first = asyncio.create_task(store.write(keep_busy))
    await asyncio.to_thread(is_busy.wait, 3)
    waiting = [asyncio.create_task(store.write(work)) for work in works]
    await asyncio.sleep(0)
    may_go_on.set()
    await first
    return list(await asyncio.gather(*waiting, return_exceptions=True))


def owe_one(number: int) -> Callable[[Connection], int]:
    def work(connection: Connection) -> int:
        outbox.owe_notice(connection, "ops", [""], f"notice:{number}", "text", START)
        return number

    return work


async def test_what_comes_meanwhile_shares_a_transaction(store: Store, commits: list[object]) -> None:
    assert await write_behind(store, *map(owe_one, range(10))) == list(range(10))
    assert len(commits) == 2
    assert [row.subject for row in rows_of(store, alerts)] == [f"notice:{number}" for number in range(10)]


async def test_of_writes_that_share_a_transaction_one_fails_alone(store: Store) -> None:
    def broken(connection: Connection) -> None:
        owe_one(7)(connection)
        raise KeyError("bug")

    one, two, three, four = await write_behind(store, owe_one(1), broken, refused, owe_one(4))
    assert (one, four) == (1, 4)
    assert isinstance(two, KeyError)
    assert isinstance(three, StoreError | ProgrammingError)
    assert sorted(row.subject for row in rows_of(store, alerts)) == ["notice:1", "notice:4"]


def refused(connection: Connection) -> None:
    connection.execute(sa.text("SELECT nonsense FROM nowhere"))


async def test_a_commit_that_failed_is_not_tried_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []

    def counted(connection: Connection) -> None:
        begun.append(len(begun))

    def lost(*_: object) -> None:
        raise OperationalError("COMMIT", {}, Exception("the connection was lost"))

    with monkeypatch.context() as patched:
        patched.setattr(store._writer.dialect, "do_commit", lost)
        done = await asyncio.to_thread(store._write_all, [counted, counted])
    assert [type(one.error) for one in done] == [StoreError, StoreError]
    assert begun == [0, 1]
    assert "the connection was lost" in store.failure


async def test_a_write_that_nobody_waits_for_is_not_begun(store: Store) -> None:
    is_busy, may_go_on = threading.Event(), threading.Event()

    def keep_busy(_: Connection) -> None:
        is_busy.set()
        may_go_on.wait(3)

    first = asyncio.create_task(store.write(keep_busy))
    await asyncio.to_thread(is_busy.wait, 3)
    waiting = asyncio.create_task(store.write(owe_one(1)))
    await asyncio.sleep(0)
    waiting.cancel()
    may_go_on.set()
    await first
    assert await store.write(owe_one(2)) == 2
    assert [row.subject for row in rows_of(store, alerts)] == ["notice:2"]


async def test_of_look_ups_that_are_done_together_one_fails_alone(store: Store) -> None:
    owe(store, 1)

    def look(connection: Connection) -> int:
        return connection.scalar(sa.select(sa.func.count()).select_from(channels)) or 0

    found = await asyncio.gather(*map(store.look_up, (look, refused, look)), return_exceptions=True)
    assert found[0] == found[2] == 1
    assert isinstance(found[1], StoreError | ProgrammingError)


def test_every_sqlite_connection_is_prepared(tmp_path: Path) -> None:
    with closing_store(f"sqlite:///{tmp_path}/m.db") as store:
        store.migrate()
        for engine in (store._writer, store._reader):
            with engine.connect() as connection:
                pragmas = ("journal_mode", "foreign_keys", "busy_timeout", "synchronous")
                values = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas]
                assert values == ["wal", 1, 5000, 2]


def test_times_come_back_in_utc_to_the_microsecond(store: Store) -> None:
    local = datetime(2026, 10, 25, 2, 30, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    owe(store, 0)
    in_transaction(store, Connection.execute, sa.update(channels).values(next_at=local))
    stored = rows_of(store, channels)[0].next_at
    assert (stored, stored.tzinfo) == (local, UTC)


# -- migrations and refusals -----------------------------------------------------------------------------------------


def test_the_migrations_make_the_schema_that_the_code_has(store: Store) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    assert store.write_now(differences) == []
    store.migrate()


def test_f9_a_migration_that_fails_half_way_leaves_nothing(empty_store_url: str) -> None:
    with closing_store(empty_store_url) as store:
        in_transaction(store, Connection.execute, sa.text("CREATE TABLE verdicts (mine INTEGER)"))
        with pytest.raises(StoreError, match="cannot be opened"):
            store.migrate()
        assert store.write_now(lambda connection: sa.inspect(connection).get_table_names()) == ["verdicts"]
        in_transaction(store, Connection.execute, sa.text("DROP TABLE verdicts"))
        store.migrate()


def test_a_schema_of_a_newer_version_is_refused(empty_store_url: str) -> None:
    with closing_store(empty_store_url) as store:
        store.migrate()
        in_transaction(store, Connection.execute, sa.text("UPDATE alembic_version SET version_num = '9999'"))
        with pytest.raises(StoreError, match="newer mentiond"):
            store.migrate()


def test_a_second_start_finds_the_tables_that_the_first_made(empty_store_url: str) -> None:
    with ExitStack() as opened:
        each = [opened.enter_context(closing_store(empty_store_url)) for _ in range(3)]
        with ThreadPoolExecutor(1) as pool:  # Alembic's context is one per process
            list(pool.map(Store.migrate, each))


@pytest.mark.parametrize("content", [b"not a database, " * 100, b"SQLite format 3\0" + b"\xff" * 8192])
def test_f9_a_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.db").write_bytes(content)
    with closing_store(f"sqlite:///{tmp_path}/m.db") as store, pytest.raises(StoreError, match=r"m\.db"):
        store.migrate()
    assert (tmp_path / "m.db").read_bytes() == content


def test_f9_a_damaged_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    with closing_store(f"sqlite:///{path}") as store:
        store.migrate()
        owe(store, 300)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'alerts'").fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * size)
    with closing_store(f"sqlite:///{path}") as store, pytest.raises(StoreError, match=r"damaged|malformed"):
        store.migrate()


@pytest.mark.parametrize("folder", ["/proc/mentiond-test", "/nowhere/at/all"])
async def test_an_unwritable_folder_is_one_clear_message(folder: str) -> None:
    with closing_store(f"sqlite:///{folder}/m.db") as store:
        with pytest.raises(StoreError, match="folder") as refused:
            store.migrate()
        assert "\n" not in str(refused.value)
        with pytest.raises(StoreError, match="folder"):
            async with store.exclusive():
                pass


def test_an_unreachable_server_is_one_clear_message_without_its_password() -> None:
    with closing_store("postgresql://someone:hunter2@127.0.0.1:1/none") as store:
        with pytest.raises(StoreError, match="server is running") as refused:
            store.migrate()
        assert "hunter2" not in str(refused.value)
        assert "hunter2" not in store.place


@contextmanager
def closing_store(url: str) -> Iterator[Store]:
    """A store that is closed at the end."""
    store = Store(url)
    try:
        yield store
    finally:
        store.close()


def test_what_is_stored_outlives_the_process(store_url: str) -> None:
    with closing_store(store_url) as store:
        store.migrate()
        owe(store, 1, START)
    with closing_store(store_url) as store:
        assert rows_of(store, channels)[0].next_at == START
