"""Posts on the screen, one line each, with what was found in them marked."""

from __future__ import annotations

import os
import sys

from alerts.excerpt import clean, excerpt
from monitor.preview import Found, Group
from rules.base import Span

TEXT_LIMIT = 400  # characters of a title or text that are shown
_SIGNS = {Group.GAINED: "+ ", Group.LOST: "- "}


def has_colour() -> bool:
    """Whether standard output is a terminal that may be coloured (https://no-color.org)."""
    return sys.stdout is not None and sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def harmless(text: str) -> str:
    """A text of the user's own, such as a query that was pasted: spaces stay, unless something steers the terminal."""
    cleaned = clean(text)
    return text if text.split() == cleaned.split() else cleaned


def mark(text: str, spans: tuple[Span, ...], *, colour: bool) -> str:
    """An excerpt around the first span, every span coloured or in brackets; nothing in it steers a terminal."""
    form = "\x1b[1;33m{}\x1b[0m" if colour else "[{}]"
    pieces = excerpt(text, spans, TEXT_LIMIT)
    return "".join(form.format(piece.text) if piece.is_hit else piece.text for piece in pieces).strip()


def show(found: Found, *, colour: bool) -> str:
    """`line 3: Title | text with [what matched]`, with + or - before it where queries are compared."""
    post = found.post
    where = f"line {found.line}" if found.line else clean(post.url or post.external_id)
    marked = (
        mark(text, tuple(span for span in found.match.spans if span.field == field), colour=colour)
        for field, text in (("title", post.title), ("text", post.text))
    )
    return f"{_SIGNS.get(found.group, '')}{where}: {' | '.join(filter(None, marked))}"
