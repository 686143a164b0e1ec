"""Parts of a query that can never match, and NOTs that take away what is required."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import combinations

from rules.findings import Level, Problem
from rules.folding import WORD, tokenize
from rules.query_format import format_query
from rules.query_nodes import And, Field, Not, Or, Phrase, Query, Range, Value, Wildcard, Word
from sources.base import PostKind

_LANGUAGES = """
aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en
eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv
ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne
ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st
su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
"""
_LANGUAGE_NAMES = {"ger": "de", "deu": "de", "german": "de", "deutsch": "de", "eng": "en", "english": "en"}


MOST = 200  # parts of a group that are compared with one another: each pair costs time


def contradictions(query: Query) -> Iterator[Problem]:
    """Everything in the query that contradicts itself."""
    yield from _unknown_values(query)
    match query:
        case And(parts):
            yield from _conflicts(query)
            for part in parts:
                yield from contradictions(part)
        case Or(parts):
            for part in parts:
                yield from contradictions(part)
        case Not(part):
            yield from contradictions(part)
        case _:
            return


def _unknown_values(part: Query) -> Iterator[Problem]:
    match part:
        case Range(_, low, high) if low is not None and high is not None and low > high:
            message = f"`{format_query(part)}` is empty: the first number is the smaller one"
            yield Problem(Level.ERROR, message, part)
        case Field("kind", Value(text)) if text not in list(PostKind):
            kinds = ", ".join(PostKind)
            yield Problem(Level.ERROR, f"no post is of the kind `{text}`{_nearest(text)}; there are {kinds}", part)
        case Field("lang", Value(text)) if re.split("[-_]", text)[0] not in _LANGUAGES.split() or len(text) > 2:
            proposal = _LANGUAGE_NAMES.get(text) or text[:2]
            hint = f": write `lang:{proposal}`" if proposal in _LANGUAGES.split() else ""
            yield Problem(Level.ERROR, f"`{text}` is no language of two letters (ISO 639-1){hint}", part)
        case _:
            return


def _nearest(kind: str) -> str:
    near = difflib.get_close_matches(kind, list(PostKind), 1)
    return f", did you mean `{near[0]}`?" if near else ""


def _conflicts(query: And) -> Iterator[Problem]:
    """What cannot hold at once among the parts that all must."""
    required, excluded = _split(query)
    values = [part for part in required if isinstance(part, Field | Range)]
    for one, other in combinations(values[:MOST], 2):
        if _are_apart(one, other):
            message = f"`{format_query(one)}` and `{format_query(other)}` never hold at once; write OR"
            yield Problem(Level.ERROR, message, other)
    removing = [part for excluding in excluded for part in _alternatives(excluding)][:MOST]
    for part in required:
        yield from _removed(part, removing)


def _split(query: Query) -> tuple[list[Query], list[Query]]:
    """What must be there and what must not, through ANDs within one another."""
    match query:
        case And(parts):
            pairs = [_split(part) for part in parts]
            return [p for required, _ in pairs for p in required], [p for _, excluded in pairs for p in excluded]
        case Not(part):
            return [], [part]
        case _:
            return [query], []


def _alternatives(query: Query) -> list[Query]:
    if isinstance(query, Or):
        return [inner for part in query.parts for inner in _alternatives(part)]
    return [query]


def _removed(part: Query, removing: Sequence[Query]) -> Iterator[Problem]:
    """A required part of which NOTs take away all, or single alternatives."""
    alternatives = _alternatives(part)[:MOST]
    gone = [(one, cause) for one in alternatives if (cause := _cause(one, removing)) is not None]
    is_all = len(gone) == len(alternatives)
    for one, cause in gone:
        level = Level.ERROR if is_all and one == cause else Level.WARNING
        what = "everything" if is_all and len(gone) == 1 else f"all that `{format_query(one)}` finds"
        yield Problem(level, f"NOT `{format_query(cause)}` removes {what}", cause)


def _cause(required: Query, removing: Sequence[Query]) -> Query | None:
    return next((part for part in removing if _includes(part, required)), None)


def _includes(wide: Query, narrow: Query) -> bool:
    """Whether a term is found wherever another one is (hashtags of run-together words aside)."""
    if wide == narrow:
        return True
    if isinstance(wide, Field):
        return isinstance(narrow, Field) and narrow.name == wide.name and _includes_value(wide, narrow)
    if isinstance(narrow, Field):
        return narrow.name in ("title", "text") and not isinstance(narrow.part, Value) and _includes(wide, narrow.part)
    words = _words(narrow)
    match wide:
        case Word() | Phrase(slop=None):
            sought = _words(wide)
            return bool(sought) and any(words[at : at + len(sought)] == sought for at in range(len(words)))
        case Wildcard(pattern):
            shape = re.compile(re.escape(pattern.lower()).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)
            return any(shape.fullmatch(word) for word in words)
        case _:
            return False


def _includes_value(wide: Field, narrow: Field) -> bool:
    match wide.part, narrow.part:
        case Value(host), Value(part) if wide.name == "site":
            return f".{part}".endswith(f".{host}")
        case Value(one), Value(other):
            return one.casefold() == other.casefold()
        case (Value(), _) | (_, Value()):
            return False
        case one, other:
            return _includes(one, other)


@lru_cache(maxsize=2**12)
def _words(part: Query) -> list[str]:
    """The words of a term in a row as they fold; [] where there is anything but words."""
    match part:
        case Word(text) | Phrase(text, None):
            tokens = tokenize(text)
            return [token.forms.exact for token in tokens] if all(token.kind == WORD for token in tokens) else []
        case _:
            return []


def _are_apart(one: Query, other: Query) -> bool:
    """Whether no post can have both values."""
    match one, other:
        case Field(name, Value(value)), Field(again, Value(second)) if name == again:
            if name == "site":
                return not (f".{value}".endswith(f".{second}") or f".{second}".endswith(f".{value}"))
            return value.casefold() != second.casefold()
        case Range(field, low, high), Range(again, second_low, second_high) if field == again:
            return _is_below(high, second_low) or _is_below(second_high, low)
        case _:
            return False


def _is_below(high: float | None, low: float | None) -> bool:
    return high is not None and low is not None and high < low
