"""What commands say on standard error beside their results: remarks, and how far long work has come."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Self, TextIO

_PAUSE = 0.2  # seconds between two updates
_EVERY = 100  # posts between two looks at the clock


def remark(text: str) -> None:
    """One line on standard error; nothing where there is none (print would take standard output instead)."""
    if sys.stderr is not None:
        print(text, file=sys.stderr)


class Progress:
    """Counts posts on one line of a terminal that is rewritten; silent where `stream` is none.

    `what` is counted; `seconds`: a clock that only goes forward.
    """

    def __init__(
        self, stream: TextIO | None, seconds: Callable[[], float] = time.monotonic, what: str = "posts read"
    ) -> None:
        self._stream = stream if stream is not None and stream.isatty() else None
        self._what = what
        self._seconds = seconds
        self._is_drawn = False
        self._posts = 0
        self._drawn_at = seconds()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def count(self) -> None:
        """One post more."""
        self._posts += 1
        if self._stream is None or self._posts % _EVERY:
            return
        now = self._seconds()
        if now - self._drawn_at >= _PAUSE:
            self._drawn_at = now
            self._is_drawn = True
            print(f"\r{self._posts:,} {self._what}", end="", file=self._stream, flush=True)

    def clear(self) -> None:
        """Take the line away before something else is printed."""
        if self._is_drawn:
            self._is_drawn = False
            print("\r\x1b[K", end="", file=self._stream, flush=True)
