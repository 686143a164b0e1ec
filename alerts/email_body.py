"""The two bodies of a mail and its subject. The HTML is one table with inline styles, no image, no script, no form."""

from __future__ import annotations

from html import escape

from alerts.excerpt import Piece, cut
from alerts.wording import Item, Link, Message
from alerts.words import Lang

_SUBJECT_LIMIT = 150  # what lists show; header lines may be longer

_FAINT = "color:#5b6470;font-size:13px;line-height:19px"
_NOTE = "background:#fff4d6;border-left:4px solid #d99a00;padding:8px 12px;font-size:14px;line-height:20px"
_QUOTE = "border-left:4px solid #c9d1da;padding:4px 0 4px 14px;font-size:16px;line-height:24px;word-break:break-word"
_BUTTON = (
    "display:inline-block;margin:0 10px 8px 0;padding:9px 14px;border:1px solid #1f5fbf;border-radius:6px;"
    "color:#1f5fbf;text-decoration:none;font-size:14px"
)


def subject(message: Message) -> str:
    """The headline and how the post begins."""
    said = "".join(piece.text for piece in (message.title or message.text))
    return cut(f"{message.headline}: {said}" if said else message.headline, _SUBJECT_LIMIT)


def text_body(message: Message) -> str:
    """Plain text; hits stand in brackets."""
    post = [_bracketed(pieces) for pieces in (message.title, message.text) if pieces]
    blocks = [
        [message.headline],
        [f"! {note}" for note in message.notes],
        [f"> {line}" for line in post],
        [message.byline] if message.byline else [],
        *([f"- {item.headline}", f"  {item.text}", f"  {item.url or ''}".rstrip()] for item in message.items),
        [message.more(len(message.items))],
        [f"{message.words.why}:", *(f"- {line}" for line in message.why)] if message.why else [],
        [f"{link.label}: {link.url}" for link in message.links],
    ]
    return "\n\n".join("\n".join(line for line in block if line) for block in blocks if any(block)) + "\n"


def html_body(message: Message, lang: Lang) -> str:
    """The same as HTML, every word of it escaped."""
    rows = [
        *(f'<div style="{_NOTE}">{escape(note)}</div>' for note in message.notes),
        _quote(message),
        *(_item(item) for item in message.items),
        _faint(message.more(len(message.items))),
        _faint(message.byline),
        _why(message),
        "".join(_button(link) for link in message.links),
    ]
    cells = "".join(f'<tr><td style="padding:0 0 14px">{row}</td></tr>' for row in rows if row)
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light">'
        f"<title>{escape(message.headline)}</title></head>"
        '<body style="margin:0;padding:20px;background:#fff;color:#16202c;font-family:Helvetica,Arial,sans-serif">'
        '<table role="presentation" cellpadding="0" cellspacing="0" style="width:100%;max-width:640px">'
        f'<tr><td style="padding:0 0 14px"><h1 style="margin:0;font-size:20px;line-height:27px">'
        f"{escape(message.headline)}</h1></td></tr>{cells}</table></body></html>\n"
    )


def _quote(message: Message) -> str:
    title = f'<div dir="auto" style="font-weight:bold">{_marked(message.title)}</div>' if message.title else ""
    text = f'<div dir="auto">{_marked(message.text)}</div>' if message.text else ""
    return f'<div style="{_QUOTE}">{title}{text}</div>' if title or text else ""


def _item(item: Item) -> str:
    headline = escape(item.headline)
    link = f'<a href="{escape(item.url)}" style="color:#1f5fbf">{headline}</a>' if item.url else headline
    text = f'<div dir="auto" style="{_FAINT}">{escape(item.text)}</div>'
    return f'<div style="font-size:15px;line-height:21px">{link}</div>{text}'


def _faint(line: str) -> str:
    return f'<div style="{_FAINT}">{escape(line)}</div>' if line else ""


def _why(message: Message) -> str:
    if not message.why:
        return ""
    lines = "".join(f'<li dir="auto">{escape(line)}</li>' for line in message.why)
    return (
        f'<div style="font-size:13px;font-weight:bold">{escape(message.words.why)}</div>'
        f'<ul style="margin:4px 0 0;padding-left:18px;{_FAINT}">{lines}</ul>'
    )


def _button(link: Link) -> str:
    return f'<a href="{escape(link.url)}" style="{_BUTTON}">{escape(link.label)}</a>'


def _marked(pieces: tuple[Piece, ...]) -> str:
    return "".join(
        f'<mark style="background:#ffe89a;color:inherit">{escape(piece.text)}</mark>'
        if piece.is_hit
        else escape(piece.text)
        for piece in pieces
    )


def _bracketed(pieces: tuple[Piece, ...]) -> str:
    return "".join(f"[{piece.text}]" if piece.is_hit else piece.text for piece in pieces)
