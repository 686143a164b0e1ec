"""A mail as it stands in a mailbox, read to what a person would read of it.

RFC 5322 (headers), 2045-2047 and 2231 (MIME), 3834 (automatic answers), 3464 (bounces). Nothing here raises over a
broken mail: what cannot be taken apart is text as it stands.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass
from email import policy
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from email.utils import parseaddr

from sources.mail_quotes import html_without_quotes, is_forwarded, without_quotes
from sources.text import html_to_text, plain_text

MOST_BOUNDARIES = 100  # of multiparts; a mail with more is not taken apart, since that takes quadratic time
LONGEST_HEADER = 10_000  # characters; parameters and encoded words of more take quadratic time
STUB = 4  # a plain text this many times shorter than the HTML beside it only says that there is HTML
_SLOW_CODECS = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"})
_MESSAGE_ID = re.compile(r"<([^<>\s]+)>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail. Ids are without their brackets; `text` is cleaned and without what it quotes."""

    message_id: str = ""
    sender: str = ""  # the address, else the name
    subject: str = ""
    date: str = ""
    references: tuple[str, ...] = ()  # oldest first
    in_reply_to: str = ""
    language: str = ""
    text: str = ""
    html: str = ""  # as it came
    raw: str = ""  # the part that the text was made of
    attachments: tuple[str, ...] = ()
    is_automatic: bool = False  # an answer that no person wrote, a bounce, a receipt


class _AsWritten(policy.Compat32):
    """Header values as they were sent, but not for ever; decoding is done here, more forgivingly."""

    def header_fetch_parse(self, name: str, value: str) -> str:
        return value[:LONGEST_HEADER]


_POLICY = _AsWritten()


def read_mail(content: bytes) -> Mail:
    """The mail in these bytes; they may be cut off."""
    whole = content.lower().count(b"boundary=") <= MOST_BOUNDARIES
    parser = BytesParser if whole else BytesHeaderParser
    try:
        return _mail(parser(policy=_POLICY).parsebytes(content))
    except (MessageError, RecursionError, ValueError, LookupError, TypeError, AttributeError):
        text = _decode(content, None)  # email gives up over some broken mails in one of these ways
        return Mail(text=plain_text(text), raw=text)


def _mail(message: Message) -> Mail:
    plain, html, attachments = _parts(message)
    subject = plain_text(_header(message, "Subject"))
    text, raw = _text(plain, html, subject)
    name, address = parseaddr(_header(message, "From"))
    own_id = _ids(message, "Message-ID")
    return Mail(
        message_id=own_id[0] if own_id else _header(message, "Message-ID").strip(),
        sender=plain_text(address or name),
        subject=subject,
        date=_header(message, "Date"),
        references=tuple(_ids(message, "References")),
        in_reply_to=next(iter(_ids(message, "In-Reply-To")), ""),
        language=_header(message, "Content-Language"),
        text=text,
        html=html,
        raw=raw,
        attachments=tuple(attachments),
        is_automatic=_is_automatic(message),
    )


def _ids(message: Message, name: str) -> list[str]:
    return _MESSAGE_ID.findall(_header(message, name))


def _header(message: Message, name: str) -> str:
    """A header in words, whatever it was sent in: encoded words, UTF-8 or Windows-1252."""
    return _words(str(message.get(name, "")))


def _words(written: str) -> str:
    text = _decode(written.encode("utf-8", "surrogateescape"), None)
    try:
        pieces = decode_header(" ".join(text.split()))
    except (MessageError, ValueError):
        return text
    return "".join(
        piece if isinstance(piece, str) else _decode(piece, charset) if charset else piece.decode("raw-unicode-escape")
        for piece, charset in pieces
    )


def _decode(content: bytes, charset: str | None) -> str:
    """Text in its charset; where that is none, or not what it says, UTF-8, else Windows-1252."""
    try:
        name = codecs.lookup(charset or "us-ascii").name
        if name not in _SLOW_CODECS and name != "ascii":
            return content.decode(name, "replace")
    except (LookupError, ValueError):
        pass
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _parts(message: Message) -> tuple[str, str, list[str]]:
    """All plain text, all HTML, the names of what is attached."""
    plain: list[str] = []
    html: list[str] = []
    attachments: list[str] = []
    for part in message.walk():
        if part.is_multipart():
            continue
        kind, name = part.get_content_type(), plain_text(_words(part.get_filename() or ""))
        is_text = part.get_content_maintype() in ("text", "multipart")  # a multipart that was not taken apart
        if part.get_content_disposition() == "attachment" or not is_text:
            attachments += [name] if name else []
        else:
            (html if kind == "text/html" else plain).append(_content(part))
    return "\n".join(plain), "\n".join(html), attachments


def _content(part: Message) -> str:
    content = part.get_payload(decode=True)
    return _decode(content, part.get_content_charset()) if isinstance(content, bytes) else ""


def _text(plain: str, html: str, subject: str) -> tuple[str, str]:
    """What a person would read, without quotes, and the part that it is of."""
    from_html = html_to_text(html) if html else ""
    if len(plain_text(plain)) * STUB >= len(from_html):
        return plain_text(without_quotes(plain, subject)), plain
    if not is_forwarded(from_html, subject):
        from_html = html_to_text(html_without_quotes(html)) or from_html
    return without_quotes(from_html, subject), html


_AUTOMATIC = ("X-Autoreply", "X-Autorespond", "X-Autoresponse")


def _is_automatic(message: Message) -> bool:
    """Whether nobody wrote it as an answer: out of office, bounces, receipts. What a system tells on its own stays."""
    if _first(_header(message, "Auto-Submitted").split(";")) == "auto-replied":
        return True
    if _first([_header(message, "Precedence")]) in ("auto_reply", "auto-reply"):
        return True
    reports = ("delivery-status", "disposition-notification")
    is_report = message.get_content_type() == "multipart/report"
    if is_report and _first([str(message.get_param("report-type", ""))]) in reports:
        return True
    return any(message.get(name) is not None for name in _AUTOMATIC)


def _first(values: Iterable[str]) -> str:
    return next(iter(values), "").strip().lower()
