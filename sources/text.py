"""Cleaning to plain text: what is matched, classified and shown.

The rule is that nothing a reader could have read is lost. Only names that HTML has are tags; `List<String>`, `a < b`
and `AT&T` stay as they are. Every pass is linear in the length of its input and nothing recurses over nesting, so that
hostile markup costs no more than its size.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterator

CLEANER_VERSION = 1

_BLOCK_NAMES = (
    "address article aside blockquote body br caption center dd details dialog dir div dl dt fieldset figcaption "
    "figure footer form frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html legend li main menu nav noframes ol "
    "optgroup option p pre search section summary table tbody tfoot thead title tr ul"
)
_INLINE_NAMES = (
    "a abbr acronym applet area audio b base basefont bdi bdo big blink button canvas cite code col colgroup data "
    "datalist del dfn em embed font frame i iframe img input ins kbd keygen label link map mark marquee meta meter "
    "nobr noembed noscript object output param picture progress q rp rt ruby s samp select slot small source span "
    "strike strong sub sup svg template textarea time track tt u var video wbr "
    "math mfrac mi mn mo mover mroot mrow ms mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder"
)
_BLOCK = frozenset(_BLOCK_NAMES.split())
_CELL = frozenset({"td", "th"})
_SILENT = frozenset({"script", "style"})  # their content is no text
HTML_NAMES = _BLOCK | _CELL | _SILENT | frozenset(_INLINE_NAMES.split())
_STANDALONE = "br|hr|img|p|li|div|wbr"  # these mark a text as HTML even without an end tag

_ALL = "|".join(sorted(HTML_NAMES))
_MARKUP = re.compile(
    rf"<!--|<!\[CDATA\[|</(?:[a-z][a-z0-9]*+:)?(?:{_ALL}|amp-[a-z-]+)\s*+>"
    rf"|<(?:{_STANDALONE})(?:\s[^<>]*+|/)?+>|<(?:{_ALL}|amp-[a-z-]+)\s++[a-z:-]++\s*+=",
    re.IGNORECASE,
)
# Most tags are bare ones; taken out in one go. NUL keeps their neighbours from becoming a tag and is cleaned away.
# The alternatives are tried one by one: the common ones stand first.
_COMMON = ("p", "br", "li", "div", "ul", "h2", "h3")
_BARE_BLOCK = re.compile(rf"</?(?:{'|'.join((*_COMMON, *sorted(_BLOCK - {*_COMMON})))})\s*+/?>", re.IGNORECASE)
_BARE_INLINE = re.compile(r"</?(?:a|abbr|b|code|em|i|s|small|span|strong|sub|sup|u)\s*+>", re.IGNORECASE)
_HEAD = r"<(/?)(?:[A-Za-z][A-Za-z0-9]*+:)?([A-Za-z][A-Za-z0-9-]*+)(?=[\s/>])"
_TAG = re.compile(_HEAD + r"""((?:[^<>=]++|=\s*+(?:"[^"]*+"|'[^']*+')?+)*+)>""")
_TAG_STRICT = re.compile(_HEAD + r"""((?:[^<>=]++|=\s*+(?:"[^"<]*+"|'[^'<]*+')?+)*+)>""")
_DECLARATION = re.compile(r"<(?:!doctype|!\[(?:end)?if|\?(?:xml|php))\b[^<>]*+>", re.IGNORECASE)
_PATIENCE = 50  # failed matches that may run to the end of the text; after them "<" ends an attribute value
_ALT = re.compile(r"""(?:^|\s)alt\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++))""", re.IGNORECASE)

# A named reference needs its semicolon (`?a=1&copy=2` is an address), but for those that people leave it off.
_REFERENCE = re.compile(
    r"&(?:#[xX][0-9a-fA-F]{1,8}+(?![0-9a-fA-F]);?|#[0-9]{1,9}+(?![0-9]);?|[A-Za-z][A-Za-z0-9]{1,31};|(?:amp|lt|gt|quot|nbsp)(?![A-Za-z0-9=]))"
)

# C1 controls are Windows-1252 in a document that called itself Latin-1.
_CONTROLS: dict[int, str | None] = {code: None for code in (*range(0x20), 0x7F)}
_CONTROLS |= {code: bytes([code]).decode("cp1252", "ignore") or None for code in range(0x80, 0xA0)}
_CONTROLS |= {ord("\t"): " ", ord("\n"): "\n", ord("\v"): "\n", ord("\f"): "\n", 0x2028: "\n", 0x2029: "\n"}
# Invisible and without meaning for words: soft hyphen, word joiner, byte order mark, non-characters, forced direction.
# Zero-width space, joiner and non-joiner stay: Khmer, Persian and emoji need them.
_CONTROLS |= dict.fromkeys((0xAD, 0x2060, 0xFEFF, 0xFFFE, 0xFFFF, 0x202D, 0x202E))

_UNSPOKEN = re.compile("[\ud800-\udfff]")
# Whether anything of the above is there: a search takes a fifth of what `translate` does. Tabs go with the spaces.
_ODD = re.compile(f"[{re.escape(''.join(map(chr, _CONTROLS.keys() - {9, 10})))}\ud800-\udfff]")


def html_to_text(markup: str) -> str:
    """Return the text of HTML or of plain text, one line per block; never raises."""
    if _MARKUP.search(markup):
        return plain_text(_resolve("".join(_pieces(markup))))
    text = _decode(markup)
    if _is_escaped_html(text):
        return plain_text(_resolve("".join(_pieces(text))))
    return plain_text(_decode(text))


def plain_text(text: str) -> str:
    """Return text without control characters and lone surrogates, whitespace squeezed, line breaks kept single."""
    if _is_plain(text):
        return text.strip()
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return "\n".join(filter(None, map(_plain_line, text.split("\n"))))


def _plain_line(line: str) -> str:
    """As plain_text, of a text without line feeds; some controls become such."""
    if line.isprintable() and "  " not in line:
        return line.strip()
    if _ODD.search(line):
        line = _UNSPOKEN.sub("", line).translate(_CONTROLS)
    return "\n".join(filter(None, (" ".join(part.split()) for part in line.split("\n"))))


def _is_plain(text: str) -> bool:
    """Whether nothing is to be done but stripping: true of most posts, and told at a fifth of the cost of doing it."""
    if text.isprintable():
        return "  " not in text
    lines = text.split("\n")
    return all(map(str.isprintable, lines)) and not any(pair in text for pair in ("  ", "\n\n", " \n", "\n "))


def content_hash(title: str, text: str, rating: float | None) -> str:
    """Return "<cleaner version>:<hex digest>" of what makes an edit: cleaned title, cleaned text and rating."""
    parts = (title, text, "" if rating is None else repr(float(rating)))
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)
    return f"{CLEANER_VERSION}:{digest.hexdigest()}"


def _decode(text: str) -> str:
    return _REFERENCE.sub(lambda match: html.unescape(match[0]), text)


def _resolve(text: str) -> str:
    """Decode twice: feeds escape once too often, and nobody writes `&amp;uuml;` to be read as such."""
    return _decode(_decode(text))


def _is_escaped_html(text: str) -> bool:
    """Whether a text that held no tag turned, once decoded, into markup from its first to its last character."""
    stripped = text.strip()
    return stripped.startswith("<") and stripped.endswith(">") and _MARKUP.search(stripped) is not None


def _pieces(markup: str) -> Iterator[str]:
    """Yield text, line breaks and spaces of markup; references are still in."""
    flat = markup.replace("\r", " ").replace("\n", " ")  # line breaks of the source are spaces in HTML
    scanner = _Scanner(_BARE_INLINE.sub("\0", _BARE_BLOCK.sub("\n", flat)))
    while (start := scanner.markup.find("<", scanner.position)) >= 0:
        yield scanner.markup[scanner.position : start]
        yield scanner.step(start)
    yield scanner.markup[scanner.position :]


class _Scanner:
    """The position in one piece of markup, and what is known not to follow."""

    __slots__ = ("_failures", "_in_drawing", "_missing", "markup", "position")

    def __init__(self, markup: str) -> None:
        self.markup = markup
        self._missing: set[str] = set()
        self._failures = 0
        self._in_drawing = False  # within <svg> every name is a tag
        self.position = 0

    def step(self, start: int) -> str:
        """Move past what begins with the "<" at start; return what it leaves in the text."""
        if self.markup.startswith("<!--", start):
            return self._comment(start)
        if self.markup.startswith("<![CDATA[", start):
            return self._cdata(start)
        if self.markup[start + 1 : start + 2] in ("!", "?"):
            return self._declaration(start)
        return self._tag(start)

    def _find(self, what: str, start: int) -> int:
        if what in self._missing:
            return -1
        found = self.markup.find(what, start)
        if found < 0:
            self._missing.add(what)
        return found

    def _comment(self, start: int) -> str:
        """Leave the comment out; where it has no end only its opening mark goes."""
        end = self._find("-->", start + 4)
        self.position = start + 4 if end < 0 else end + 3
        return ""

    def _cdata(self, start: int) -> str:
        end = self._find("]]>", start + 9)
        if end < 0:
            self.position = start + 9
            return ""
        self.position = end + 3
        return self.markup[start + 9 : end]

    def _declaration(self, start: int) -> str:
        match = _DECLARATION.match(self.markup, start)
        self.position = match.end() if match else start + 1
        return " " if match else "<"

    def _tag(self, start: int) -> str:
        match = self._match(start)
        if match is None:
            self.position = start + 1
            return "<"
        self.position = match.end()
        return self._effect(match[2].lower(), match[1] == "/", match[3])

    def _match(self, start: int) -> re.Match[str] | None:
        pattern = _TAG if self._failures < _PATIENCE else _TAG_STRICT
        match = pattern.match(self.markup, start)
        if match is None:
            self._failures += self.markup[start + 1 : start + 2].isalpha()
            return None
        name = match[2].lower()
        return match if self._in_drawing or name in HTML_NAMES or name.startswith("amp-") else None

    def _effect(self, name: str, is_end: bool, attributes: str) -> str:
        if name in _BLOCK:
            return "\n"
        if name in _CELL:
            return " "
        if name == "img" and not is_end:
            return _alternative(attributes)
        if name == "svg":
            self._in_drawing = not is_end and not attributes.endswith("/") and self._find("</svg", self.position) >= 0
        if name in _SILENT and not is_end and not attributes.endswith("/"):
            self._silence(name)
        return ""

    def _silence(self, name: str) -> None:
        """Move past the content of a script or style; without an end tag its text stays, lest a post vanish."""
        if name in self._missing:
            return
        end = re.compile(rf"</(?:[a-z0-9]+:)?{name}\b[^<>]*+>", re.IGNORECASE).search(self.markup, self.position)
        if end is None:
            self._missing.add(name)
        else:
            self.position = end.end()


def _alternative(attributes: str) -> str:
    """What stands for an image: a post of nothing but pictures still says something."""
    match = _ALT.search(attributes)
    return f" {match[1] or match[2] or match[3] or ''} " if match else ""
