"""What is refused before any parser sees it: pages instead of feeds, files, and entity bombs.

A DOCTYPE may declare entities only as plain replacements (as HTML's named characters are): no entity within an entity,
little text in all once every reference is replaced, and nothing external but the public lists of characters that RSS
1.0 feeds name, which feedparser cuts out unread.
"""

from __future__ import annotations

import re
from collections import Counter

from sources.document import NotAFeed
from sources.text import html_to_text

_FILES = (
    (b"%PDF-", "a PDF"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "compressed data"),
    (b"\x28\xb5\x2f\xfd", "compressed data"),
)
_MISCELLANY = re.compile(r"[^<]+|<\?.*?\?>|<!--.*?-->", re.DOTALL)
_ROOT = re.compile(r"<([A-Za-z_][\w:.-]*)")
_PAGE_TITLE = re.compile(r"<title[^<>]*>([^<]{1,200})", re.IGNORECASE)
_CHALLENGES = ("just a moment", "attention required", "cf-chl", "challenge-platform", "ddos-guard", "captcha")
_LOGIN = re.compile(r"""<input[^<>]{0,300}type\s*=\s*["']?password""", re.IGNORECASE)

_ENTITY = re.compile(r"<!ENTITY", re.IGNORECASE)
_HARMLESS = re.compile(r"""<!ENTITY\s+([\w.:-]{1,64})\s+(?:"([^"&%<]{0,1000}|&\#\w{1,8};)"|'([^'&%<]{0,1000})')\s*>""")
_PUBLIC_LIST = re.compile(r"""<!ENTITY\s+%\s+[\w.:-]{1,64}\s+PUBLIC\s+"[^"&%<]{0,200}"\s+"[^"&%<]{0,200}"\s*>""")
_REFERENCE = re.compile(r"&([A-Za-z_][\w.:-]{0,63});")
_PAGES = frozenset({"html", "xhtml:html"})
_FEEDS = frozenset({"rss", "feed", "rdf:rdf"})
_HTML_DOCTYPE = re.compile(r"\s+html\b", re.IGNORECASE)
_BARE_DOCTYPE = re.compile(r"""(?:[^>\["']|"[^"]*+"|'[^']*+')*+>""")  # without declarations of its own
_MOST_STEPS = 100_000
_MOST_ENTITIES = 300
_MOST_EXPANSION = 1 << 20  # characters


def refuse(body: bytes, text: str) -> None:
    """Raise NotAFeed for what cannot be a feed, or must not be parsed; `text` is `body` decoded."""
    if not text.strip():
        raise NotAFeed("an empty document")
    for mark, what in _FILES:
        if body.startswith(mark):
            raise NotAFeed(f"{what}, not a feed")
    if text.lstrip().startswith(("{", "[")):
        return
    if "<" not in text:
        raise NotAFeed("plain text, not a feed")
    doctype, root = _prolog(text)
    if root.lower() in _PAGES or (_HTML_DOCTYPE.match(doctype or "") and root.lower() not in _FEEDS):
        raise _page(text)
    if doctype is not None and not _BARE_DOCTYPE.match(doctype):
        _refuse_bomb(text)


def has_doctype(text: str) -> bool:
    """Whether a DOCTYPE stands before the first element."""
    return _prolog(text)[0] is not None


def unknown(text: str) -> NotAFeed:
    """Return the refusal of a document that no parser found a feed in."""
    root = _prolog(text)[1]
    return NotAFeed(f"no feed: a document of <{root[:60]}>" if root else "no feed: markup without an element")


def _prolog(text: str) -> tuple[str | None, str]:
    """Return what follows `<!DOCTYPE` (up to 64 KiB; None: there is none) and the name of the first element.

    Text before the first element is stepped over: parsers that forgive do so too.
    """
    doctype, position = None, 0
    for _ in range(_MOST_STEPS):
        if match := _MISCELLANY.match(text, position):
            position = match.end()
        elif text[position : position + 9].lower() == "<!doctype":
            doctype = doctype or text[position + 9 : position + 65536]
            position += 9
        elif root := _ROOT.match(text, position):
            return doctype, root[1]
        else:
            position += 1
        if position >= len(text):
            return doctype, ""
    raise NotAFeed("no feed: nothing but fragments of markup before the first element")


def _page(text: str) -> NotAFeed:
    """Return the refusal that says what kind of page it is, with its title."""
    head = text[:100_000].lower()
    match = _PAGE_TITLE.search(text[:100_000])
    title = f' "{html_to_text(match[1])[:80]}"' if match else ""
    if any(sign in head for sign in _CHALLENGES):
        return NotAFeed(f"an HTML page that checks for robots{title}, not a feed", is_page=True, is_barred=True)
    if _LOGIN.search(text[:100_000]):
        return NotAFeed(f"an HTML page that asks for a login{title}, not a feed", is_page=True, is_barred=True)
    return NotAFeed(f"an HTML page{title}, not a feed", is_page=True)


def _refuse_bomb(text: str) -> None:
    """Raise NotAFeed unless every entity that the document declares is a short plain replacement."""
    lengths: dict[str, int] = {}
    for count, start in enumerate(match.start() for match in _ENTITY.finditer(text)):
        if _PUBLIC_LIST.match(text, start):
            continue
        declared = _HARMLESS.match(text, start)
        if declared is None or count >= _MOST_ENTITIES:
            raise NotAFeed("a DOCTYPE with dangerous entity declarations (external, nested or too many)")
        lengths[declared[1]] = len(declared[2] or declared[3] or "")
    references = Counter(match[1] for match in _REFERENCE.finditer(text))
    if sum(length * references[name] for name, length in lengths.items()) > _MOST_EXPANSION:
        raise NotAFeed("a DOCTYPE with dangerous entity declarations (they expand to too much text)")
