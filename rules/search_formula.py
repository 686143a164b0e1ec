"""What a search asks for, as words joined by AND, OR and NOT, and how that is written in a source's own syntax."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

from sources.base import SearchDialect

_OPERATORS = frozenset({"and", "or", "not", "near", "to", "in"})  # quoted, they are words everywhere


@dataclass(frozen=True, slots=True)
class Asked:
    """A word, or words side by side."""

    text: str

    @property
    def words(self) -> list[str]:
        return self.text.lower().split(" ")


@dataclass(frozen=True, slots=True)
class Without:
    """That a word does not stand there."""

    part: Asked


@dataclass(frozen=True, slots=True)
class Every:
    """All of its parts, which are no Every themselves."""

    parts: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of its parts at least, which are no Either themselves."""

    parts: tuple[Formula, ...]


Formula: TypeAlias = "Asked | Without | Every | Either"


def every(parts: Iterable[Formula]) -> Formula:
    """The parts joined by AND."""
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, Every) else (part,))]
    distinct = tuple(dict.fromkeys(flat))
    return distinct[0] if len(distinct) == 1 else Every(distinct)


def either(parts: Iterable[Formula]) -> Formula:
    """The parts joined by OR, without those that another one finds anyhow: `acme` finds `acme phone`."""
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, Either) else (part,))]
    distinct: dict[object, Formula] = {}
    for part in flat:
        distinct.setdefault(tuple(part.words) if isinstance(part, Asked) else part, part)
    kept = tuple(part for part in distinct.values() if not any(_finds(other, part) for other in distinct.values()))
    return kept[0] if len(kept) == 1 else Either(kept)


def _finds(wide: Formula, narrow: Formula) -> bool:
    """Whether whatever the narrow one finds is found by the other one too; False for one and the same."""
    if not isinstance(wide, Asked) or wide is narrow:
        return False
    if isinstance(narrow, Every):
        return any(part == wide or _finds(wide, part) for part in narrow.parts)
    if not isinstance(narrow, Asked) or wide.words == narrow.words:
        return False
    size = len(wide.words)
    return any(narrow.words[start : start + size] == wide.words for start in range(len(narrow.words) - size + 1))


def requires(formula: Formula) -> bool:
    """Whether something must be there, so that it can be asked for."""
    match formula:
        case Asked():
            return True
        case Without():
            return False
        case Every(parts):
            return any(map(requires, parts))
        case Either(parts):
            return all(map(requires, parts))


def write(formula: Formula, dialect: SearchDialect) -> str:
    """The formula in the dialect's signs, whether it allows that or not."""
    match formula:
        case Asked(text):
            is_bare = text.isalnum() and text.lower() not in {
                *_OPERATORS,
                dialect.either.lower(),
                dialect.without.lower(),
            }
            return text if is_bare else f'"{text}"' if dialect.has_phrases else re.sub(r"\W+", " ", text).strip()
        case Without(part):
            return f"{dialect.without}{' ' if dialect.without.isalpha() else ''}{write(part, dialect)}"
        case Every(parts):
            positive = [part for part in parts if not isinstance(part, Without)]
            return " ".join(
                write(part, dialect) for part in [*positive, *(part for part in parts if part not in positive)]
            )
        case Either(parts):
            written = [
                f"({text})" if isinstance(part, Every) else text for part in parts for text in [write(part, dialect)]
            ]
            joined = f" {dialect.either} ".join(written)
            return f"({joined})" if dialect.has_brackets else joined


def can_say(formula: Formula, dialect: SearchDialect) -> bool:
    """Whether the dialect has a form for it."""
    match formula:
        case Either(parts):
            return bool(dialect.either) and (_are_plain(parts) or _can_nest(parts, dialect))
        case Every(parts) if any(isinstance(part, Either) for part in parts):
            return dialect.has_brackets and all(can_say(part, dialect) for part in parts)
        case _:
            return True


def _are_plain(parts: Sequence[Formula]) -> bool:
    return all(isinstance(part, Asked) for part in parts)


def _can_nest(parts: Sequence[Formula], dialect: SearchDialect) -> bool:
    return dialect.has_brackets and dialect.has_nesting and all(can_say(part, dialect) for part in parts)


def fits(formula: Formula, dialect: SearchDialect) -> bool:
    """Whether it makes one search."""
    return can_say(formula, dialect) and len(write(formula, dialect)) <= dialect.longest


def split(formula: Formula, dialect: SearchDialect) -> Iterator[str]:
    """Searches that together find what the formula does, or more. Each word of it fits into one."""
    if fits(formula, dialect):
        yield write(formula, dialect)
        return
    match formula:
        case Either(parts):
            for group in _groups(parts, dialect):
                yield from split(group, dialect)
        case Every(parts):
            widest = max((part for part in parts if isinstance(part, Either)), key=_size, default=None)
            if widest is None:
                yield write(_shortened(parts, dialect), dialect)
                return
            middle = len(widest.parts) // 2
            for half in (widest.parts[:middle], widest.parts[middle:]):
                yield from split(every(either(half) if part is widest else part for part in parts), dialect)


def _size(part: Either) -> int:
    return len(part.parts)


def _groups(parts: Sequence[Formula], dialect: SearchDialect) -> Iterator[Formula]:
    """As many alternatives as one search holds, in their order."""
    group: list[Formula] = []
    for part in parts:
        if group and not fits(Either((*group, part)), dialect):
            yield either(group)
            group = []
        group.append(part)
    yield either(group)


def _shortened(parts: Sequence[Formula], dialect: SearchDialect) -> Formula:
    """As many conditions as one search holds, those that ask for something first."""
    kept: list[Formula] = []
    for part in sorted(parts, key=lambda part: isinstance(part, Without)):
        if fits(every([*kept, part]), dialect):
            kept.append(part)
    return every(kept)


def searches_of(formula: Formula, dialect: SearchDialect, most: int) -> tuple[list[str], list[Formula]]:
    """The searches for a formula, and the conditions that were left out of it lest there be more than `most`."""
    left_out: list[Formula] = []
    while len(list(islice(split(formula, dialect), most + 1))) > most:
        wider, dropped = _wider(formula)
        if not dropped:
            break
        formula = wider
        left_out += dropped
    return list(dict.fromkeys(split(formula, dialect))), left_out


def _wider(formula: Formula) -> tuple[Formula, list[Formula]]:
    """The formula without the longest list of alternatives of each AND that asks for something else too."""
    if isinstance(formula, Either):
        widened = [_wider(part) for part in formula.parts]
        return either(part for part, _ in widened), [one for _, dropped in widened for one in dropped]
    if not isinstance(formula, Every):
        return formula, []
    choices = [part for part in formula.parts if isinstance(part, Either)]
    rest = [part for part in formula.parts if not choices or part is not max(choices, key=_size)]
    if not choices or not any(map(requires, rest)):
        return formula, []
    return every(rest), [max(choices, key=_size)]
