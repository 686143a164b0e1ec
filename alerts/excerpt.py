"""Text of strangers made fit to show: inert characters, whole graphemes, web links, excerpts with the hits marked.

Graphemes follow Unicode Standard Annex #29 as far as an excerpt needs it: combining marks, variation selectors, joined
emoji, skin tones, keycaps, tag sequences, flags, Hangul letters; CR LF counts as two.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from rules.base import Span

Measure = Callable[[str], int]  # what a piece of text costs of a limit

LINK_LIMIT = 2000  # a longer address is no longer a link that people follow
_LEAD = 60  # characters shown before the first hit when the beginning is left out
_CLUSTER_LIMIT = 32  # code points: the longest emoji have 11, more is a stack of marks
_ZWJ = "\u200d"

# Controls, ANSI and C1 escapes, bidirectional overrides and isolates, invisible spaces, surrogates, non-characters.
_UNSAFE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u200b\u2060-\u2064\ufeff\u202a-\u202e\u2066-\u2069"
    "\ud800-\udfff\ufff9-\ufffb\ufffe\uffff]"
)
_SPACE = re.compile(r"\s+")
_URL_SAFE = "%/:?#[]@!$&()*+,;=~-._'"


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of an excerpt; `is_hit`: a watchlist's term stands here."""

    text: str
    is_hit: bool = False


def clean(text: str) -> str:
    """One line without characters that steer a terminal, reorder text or cannot be encoded."""
    return _SPACE.sub(" ", _UNSAFE.sub("", text))


def units(text: str) -> int:
    """Length in UTF-16 units: the most that any service counts for a text."""
    return len(text) + sum(character > "\uffff" for character in text)


def graphemes(text: str) -> Iterator[str]:
    """The user-perceived characters of a text, none longer than 32 code points."""
    start = 0
    for position in range(1, len(text)):
        if position - start >= _CLUSTER_LIMIT or _is_boundary(text, start, position):
            yield text[start:position]
            start = position
    if text:
        yield text[start:]


def _is_boundary(text: str, start: int, position: int) -> bool:
    """Whether the grapheme that begins at `start` ends before `position`."""
    before, after = text[position - 1], text[position]
    if after < "\u0300":
        return True
    if before == _ZWJ or after == _ZWJ or _extends(after):
        return False
    if _is_flag_letter(before) and _is_flag_letter(after):
        return position - start >= 2
    return True


def _extends(character: str) -> bool:
    return (
        unicodedata.category(character) in ("Mn", "Me", "Mc")
        or "\U0001f3fb" <= character <= "\U0001f3ff"
        or "\U000e0020" <= character <= "\U000e007f"
        or "\u1160" <= character <= "\u11ff"
        or character in "\u200c\uff9e\uff9f"
    )


def _is_flag_letter(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def cut(text: str, limit: int, measure: Measure = units) -> str:
    """The text if it costs at most `limit`, else whole graphemes of it and an ellipsis."""
    if measure(text) <= limit:
        return text
    kept: list[str] = []
    left = limit - measure("…")
    for grapheme in graphemes(text):
        left -= measure(grapheme)
        if left < 0:
            break
        kept.append(grapheme)
    return "".join(kept).rstrip() + "…"


def excerpt(text: str, spans: tuple[Span, ...], limit: int, measure: Measure = units) -> tuple[Piece, ...]:
    """One line of at most `limit` around the first hit, cut between graphemes, with every hit in it marked.

    `spans` count characters of `text` as it came; cleaning happens here.
    """
    hits = _hits(text, spans)
    start = _start(text, hits, limit)
    pieces = [Piece("…")] if start else []
    left = limit - 2 * measure("…")
    position = start
    for grapheme in graphemes(text[start:]):
        shown = _shown(grapheme, pieces)
        left -= measure(shown)
        if left < 0:
            return (*_joined(pieces), Piece("…"))
        if shown:
            pieces.append(Piece(shown, any(hits[position : position + len(grapheme)])))
        position += len(grapheme)
    return _joined(pieces)


def _hits(text: str, spans: tuple[Span, ...]) -> bytearray:
    """1 for every character that stands in a span: one look-up each, however many spans overlap."""
    hits = bytearray(len(text))
    for span in spans:
        hits[span.start : span.end] = b"\1" * len(hits[span.start : span.end])
    return hits


def _start(text: str, hits: bytearray, limit: int) -> int:
    """Where to begin so that the first hit is seen: 0, or the start of a word at most `_LEAD` before the hit."""
    first = hits.find(1)
    if first <= limit // 2:
        return 0
    space = _SPACE.search(text, first - _LEAD, first)
    return space.end() if space else first


def _shown(grapheme: str, before: list[Piece]) -> str:
    """The grapheme cleaned; "" for a space after a space or at the beginning."""
    shown = clean(grapheme)
    return "" if shown == " " and (not before or before[-1].text.endswith(" ")) else shown


def _joined(pieces: list[Piece]) -> tuple[Piece, ...]:
    """Neighbours of one kind made one piece."""
    runs: list[tuple[list[str], bool]] = []
    for piece in pieces:
        if not runs or runs[-1][1] is not piece.is_hit:
            runs.append(([], piece.is_hit))
        runs[-1][0].append(piece.text)
    return tuple(Piece("".join(texts), is_hit) for texts, is_hit in runs)


def web_link(url: str | None) -> str | None:
    """The address in plain ASCII if it leads to the web, else None. A user name before the host is left out."""
    try:
        parts = urlsplit(url or "")
        host = (parts.hostname or "").encode("idna").decode()
        port = f":{parts.port}" if parts.port else ""
    except ValueError:  # UnicodeError is one
        return None
    if parts.scheme not in ("http", "https") or not re.fullmatch(r"[a-z0-9._-]+|[0-9a-f:.]+", host):
        return None
    host = f"[{host}]" if ":" in host else host
    rest = parts.path + (parts.query and f"?{parts.query}") + (parts.fragment and f"#{parts.fragment}")
    link = f"{parts.scheme}://{host}{port}{quote(rest.encode(errors='replace'), safe=_URL_SAFE)}"
    return link if len(link) <= LINK_LIMIT else None


def link_host(link: str) -> str:
    """The host of a `web_link`, shown beside every link so that nobody is sent astray."""
    return (urlsplit(link).hostname or "").removeprefix("www.")
