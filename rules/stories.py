"""Which posts are copies of one another: the same page under several addresses, the same text, nearly the same text.

What people say of the same thing in similar words is no copy. So a short text (below WORDS_OF_A_TEXT) joins nobody but
its own author, answers and reviews neither, and texts that differ in their figures are different texts: "loses 2.3 %",
"gains 1.1 %". On one site two people who say the same are two people, unless one passes the other on. Posts of one
author are joined sooner. A window of days and a number of posts bound the memory.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final, TypeAlias

from rules.addresses import canonical_address
from sources.base import Post, PostKind

WORDS_OF_A_TEXT: Final = 8  # fewer are said by many
WORDS_OF_A_VARIANT: Final = 12  # fewer are a copy only word for word
WORDS_READ: Final = 300  # of a text, from its beginning
WORDS_IN_A_ROW: Final = 3
MOST_POSTS: Final = 20_000
SOON: Final = timedelta(days=1)  # within which a person says a short text twice as one

_SKETCH_LEAST: Final = 8  # smallest hashes of a text that it is looked up by
_SKETCH_MOST: Final = 32
_SKETCH_SHARE: Final = 8  # or every eighth, so that a part of a text shares some with the whole
_POSTINGS: Final = 64  # posts of one hash: what more have in common is boilerplate
_TRIED: Final = 10  # candidates compared in full
_CERTAIN: Final = 1_000  # rows that an address or a whole text in common is worth, to be tried first
_KEPT_COPIES: Final = 8  # of one story that further posts are compared with

_ALIKE: Final = 0.55  # rows of words in common, of all that either has
_ALIKE_OWN: Final = 0.4  # by the same author
_CONTAINED: Final = 0.6  # of the shorter of two articles
_ARTICLE_ROWS: Final = 25  # that the shorter one must have
_FIGURES: Final = 0.6  # of the figures of the one with fewer

_WHOLE: Final = 1 << 63  # set in the hash of a whole text, so that it is none of a row

_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_SHARED = re.compile(
    r"^\s*(?:rt|repost|reblog|crosspost|x-post|boost(?:ed)?)\b[:\s]*(?:@\S+?:?\s)?|\s\(?via @\S+\)?\s*$", re.IGNORECASE
)
_WORD = re.compile(r"[^\W_]+(?:[.,:][0-9]+)*")
_NOBODY: Final = re.compile(
    r"|\[?(?:deleted|removed|gelöscht)\]?|anonym(?:ous|er?)?(?: \w+)?|gast\w*|guest\w*|unknown|unbekannt\w*|user"
    r"|nutzer(?:in)?|kunde|kundin|customer|(?:ein |a )?google[- ](?:nutzer|user)|amazon[- ]\w+|admin|redaktion|dpa\W?.*"
)


Key: TypeAlias = str | int  # an address; the hash of a row of words; the wider one of a whole text


@dataclass(frozen=True, slots=True)
class Trace:
    """What of a post tells its copies."""

    source: str
    external_id: str
    author: str  # "": nobody in particular
    kind: PostKind
    is_answer: bool
    is_passed_on: bool  # says so itself: RT, via
    at: datetime
    addresses: tuple[str, ...]
    text: int  # hash of its words
    words: int
    rows: array[int]  # hashes of its words, WORDS_IN_A_ROW at a time, each once
    figures: frozenset[str]
    keys: tuple[Key, ...]  # by which its copies are looked up

    @property
    def is_public(self) -> bool:
        """A text that others pass on: no answer, review or message."""
        return self.kind in (PostKind.POST, PostKind.ARTICLE) and not self.is_answer

    @property
    def place(self) -> tuple[str, str]:
        """Where it was said: the source, and the site where that has several."""
        return self.source, self.addresses[0].partition("/")[0] if self.addresses else ""


def trace(post: Post) -> Trace:
    """Of a post; `at` is when it was published."""
    link = _shared_link(post)
    body = post.text if link is None else ""
    words = _words(body)
    if len(words) < WORDS_OF_A_TEXT:
        words = _words(f"{post.title} {body}")
    found = (canonical_address(post.url), canonical_address(link))
    addresses = tuple(dict.fromkeys(address for address in found if address))
    text = _text_hash(" ".join(words)) if words else 0
    rows = sorted({_hash(" ".join(row)) for row in _rows(words)})
    return Trace(
        source=post.source,
        external_id=post.external_id,
        author=_author(post.author),
        kind=post.kind,
        is_answer=post.parent is not None,
        is_passed_on=_SHARED.search(post.text) is not None,
        at=post.published_at,
        addresses=addresses,
        text=text,
        words=len(words),
        rows=array("I", rows),
        figures=frozenset(word for word in words if not word.isalpha()),
        keys=tuple(_keys(addresses, text, rows, len(words))),
    )


def _keys(addresses: Iterable[str], text: int, rows: Sequence[int], words: int) -> Iterator[Key]:
    yield from addresses
    if words > 1:
        yield text
    if words >= WORDS_OF_A_TEXT:
        yield from rows[: min(_SKETCH_MOST, max(_SKETCH_LEAST, len(rows) // _SKETCH_SHARE))]


def _shared_link(post: Post) -> str | None:
    """Of a post that has a title and only passes on a page: the page."""
    links = _LINK.findall(post.text)
    is_short = post.title != "" and post.parent is None and len(links) == 1 and post.kind is PostKind.POST
    return links[0] if is_short and len(_words(post.text)) < WORDS_OF_A_TEXT else None


def _words(text: str) -> list[str]:
    plain = _SHARED.sub(" ", _LINK.sub(" ", text))
    return [found[0] for found in islice(_WORD.finditer(plain.casefold()), WORDS_READ)]


def _rows(words: list[str]) -> Iterator[tuple[str, ...]]:
    return zip(*(words[start:] for start in range(WORDS_IN_A_ROW)), strict=False)


def _text_hash(text: str) -> int:
    """Wide enough that no two texts of a window have the same."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") | _WHOLE


def _hash(text: str) -> int:
    return (zlib.crc32(text.encode()) * 2_654_435_761) & 0xFFFFFFFF


def _author(name: str | None) -> str:
    plain = (name or "").strip().lstrip("@").casefold().partition("@")[0]
    return "" if _NOBODY.fullmatch(plain) else plain


def is_copy(one: Trace, other: Trace) -> bool:
    """Whether two posts are one story, whichever came first."""
    if set(one.addresses) & set(other.addresses) and one.source != other.source:
        return one.text == other.text or (one.is_public and other.is_public)
    is_own = one.author == other.author != ""
    is_elsewhere = one.place != other.place
    if not is_own and not (one.is_public and other.is_public and (is_elsewhere or _is_passed_on(one, other))):
        return False
    if min(one.words, other.words) < WORDS_OF_A_TEXT:
        is_same = one.words > 1 and one.text == other.text
        return is_own and is_elsewhere and is_same and abs(one.at - other.at) <= SOON
    if one.text == other.text or is_own:
        return one.text == other.text or _is_nearly(one, other, _ALIKE_OWN)
    return min(one.words, other.words) >= WORDS_OF_A_VARIANT and _is_nearly(one, other, _ALIKE)


def _is_passed_on(one: Trace, other: Trace) -> bool:
    return one.is_passed_on or other.is_passed_on


def _is_nearly(one: Trace, other: Trace, alike: float) -> bool:
    common, shorter = len({*one.rows} & {*other.rows}), min(len(one.rows), len(other.rows))
    if not shorter or not _has_its_figures(one.figures, other.figures):
        return False
    if common / (len(one.rows) + len(other.rows) - common) >= alike:
        return True
    is_article = PostKind.ARTICLE in (one.kind, other.kind)
    return is_article and shorter >= _ARTICLE_ROWS and common / shorter >= _CONTAINED


def _has_its_figures(one: frozenset[str], other: frozenset[str]) -> bool:
    """Texts of a form that is filled in again and again have other figures each time."""
    fewer = min(len(one), len(other))
    return fewer == 0 or len(one & other) / fewer >= _FIGURES


@dataclass(frozen=True, slots=True)
class Known:
    """A post that the index holds, with its story."""

    post_id: int
    story: int
    trace: Trace


class StoryIndex:
    """The posts of the last days by what tells their copies. A story bears the id of its first post."""

    def __init__(self, window: timedelta, most: int = MOST_POSTS) -> None:
        self._window = window
        self._most = most
        self._entries: dict[int, Known] = {}  # by a number that rises
        self._next = 0
        self._postings: dict[Key, list[int]] = {}
        self._sizes: Counter[int] = Counter()  # entries by story

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, sought: Trace) -> Known | None:
        """The post that this one is a copy of; None: it is the first of its own story."""
        votes: Counter[int] = Counter()
        for key in sought.keys:
            weight = 1 if isinstance(key, int) and key < _WHOLE else _CERTAIN
            for number in self._postings.get(key, ()):
                votes[number] += weight
        best = sorted(votes.items(), key=lambda item: (-item[1], item[0]))[:_TRIED]
        for number, _ in best:
            entry = self._entries[number]
            if abs(sought.at - entry.trace.at) <= self._window and is_copy(sought, entry.trace):
                return entry
        return None

    def add(self, added: Trace, post_id: int, story: int) -> None:
        """Keep a post; of a story that has many no more than stand for its variants."""
        if self._sizes[story] > _KEPT_COPIES:
            return
        self._sizes[story] += 1
        self._entries[self._next] = Known(post_id, story, added)
        for key in added.keys:
            postings = self._postings.setdefault(key, [])
            postings.append(self._next)
            del postings[:-_POSTINGS]
        self._next += 1
        while len(self._entries) > self._most:
            self._drop(next(iter(self._entries)))

    def remove(self, known: Known) -> None:
        """Take back what was added: it was never stored."""
        for number, entry in self._entries.items():
            if entry is known:
                self._drop(number)
                return

    def forget(self, before: datetime) -> None:
        """Drop what was added first as long as it was published before that."""
        while self._entries:
            number, entry = next(iter(self._entries.items()))
            if entry.trace.at >= before:
                return
            self._drop(number)

    def _drop(self, number: int) -> None:
        entry = self._entries.pop(number)
        self._sizes[entry.story] -= 1
        if not self._sizes[entry.story]:
            del self._sizes[entry.story]
        for key in entry.trace.keys:
            postings = self._postings.get(key)
            if postings and number in postings:
                postings.remove(number)
                if not postings:
                    del self._postings[key]
