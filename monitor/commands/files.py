"""Input files of commands."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from monitor.commands import CommandError


@contextmanager
def open_input(name: str) -> Iterator[BinaryIO]:
    """The file, or standard input for `-`. Raises CommandError where it cannot be read."""
    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115  # closed below; what the reader of it throws is not the file's
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}") from error
    with file:
        yield file
