"""Values taken out of JSON that a stranger wrote: what has another type than it should counts as not there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from math import isfinite
from typing import TypeAlias, TypeVar

from sources.base import BACKOFF_LONG, JSON, SourceError
from sources.feed_identity import stable_id

Item: TypeAlias = "dict[str, JSON]"
T = TypeVar("T")

LATEST = 253402300799  # the last second that a datetime can hold


def find(value: JSON, *path: str | int) -> JSON:
    """What stands at the end of the path; None where the path breaks off."""
    for key in path:
        if isinstance(value, dict) and isinstance(key, str):
            value = value.get(key)
        elif isinstance(value, list) and isinstance(key, int) and -len(value) <= key < len(value):
            value = value[key]
        else:
            return None
    return value


def text(value: JSON, *path: str | int) -> str:
    """A string, empty where there is none."""
    found = find(value, *path)
    return found if isinstance(found, str) else ""


def whole(value: JSON, *path: str | int) -> int | None:
    """A whole number, also one written as a string of digits."""
    found = find(value, *path)
    if isinstance(found, str) and found.isascii() and found.isdigit() and len(found) <= 18:
        return int(found)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def number(value: JSON, *path: str | int) -> float | None:
    """A finite number."""
    found = find(value, *path)
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    return float(found) if -1e300 < found < 1e300 and isfinite(found) else None


def flag(value: JSON, *path: str | int) -> bool | None:
    """True or false."""
    found = find(value, *path)
    return found if isinstance(found, bool) else None


def item(value: JSON, *path: str | int) -> Item:
    """An object, empty where there is none."""
    found = find(value, *path)
    return found if isinstance(found, dict) else {}


def items(value: JSON, *path: str | int) -> list[Item]:
    """The objects of a list; none where there is no list."""
    found = find(value, *path)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def reference(value: JSON, *path: str | int) -> str | None:
    """An id, written as a string or as a number, in the form of external ids."""
    found = find(value, *path)
    if isinstance(found, bool) or not isinstance(found, int | str) or found in ("", 0):
        return None
    return stable_id(str(found))


def counted(value: JSON, *keys: str) -> int | None:
    """The sum of the counts under these keys; None where none of them is there."""
    counts = [count for key in keys if (count := whole(value, key)) is not None]
    return sum(counts) if counts else None


def moment(seconds: float | None) -> datetime | None:
    """Seconds since 1970 as UTC; None where no datetime can hold them."""
    return None if seconds is None or not 0 <= seconds <= LATEST else datetime.fromtimestamp(seconds, UTC)


def listed(answer: JSON, *path: str | int) -> list[Item]:
    """The objects of the list that the answer is about. Raises SourceError where the answer has changed its shape."""
    found = find(answer, *path)
    if not isinstance(found, list):
        raise changed(f"no list `{'.'.join(map(str, path))}`" if path else "it is no list")
    objects = [each for each in found if isinstance(each, dict)]
    if found and not objects:
        raise changed("a list of what are no objects")
    return objects


def changed(what: str) -> SourceError:
    """The error for an answer that is not what its API documents."""
    return SourceError(f"the answer has changed its shape: {what}", backoff_limit=BACKOFF_LONG)


def usable(found: list[Item], made: list[T | None], what: str) -> Iterator[str]:
    """Yield the notice on items that could not be read. Raises SourceError where that is all of them."""
    lost = sum(1 for one in made if one is None)
    if lost and lost == len(found):
        raise changed(f"{what} without what makes them one")
    if lost:
        yield f"{lost} {what} could not be read and were left out"
