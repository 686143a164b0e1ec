"""A PostgreSQL for the tests: the one that MENTIOND_TEST_POSTGRES names, or one started from Debian's packages."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from monitor.schema import metadata

VARIABLE = "MENTIOND_TEST_POSTGRES"  # postgresql://user@host:port, with the right to create databases


@contextmanager
def server() -> Iterator[str]:
    """The address of a server, without a database. Skips aloud where there is none; in CI that is a failure."""
    if given := os.environ.get(VARIABLE):
        yield given.rstrip("/")
        return
    with own_server("-c fsync=off -c synchronous_commit=off -c full_page_writes=off") as started:
        yield started.address


@contextmanager
def own_server(options: str = "-c fsync=off") -> Iterator[Server]:
    """A server that the test may stop and start. Without fsync: it is mentiond that is tested, not PostgreSQL."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        message = f"no PostgreSQL: set {VARIABLE} or install the package postgresql"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    folder = Path(tempfile.mkdtemp(prefix="mentiond-postgres-"))
    made = Server(programs[-1].parent, folder, _free_port(), options)
    try:
        made.create()
        made.start()
        yield made
    finally:
        made.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Server:
    """A cluster in a folder of its own."""

    programs: Path
    folder: Path
    port: int
    options: str

    @property
    def address(self) -> str:
        return f"postgresql://mentiond@127.0.0.1:{self.port}"

    def create(self) -> None:
        """Make the cluster."""
        if os.geteuid() == 0:
            shutil.chown(self.folder, self._user)
        initdb = "initdb -D data -U mentiond -A trust --no-sync -E UTF8 --locale=C"
        self._run(initdb.split())

    def start(self) -> None:
        """Return when it takes connections."""
        place = f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories={self.folder}"
        options = f"{place} -c max_connections=50 {self.options}"
        self._run(["pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start"])

    def stop(self, mode: str) -> None:
        """`immediate` is a crash."""
        self._run(["pg_ctl", "-D", "data", "-m", mode, "stop"], check=False)

    @property
    def _user(self) -> str:
        return "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name  # initdb refuses root

    def _run(self, words: list[str], *, check: bool = True) -> None:
        command = [str(self.programs / words[0]), *words[1:]]
        subprocess.run(command, user=self._user, check=check, stdout=subprocess.DEVNULL, cwd=self.folder)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def database(address: str) -> Iterator[str]:
    """The URL of a new empty database, dropped at the end."""
    name = f"mentiond_{uuid4().hex[:12]}"
    _execute(f"{address}/postgres", f'CREATE DATABASE "{name}"')
    try:
        yield f"{address}/{name}"
    finally:
        _execute(f"{address}/postgres", f'DROP DATABASE "{name}" WITH (FORCE)')


def empty(url: str) -> None:
    """Leave the tables of the schema without rows and without anybody connected, as a migration leaves them."""
    rows = [f"DELETE FROM {table.name}" for table in reversed(metadata.sorted_tables)]
    _execute(url, "; ".join([_END_SESSIONS, *rows, *_RESTART]))


_END_SESSIONS = (
    "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)
_COUNTED = [
    (table.name, column.name) for table in metadata.sorted_tables if (column := table.autoincrement_column) is not None
]
_RESTART = [f"ALTER SEQUENCE {table}_{column}_seq RESTART" for table, column in _COUNTED]


def _execute(url: str, statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statements.encode())
