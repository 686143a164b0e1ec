"""What is probably wrong with a query that can be read: terms that find too much, parts that never match, cost."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from rules.contradictions import contradictions
from rules.findings import Finding, Level, Problem
from rules.folding import WORD, fold, tokenize
from rules.literals import literals
from rules.query_format import format_query, term_of
from rules.query_nodes import And, Exact, Field, Near, Not, Or, Phrase, Query, Range, Regex, Value, Wildcard, Word
from rules.stop_words import STOP_WORDS

__all__ = ["Finding", "Level", "lint"]

FAR = 30  # words: what is further apart seldom belongs together
MANY_LEADING = 10  # wildcards with nothing fixed at the beginning
SHORT_LITERAL = 3  # characters that a regular expression should have for certain


def lint(query: Query, source: str) -> list[Finding]:
    """Findings in a query and the text it was read from, gravest first, then as they stand."""
    problems = dict.fromkeys([*_too_broad(query), *contradictions(query), *_odd_parts(query), *_costs(query)])
    found = [_place(problem, source) for problem in problems]
    return sorted(found, key=lambda finding: (list(Level).index(finding.level), finding.line, finding.column))


def _place(problem: Problem, source: str) -> Finding:
    """Where the part stands that a problem is about: the first place where it is written so."""
    position = _find(problem.part, source)
    line = source.count("\n", 0, position) + 1
    return Finding(problem.level, problem.message, line, position - source.rfind("\n", 0, position))


def _find(part: Query, source: str) -> int:
    shown = source.find(format_query(part))
    if shown >= 0 and not isinstance(part, Word | Wildcard):
        return shown
    written = rf"(?<!\w){re.escape(term_of(part))}(?!\w)"
    found = re.search(written, source)
    return found.start() if found else max(shown, 0)


def parts_of(query: Query) -> Iterator[Query]:
    """The query and everything within it."""
    yield query
    match query:
        case And(parts) | Or(parts):
            for part in parts:
                yield from parts_of(part)
        case Not(part):
            yield from parts_of(part)
        case Field(_, part) if isinstance(part, Near):
            yield from parts_of(part)
        case Near(left, right):
            yield from parts_of(left)
            yield from parts_of(right)
        case _:
            return


def _too_broad(query: Query) -> Iterator[Problem]:
    for part in _enough(query):
        yield Problem(Level.WARNING, f"`{format_query(part)}` alone is enough to match: {_broadness(part)}", part)
    for part in parts_of(query):
        for removed in _removed(part):
            reason = _broadness(removed)
            yield Problem(Level.WARNING, f"NOT `{format_query(removed)}` removes nearly everything: {reason}", removed)


def _removed(part: Query) -> list[Query]:
    match part:
        case Not(inner) if not isinstance(inner, And | Not):
            return [broad for broad in _enough(inner) if not isinstance(broad, Field | Range)]
        case _:
            return []


def _enough(query: Query) -> list[Query]:
    """The broad terms any of which makes the query true; [] where something narrower is needed beside them."""
    match query:
        case Or(parts):
            return [broad for part in parts for broad in _enough(part)]
        case And(parts):
            each = [_enough(part) for part in parts if not isinstance(part, Not)]
            return each[0] if each and all(each) else []
        case _:
            return [query] if _broadness(query) else []


def _broadness(part: Query) -> str:
    """Why a single term finds too much, "" where it does not."""
    match part:
        case Word(text) | Phrase(text, None) | Exact(text):
            return _word_broadness(text, is_exact=isinstance(part, Exact))
        case Field("title" | "text", term) if not isinstance(term, Value):
            return _broadness(term)
        case Field("lang" | "kind" as name):
            return f"every post of this {'language' if name == 'lang' else 'kind'} has it"
        case Range(_, None, None):
            return "every post with a value has it"
        case _:
            return ""


def _word_broadness(text: str, *, is_exact: bool) -> str:
    tokens = tokenize(text)
    if len(tokens) != 1 or tokens[0].kind != WORD:
        return ""
    if len(tokens[0].forms.plain) == 1:
        return "a single letter or digit stands in very many posts"
    is_common = fold(text.strip()).plain in STOP_WORDS and not (is_exact and text.isupper())
    return "it is one of the commonest words" if is_common else ""


_OPERATORS = {"and": "AND", "or": "OR", "not": "NOT", "und": "AND", "oder": "OR", "nicht": "NOT"}


def _odd_parts(query: Query) -> Iterator[Problem]:
    for part in parts_of(query):
        match part:
            case Near(_, _, distance) if distance > FAR:
                message = f"NEAR/{distance} joins what is far apart: beyond {FAR} words AND says nearly the same"
                yield Problem(Level.WARNING, message, part)
            case And(parts):
                yield from map(_about_operator, filter(_is_operator, parts))
                yield from map(_about_comma, filter(_ends_in_comma, parts))
            case Or(parts):
                yield from _doubles(parts)
            case Phrase(text) if re.search(r"(?<!\S)(?:AND|OR|NOT|NEAR(?:/\d+f?)?)(?!\S)", text) and not text.isupper():
                yield Problem(Level.HINT, f'within quotes operators are plain words: `"{text}"`', part)
            case Regex(pattern) if re.search(r"\\[bBwW]", pattern):
                message = r"`\b` and `\w` know ASCII letters only: ä, ß or é end a word for them; write `[\pL\pN]`"
                yield Problem(Level.HINT, message, part)
            case _:
                continue


def _is_operator(part: Query) -> bool:
    return isinstance(part, Word) and part.text.lower() in _OPERATORS


def _about_operator(part: Query) -> Problem:
    written = term_of(part)
    message = f'`{written}` is a word here; write {_OPERATORS[written.lower()]}, or `"{written}"` to look for the word'
    return Problem(Level.WARNING, message, part)


def _ends_in_comma(part: Query) -> bool:
    return isinstance(part, Word) and len(part.text) > 1 and part.text[-1] in ",;"


def _about_comma(part: Query) -> Problem:
    return Problem(Level.WARNING, f"`{term_of(part)}`: a comma separates nothing; write OR between alternatives", part)


def _doubles(parts: tuple[Query, ...]) -> Iterator[Problem]:
    counts = Counter(parts)
    for part, count in counts.items():
        if count > 1:
            yield Problem(Level.HINT, f"`{format_query(part)}` stands here {count} times", part)


def _costs(query: Query) -> Iterator[Problem]:
    parts = list(parts_of(query))
    terms = [part.part if isinstance(part, Field) else part for part in parts]
    leading = [term for term in terms if isinstance(term, Wildcard) and term.pattern[0] in "*?"]
    if len(leading) > MANY_LEADING:
        message = f"{len(leading)} wildcards begin with `*` or `?`: each is held against every word of every post"
        yield Problem(Level.HINT, message, leading[0])
    for term in terms:
        if isinstance(term, Regex) and min(map(len, literals(term.pattern))) < SHORT_LITERAL:
            message = "this regular expression has no fixed text of three letters: it runs over every post"
            yield Problem(Level.WARNING, message, term)
