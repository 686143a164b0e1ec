"""What a mail quotes of the mails before it, cut away: those were read when they came, and are not what this one says.

Cut are lines that begin with ">" with the line that introduces them, what follows "-----Original Message-----" or
Outlook's head of a quoted mail, and quotes in HTML. A forwarded mail keeps everything, and so does one that would be
left with nothing.
"""

from __future__ import annotations

import re

_FORWARDED = re.compile(
    r"^\W*(?:forwarded message|begin forwarded message|weitergeleitete nachricht|(?:anfang der )?weitergeleiteten? "
    r"(?:nachricht|e-?mail))\b",
    re.IGNORECASE | re.MULTILINE,
)
_FORWARDING_SUBJECT = re.compile(r"\s*(?:fwd?|wg|wtr|weitergeleitet)\s*:", re.IGNORECASE)
_BEGINS_QUOTE = re.compile(
    r"^\s*-{2,}\s*(?:original message|ursprüngliche nachricht|original-?nachricht)\s*-{2,}\s*$"
    r"|^\*?(?:from|von):\*?[^\n]*\n\*?(?:sent|gesendet|date|datum):",
    re.IGNORECASE | re.MULTILINE,
)
_INTRODUCES = re.compile(r"^(?:on|am|le)\s.*\b(?:wrote|schrieb|a écrit)\b.{0,200}:$", re.IGNORECASE | re.DOTALL)
_INTRODUCTION_LINES = 3
_TAG = re.compile(r"<(/?)(blockquote|div)\b([^<>]*)>", re.IGNORECASE)
_QUOTING = re.compile(
    r"""\btype\s*=\s*["']?cite|\b(?:gmail_quote|moz-cite-prefix|protonmail_quote|yahoo_quoted)\b""", re.IGNORECASE
)


def is_forwarded(text: str, subject: str) -> bool:
    """Whether it hands on what another wrote."""
    return bool(_FORWARDING_SUBJECT.match(subject) or _FORWARDED.search(text))


def without_quotes(text: str, subject: str) -> str:
    """The plain text of a mail without what it quotes."""
    if is_forwarded(text, subject):
        return text
    begins = _BEGINS_QUOTE.search(text)
    kept = _without_marked_lines(text[: begins.start()] if begins else text)
    return kept if kept.strip() else text


def _without_marked_lines(text: str) -> str:
    kept: list[str] = []
    is_quoting = False
    for line in text.splitlines():
        was_quoting, is_quoting = is_quoting, line.lstrip().startswith(">")
        if is_quoting and not was_quoting:
            _drop_introduction(kept)
        if not is_quoting:
            kept.append(line)
    return "\n".join(kept)


def _drop_introduction(kept: list[str]) -> None:
    """Take `On Friday Kim wrote:` off the end, which may stand on several lines."""
    while kept and not kept[-1].strip():
        kept.pop()
    for count in range(1, _INTRODUCTION_LINES + 1):
        if _INTRODUCES.match("\n".join(kept[-count:])[:1000].strip()):
            del kept[-count:]
            return


def html_without_quotes(html: str) -> str:
    """The markup of a mail without what it quotes."""
    kept: list[str] = []
    begin, depth, quoting = 0, 0, ""
    for tag in _TAG.finditer(html):
        name, is_end = tag[2].lower(), bool(tag[1])
        if not quoting and not is_end and _QUOTING.search(tag[3]):
            kept.append(html[begin : tag.start()])
            depth, quoting = 1, name
        elif quoting == name:
            depth += -1 if is_end else 1
        if quoting and not depth:
            begin, quoting = tag.end(), ""
    return "".join(kept if quoting else [*kept, html[begin:]])
