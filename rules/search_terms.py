"""A watchlist in the words of a source's own search: never narrower than the watchlist, often wider.

What comes back is held against the whole query anyhow, so whatever a search cannot say may be left out of an AND. An OR
cannot be shortened so: where one of its branches requires nothing that can be said, all of it is left out, and where
that leaves nothing at all, the branch is named as what will be missed.

A foreign search is taken to look for words in any case, anywhere in title and text, and to take other accents for none
where it folds at all. The spellings that German has for a word (`müller`, `mueller`) and the ways to run a phrase
together (`#AcmePhone`) are asked for one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rules.query_format import format_query
from rules.query_nodes import And, Domain, Exact, Field, Literal, Near, Not, Or, Phrase, Query, Value, Word
from rules.search_formula import Asked, Formula, Without, either, every, fits, requires, searches_of, write
from rules.search_spellings import spellings_of, together, written
from sources.base import SearchDialect

MOST = 20  # searches; above that wider ones are asked for, where there are any


@dataclass(frozen=True, slots=True)
class SearchTranslation:
    """What to search for. `left_out` is checked afterwards only; `missed` is what no search will bring."""

    searches: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()


class UntranslatableError(ValueError):
    """Nothing of a query can be said in a source's own search."""


@dataclass(frozen=True, slots=True)
class _Said:
    """A part of a query as a formula; None where it requires nothing that can be said."""

    formula: Formula | None
    left_out: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()

    @property
    def requires(self) -> bool:
        return self.formula is not None and requires(self.formula)


def translate(query: Query, dialect: SearchDialect) -> SearchTranslation:
    """The searches that together find whatever the query finds, but for what is `missed`.

    Raises UntranslatableError.
    """
    said = _Translator(dialect).most(_pushed(query))
    if said.formula is None:
        raise UntranslatableError("nothing of this query can be said in its search")
    searches, dropped = searches_of(said.formula, dialect, MOST)
    left_out = [*said.left_out, *(f"{write(part, dialect)} (too many combinations)" for part in dropped)]
    return SearchTranslation(tuple(searches), tuple(dict.fromkeys(left_out)), tuple(dict.fromkeys(said.missed)))


def _pushed(query: Query, is_negated: bool = False) -> Query:
    """The same query, with NOT before single terms only."""
    match query:
        case Not(part):
            return _pushed(part, not is_negated)
        case And(parts) | Or(parts):
            joins = And if isinstance(query, And) != is_negated else Or
            return joins(tuple(_pushed(part, is_negated) for part in parts))
        case _:
            return Not(query) if is_negated else query


@dataclass(frozen=True, slots=True)
class _Translator:
    dialect: SearchDialect

    def most(self, query: Query) -> _Said:
        """What can be said of a query, with branches missed where it cannot be had otherwise."""
        said = self._say(query)
        if said.requires:
            return said
        match query:
            case Or(parts):
                branches = [(part, self.most(part)) for part in parts]
                found = [branch for _, branch in branches if branch.formula is not None]
                lost = [format_query(part) for part, branch in branches if branch.formula is None]
                return _joined_by_or(found, lost) if found else _Said(None)
            case And(parts):
                chosen = [(index, self.most(part)) for index, part in enumerate(parts)]
                usable = [(len(branch.missed), index, branch) for index, branch in chosen if branch.formula is not None]
                if not usable:
                    return _Said(None)
                _, index, best = min(usable, key=lambda one: one[:2])
                others = [format_query(part) for part in (*parts[:index], *parts[index + 1 :])]
                return _Said(best.formula, (*others, *best.left_out), best.missed)
            case _:
                return _Said(None)

    def _say(self, query: Query | Value) -> _Said:
        """What can be said of a query without missing anything."""
        match query:
            case And(parts):
                return self._every(parts)
            case Or(parts):
                branches = [self._say(part) for part in parts]
                return _joined_by_or(branches) if all(branch.requires for branch in branches) else _Said(None)
            case Near(left, right):
                both = self._every((left, right))
                return _Said(both.formula, (*both.left_out, f"the distance of {format_query(query)}"))
            case Field("title" | "text", part):
                inner = self._say(part)
                return _Said(inner.formula, (*inner.left_out, f"the field of {format_query(query)}"))
            case Not(part):
                return _Said(self._without(part))
            case Phrase(text, int()):
                words = self._every([Word(word) for word in text.split()])
                return _Said(words.formula, (*words.left_out, f"the distance of {format_query(query)}"))
            case _:
                return _Said(self._term(query))

    def _every(self, parts: Sequence[Query]) -> _Said:
        """Whatever can be said of the parts; the rest is left out."""
        each = [(part, self._say(part)) for part in parts]
        formulas = [said.formula for _, said in each if said.formula is not None]
        left_out: list[str] = []
        for part, said in each:
            left_out += [format_query(part)] if said.formula is None else said.left_out
        return _Said(every(formulas) if formulas else None, tuple(left_out))

    def _without(self, part: Query) -> Formula | None:
        """Only where the search is certain to take away no more than the query does."""
        text = part.text if isinstance(part, Word) or (isinstance(part, Phrase) and part.slop is None) else ""
        is_plain = text.isascii() and all(word.isalnum() for word in text.split(" "))
        if not self.dialect.without or not is_plain or not (self.dialect.has_phrases or " " not in text):
            return None
        return Without(Asked(text)) if len(text) < self.dialect.longest // 2 else None

    def _term(self, term: Query | Value) -> Formula | None:
        match term:
            case Word(text) | Phrase(text):
                return self._text(text)
            case Domain(text):
                spelt = [self._text(text), self._text(text.replace(".", " dot "))]
                return either([one for one in spelt if one is not None]) if all(spelt) else None
            case Exact(text) | Literal(text):
                return self._asked(written(text))
            case _:
                return None

    def _text(self, text: str) -> Formula | None:
        """A word or phrase in all its spellings."""
        whole = [self._asked(spelling) for spelling in spellings_of(text)] or [self._word_by_word(text)]
        joined = [self._asked(spelling) for spelling in spellings_of(together(text)) if spelling]
        found = [one for one in (*whole, *joined) if one is not None]
        return either(found) if found and len(found) == len(whole) + len(joined) else None

    def _word_by_word(self, text: str) -> Formula | None:
        words = [self._text(word) for word in written(text).split()]
        found = [word for word in words if word is not None]
        return every(found) if found else None

    def _asked(self, text: str) -> Formula | None:
        """Words side by side, or at least all there; as many of them as a search holds. None where that is none."""
        words = text.split()
        while words and not fits(Asked(" ".join(words)), self.dialect):
            words.pop()
        if not words:
            return None
        if self.dialect.has_phrases:
            return Asked(" ".join(words))
        plain = [Asked(word) for word in write(Asked(" ".join(words)), self.dialect).split()]
        return every(plain)


def _joined_by_or(branches: Sequence[_Said], lost: Sequence[str] = ()) -> _Said:
    formula = either([branch.formula for branch in branches if branch.formula is not None])
    left_out = tuple(one for branch in branches for one in branch.left_out)
    missed = (*lost, *(one for branch in branches for one in branch.missed))
    return _Said(formula, left_out, missed)
