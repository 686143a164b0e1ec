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
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

VARIABLE = "MENTIOND_TEST_POSTGRES"  # postgresql://user@host:port, with the right to create databases


@contextmanager
def server() -> Iterator[str]:
    """The address of a server, without a database. Skips aloud where there is none; in CI that is a failure."""
    if given := os.environ.get(VARIABLE):
        yield given.rstrip("/")
        return
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        message = f"no PostgreSQL: set {VARIABLE} or install the package postgresql"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    folder = Path(tempfile.mkdtemp(prefix="mentiond-postgres-"))
    try:
        with _cluster(programs[-1].parent, folder) as address:
            yield address
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _cluster(programs: Path, folder: Path) -> Iterator[str]:
    user = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name  # initdb refuses root
    if os.geteuid() == 0:
        shutil.chown(folder, user)
    data, port = folder / "data", _free_port()
    initdb: list[str | Path] = [
        programs / "initdb",
        "-D",
        data,
        "-U",
        "mentiond",
        "-A",
        "trust",
        "--no-sync",
        "-E",
        "UTF8",
        "--locale=C",
    ]
    subprocess.run(initdb, user=user, check=True, stdout=subprocess.DEVNULL, cwd=folder)
    quick = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"  # the tests kill mentiond, not PostgreSQL
    place = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder}"
    options = f"{place} -c max_connections=50 {quick}"
    start: list[str | Path] = [programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start"]
    subprocess.run(start, user=user, check=True, stdout=subprocess.DEVNULL, cwd=folder)
    try:
        yield f"postgresql://mentiond@127.0.0.1:{port}"
    finally:
        stop: list[str | Path] = [programs / "pg_ctl", "-D", data, "-m", "immediate", "stop"]
        subprocess.run(stop, user=user, check=False, stdout=subprocess.DEVNULL, cwd=folder)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def database(address: str) -> Iterator[str]:
    """The URL of a new empty database, dropped at the end."""
    name = f"mentiond_{uuid4().hex[:12]}"
    with psycopg.connect(f"{address}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield f"{address}/{name}"
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
