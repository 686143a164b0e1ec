"""`mentiond export`: mentions with post, verdict and case, as JSON lines or CSV."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from monitor.assembly import utc_now
from monitor.commands import OK, CommandError
from monitor.commands.progress import Progress, remark
from monitor.config import Config, load
from monitor.config_errors import suggest
from monitor.exporting import Filter, read_all, write_lines, write_table
from monitor.store import Store
from rules.base import NONE, UNCLASSIFIED, UNSURE, Label
from sources.base import parse_duration

_LABELS = (*(label.value for label in Label), UNSURE, NONE, UNCLASSIFIED)


def run(options: argparse.Namespace) -> int:
    """Write what is wanted; of a file only the whole appears under its name."""
    config = load(options.config, os.environ)
    wanted, is_table = _wanted(options, config), _is_table(options)
    store = Store(config.store.url)
    count = 0
    try:
        store.migrate()
        with (
            _opened(options.output, excel=options.excel) as file,
            Progress(sys.stderr, what="mentions written") as progress,
        ):
            found = read_all(store, wanted)
            written = write_table(found, file, ";" if options.excel else ",") if is_table else write_lines(found, file)
            for _ in written:
                count += 1
                progress.count()
    finally:
        store.close()
    _report(options, count)
    return OK


def _report(options: argparse.Namespace, count: int) -> None:
    if options.output is None:
        remark(f"{count:,} mentions")
    elif options.json:
        print(json.dumps({"file": str(options.output), "mentions": count, "bytes": options.output.stat().st_size}))
    else:
        print(f"{options.output}: {count:,} mentions. It holds what people wrote; it is readable by you alone")


def _is_table(options: argparse.Namespace) -> bool:
    if options.format is not None:
        if options.excel and options.format != "csv":
            raise CommandError("--excel is a way to write CSV; --format jsonl says otherwise")
        return bool(options.format == "csv")
    return options.excel or (options.output is not None and options.output.suffix.lower() == ".csv")


def _wanted(options: argparse.Namespace, config: Config) -> Filter:
    for label in options.label or ():
        if label not in _LABELS:
            raise CommandError(f"--label {label!r}: no such label{suggest(label, _LABELS)}")
    try:
        since = utc_now() - parse_duration(options.since) if options.since else None
    except ValueError as error:
        raise CommandError(f"--since {options.since}: {error}") from error
    known = [watchlist.name for watchlist in config.watchlists]
    for name in options.watchlist or ():
        if name not in known:
            remark(f"watchlist {name} is not configured{suggest(name, known)}; what is stored of it is written")
    return Filter(since, tuple(options.watchlist or ()), tuple(options.label or ()), tuple(options.state or ()))


@contextmanager
def _opened(target: Path | None, *, excel: bool) -> Iterator[TextIO]:
    """Standard output, or a new file for the owner alone."""
    encoding = "utf-8-sig" if excel else "utf-8"
    if target is None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding=encoding, newline="")
        yield sys.stdout
        return
    if target.exists():
        raise CommandError(f"{target} exists already; give another name, such as one with the date in it")
    part = target.with_name(target.name + ".part")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise CommandError(f"{part} cannot be written: {error.strerror}") from error
    try:
        os.fchmod(handle, 0o600)  # one that was there may have had another
        with os.fdopen(handle, "w", encoding=encoding, newline="") as file:
            yield file
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
