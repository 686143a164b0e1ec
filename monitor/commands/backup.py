"""`mentiond backup`: a copy of the store, consistent while the daemon runs."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from monitor.commands import OK, CommandError
from monitor.commands.progress import remark
from monitor.config import load
from monitor.store import StoreError


def run(options: argparse.Namespace) -> int:
    """Copy a SQLite store to FILE; of PostgreSQL say which command does it. Raises CommandError and StoreError."""
    url = sa.engine.make_url(load(options.config, os.environ).store.url)
    if url.get_backend_name() != "sqlite":
        raise CommandError(f"the store is PostgreSQL, which brings its own tool: {_pg_dump(url, options.file)}")
    target: Path = options.file
    if target.exists():
        raise CommandError(f"{target} exists already; give another name, such as one with the date in it")
    size = _copy(Path(str(url.database)), target)
    if options.json:
        print(json.dumps({"file": str(target), "bytes": size}))
    else:
        print(f"{target}: {size:,} bytes, checked. To restore: stop mentiond, put it in the place of {url.database}")
    return OK


def _pg_dump(url: sa.URL, target: Path) -> str:
    """Without the password: pg_dump takes that from PGPASSWORD or ~/.pgpass."""
    words = ["pg_dump", "--format=custom", f"--file={target}"]
    given = {"host": url.host, "port": url.port, "username": url.username, "dbname": url.database}
    words += [f"--{name}={value}" for name, value in given.items() if value]
    return shlex.join(words)


def _copy(source: Path, target: Path) -> int:
    """The size of the copy, which appears under its name only when it is whole and sound."""
    if not source.exists():
        raise StoreError(f"{source} does not exist: nothing was stored yet, or `store.url` names another file")
    part = target.with_name(target.name + ".part")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)  # it holds what people wrote
    except OSError as error:
        raise CommandError(f"{part} cannot be written: {error.strerror}") from error
    os.close(handle)
    remark(f"copying {source.stat().st_size:,} bytes ...")
    try:
        with closing(sqlite3.connect(source)) as store:  # one read transaction: the daemon goes on writing
            store.execute("VACUUM INTO ?", (str(part),))
        with closing(sqlite3.connect(part)) as copy:
            [verdict] = copy.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise StoreError(f"{source} is damaged ({verdict}), so is its copy; restore an older backup")
        os.replace(part, target)
    except sqlite3.Error as error:
        raise StoreError(f"{source} cannot be copied: {error}") from error
    finally:
        part.unlink(missing_ok=True)
    return target.stat().st_size
