"""Long lists of values in pieces that one statement can take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

T = TypeVar("T")

CHUNK: Final = 500  # values in one IN (...)


def chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """The values in their order, CHUNK at a time."""
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]
