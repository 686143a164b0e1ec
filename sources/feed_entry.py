"""What the three readers of feed documents (XML, JSON, feedparser) decide alike about an entry."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from urllib.parse import urljoin

from sources.text import html_to_text

_END_TAG = re.compile(r"</[A-Za-z]")
_SCRIPT = re.compile(r"[\x00-\x20]*(?:j\s*a\s*v\s*a|v\s*b)\s*s\s*c\s*r\s*i\s*p\s*t\s*:|data:", re.IGNORECASE)
_TWICE = re.compile("[\0-\x7f]*+[\xc2-\xf4][\x80-\xbf]")  # the first character beyond ASCII was two
_LANGUAGE = re.compile(r"([a-z]{2})(?:[-_].*)?", re.DOTALL)
_EMPTY_PARTS = ("?#", ";?", ";#", ":///")
_ABSOLUTE = re.compile(r"https?://[!-~]++(?<![?#;])")  # what urljoin would give back as it is, ten times slower


def as_markup(text: str) -> str:
    """Return text that calls itself plain as markup with the same reading; many a plain text is HTML all the same."""
    if _END_TAG.search(text):
        return text
    return html.escape(text, quote=False)


def longest(candidates: Sequence[str]) -> str:
    """Return the candidate that says most once cleaned; of equals the one that was escaped once, then the first."""
    if len(candidates) == 1:
        return candidates[0]
    distinct = sorted({candidate: None for candidate in candidates if candidate}, key=len, reverse=True)
    best, most = distinct[0] if distinct else "", (-1, False)
    for candidate in distinct if len(distinct) > 1 else ():  # cleaning makes nothing longer
        if len(candidate) >= most[0] and (said := _says(candidate)) > most:
            best, most = candidate, said
    return best


def _says(candidate: str) -> tuple[int, bool]:
    """How much it says, and whether that is plain: WordPress escapes the tags in its summaries of comments twice."""
    text = html_to_text(candidate)
    if not _END_TAG.search(text):
        return len(text), True
    return len(html_to_text(text)), False


def is_absolute(link: str) -> bool:
    """Whether a web address is complete; false of some that `absolute` would give back as they are."""
    return _ABSOLUTE.fullmatch(link) is not None and not any(map(link.__contains__, _EMPTY_PARTS))


def absolute(link: str | None, base: str) -> str | None:
    """Return the address made absolute, or as it stands where it is no address; None for nothing and for scripts."""
    link = (link or "").strip()
    if is_absolute(link):
        return link
    if not link or _SCRIPT.match(link):
        return None
    try:
        return urljoin(base, link)
    except ValueError:
        return link


def permalink(guid: str | None) -> str | None:
    """Return a guid that may stand for the link: only a web address does, whatever isPermaLink claims."""
    return guid if guid and guid.lower().startswith(("http://", "https://")) else None


def language(tag: str | None) -> str | None:
    """Return the ISO 639-1 code that a language tag such as `de-DE` begins with."""
    match = _LANGUAGE.fullmatch(tag.strip().lower()) if tag else None
    return match[1] if match else None


def mended(text: str) -> str:
    """Undo UTF-8 that was read as Latin-1 and encoded once more (`MÃ¼ller`): only where the whole text allows it."""
    if text.isascii() or not _TWICE.match(text):
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text
