"""What a query means, evaluated as naively as possible: the judge of the engine in test_reference.py.

Written from the description of the nodes in `rules.query_nodes` alone. It tries every place for every term and every
pair for every NEAR, and prepares nothing.
"""

from __future__ import annotations

from typing import NamedTuple

from rules.base import Span
from rules.query import Query, term_of
from rules.query_nodes import And, Field, Near, Not, Or, Range
from sources.base import Post
from tests.rules.reference_fields import holds_whole, links
from tests.rules.reference_places import places


class Answer(NamedTuple):
    """What a Match holds, but for the name of the watchlist."""

    spans: tuple[Span, ...]
    terms: tuple[str, ...]


def answer(query: Query, post: Post) -> Answer | None:
    """What the query finds in the post; None where it does not match."""
    if not is_true(query, post):
        return None
    found = reasons(query, True, post)
    spans = {span for places in found.values() for span in places}
    return Answer(tuple(sorted(spans, key=lambda span: (span.field == "text", span))), tuple(found))


def is_true(query: Query, post: Post) -> bool:
    match query:
        case Not(part):
            return not is_true(part, post)
        case And(parts):
            return all([is_true(part, post) for part in parts])
        case Or(parts):
            return any([is_true(part, post) for part in parts])
        case _:
            return bool(leaf(query, post))


def reasons(query: Query, wanted: bool, post: Post) -> dict[str, set[Span]]:
    """The terms, and their spans, that make the query true (`wanted`) or false: an absent term is no term found."""
    match query:
        case Not(part):
            return reasons(part, not wanted, post)
        case And(parts) | Or(parts):
            together: dict[str, set[Span]] = {}
            for part in parts:
                if is_true(part, post) == wanted:
                    for term, spans in reasons(part, wanted, post).items():
                        together.setdefault(term, set()).update(spans)
            return together
        case _:
            return leaf(query, post) if wanted else {}


def leaf(query: Query, post: Post) -> dict[str, set[Span]]:
    """A node without AND, OR and NOT: the terms found with their spans; empty where it is not true."""
    match query:
        case Range(field, low, high):
            value = getattr(post, field)
            is_within = value is not None and (low is None or low <= value) and (high is None or value <= high)
            return {term_of(query): set()} if is_within else {}
        case Field("title" | "text" as name, part):
            found = places(part, getattr(post, name))
            spans = {Span(name, *where) for each in found.values() for where in each}
            return {term_of(query): spans} if found else {}
        case Field("url" | "links" as name, part):
            texts = links(post) if name == "links" else [post.url] if post.url else []
            return {term_of(query): set()} if any([places(part, text) for text in texts]) else {}
        case Field(name, part):
            return {term_of(query): set()} if holds_whole(name, part, post) else {}
        case _:
            return _in_both(query, post)


def _in_both(query: Query, post: Post) -> dict[str, set[Span]]:
    found: dict[str, set[Span]] = {}
    texts = {"title": places(query, post.title), "text": places(query, post.text)}
    for term in names(query):
        spans = {Span(name, *where) for name, each in texts.items() for where in each.get(term, ())}
        if spans:
            found[term] = spans
    return found


def names(query: Query) -> list[str]:
    """The names of the terms of a leaf, in the order of the query."""
    match query:
        case Near(left, right):
            return [*names(left), *names(right)]
        case Or(parts):
            return [name for part in parts for name in names(part)]
        case _:
            return [term_of(query)]
