"""The two bodies of a mail and its subject: the same content as plain text and as HTML.

The HTML is one table with inline styles, no image, no script, no form. Its style sheet only changes colours, for mail
programs that are dark; those that drop it show dark words on white.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape

from alerts.excerpt import Piece, cut
from alerts.mail_words import MAIL_WORDS
from alerts.wording import Item, Link, Message
from alerts.words import Lang

_SUBJECT_LIMIT = 150  # what lists show; header lines may be longer

_FONT = "font-family:Helvetica,Arial,sans-serif;word-break:break-word;overflow-wrap:anywhere"
_TABLE = "width:100%;table-layout:fixed"  # no word of a stranger makes it wider
_FAINT = "color:#5b6470;font-size:13px;line-height:19px"
_NOTE = "background:#fff4d6;border-left:4px solid #d99a00;padding:8px 12px;font-size:14px;line-height:20px"
_QUOTE = "border-left:4px solid #c9d1da;padding:4px 0 4px 14px;font-size:16px;line-height:24px"
_STATE = "font-size:15px;line-height:21px;font-weight:bold"
_PLAIN = "font-size:14px;line-height:20px"
_HEADING = "font-size:13px;line-height:19px;font-weight:bold"
_LINK = "color:#1f5fbf"
_BUTTON = (
    "display:inline-block;margin:0 10px 10px 0;padding:11px 16px;border:1px solid #1f5fbf;border-radius:6px;"
    "text-decoration:none;font-size:15px;line-height:20px;font-weight:bold"
)
_DARK = (
    "@media(prefers-color-scheme:dark){"
    ".page{background:#14181d!important;color:#e7ecf2!important}.faint{color:#9aa5b1!important}"
    ".note{background:#3a2f10!important}.hit{background:#6b5600!important}"
    ".quote{border-color:#3b4652!important}.link,.button{color:#8ab8ff!important}"
    ".button{border-color:#8ab8ff!important}.main{background:#8ab8ff!important;color:#0b1220!important}}"
)


@dataclass(frozen=True, slots=True)
class Letter:
    """An alert in words, and what can be done from the mail: `pages` of the items, by mention."""

    message: Message
    lang: Lang
    actions: tuple[Link, ...] = ()
    pages: Mapping[int, str] = field(default_factory=dict)

    @property
    def remark(self) -> str:
        """On links that work like a key; "" where there are none."""
        words = MAIL_WORDS[self.lang]
        return words.keep_buttons if self.actions else words.keep_links if self.pages else ""

    def page_of(self, item: Item) -> str | None:
        """Where the headline of an item leads: to its page, else to the post."""
        return self.pages.get(item.mention_id) or item.url


def subject(message: Message) -> str:
    """The headline and how the post begins."""
    said = "".join(piece.text for piece in (message.title or (() if message.items else message.text)))
    return cut(f"{message.headline}: {said}" if said else message.headline, _SUBJECT_LIMIT)


def text_body(letter: Letter) -> str:
    """Plain text; hits stand in brackets."""
    message, words = letter.message, letter.message.words
    post = [_bracketed(pieces) for pieces in (message.title, message.text) if pieces]
    blocks: list[Iterable[str]] = [
        (message.headline,),
        (f"! {note}" for note in message.notes),
        (message.state, message.earlier),
        (f"> {line}" for line in post),
        (message.byline,),
        *(_item_lines(item, letter) for item in message.items),
        (message.more(len(message.items)),),
        (f"{link.label}: {link.url}" for link in (*letter.actions, *message.links)),
        _listed(words.case.advice, message.advice.splitlines(), "  "),
        _listed(words.case.reply, message.reply.splitlines(), "  "),
        _listed(words.case.history, message.events, "- "),
        _listed(words.case.seen_at.format("").strip(), [f"{one.label}: {one.url}" for one in message.seen_at], "- "),
        _listed(words.why, message.why, "- "),
        (letter.remark,),
    ]
    return "\n\n".join(block for lines in blocks if (block := "\n".join(line for line in lines if line))) + "\n"


def _listed(heading: str, lines: Iterable[str], sign: str) -> list[str]:
    """A heading and what stands below it; nothing where that is nothing. Empty lines are kept."""
    told = [f"{sign}{line}".rstrip() or " " for line in lines]
    return [f"{heading}:", *told] if told else []


def _item_lines(item: Item, letter: Letter) -> list[str]:
    state = f" · {item.state}" if item.state else ""
    return [f"- {item.headline}{state}", f"  {item.text}", f"  {letter.page_of(item) or ''}".rstrip()]


def html_body(letter: Letter) -> str:
    """The same as HTML, every word of it escaped."""
    message, words = letter.message, letter.message.words
    rows = [
        *(_block(note, _NOTE, "note") for note in message.notes),
        _block(message.state, _STATE) + _block(message.earlier, _PLAIN),
        _quote(message),
        _faint(message.byline),
        *(_item(item, letter) for item in message.items),
        _faint(message.more(len(message.items))),
        _buttons(letter),
        _section(words.case.advice, _lines(message.advice)),
        _section(words.case.reply, _lines(message.reply)),
        _section(words.case.history, _list(map(escape, message.events))),
        _section(words.case.seen_at.format("").strip(), _list(map(_anchor, message.seen_at))),
        _section(words.why, _list(map(escape, message.why))),
        _faint(letter.remark),
    ]
    cells = "".join(f'<tr><td style="padding:0 0 14px">{row}</td></tr>' for row in rows if row)
    return (
        f'<!doctype html><html lang="{letter.lang}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">'
        f"<title>{escape(message.headline)}</title><style>{_DARK}</style></head>"
        f'<body class="page" style="margin:0;padding:0;background:#ffffff;color:#16202c;{_FONT}">'
        '<table role="presentation" cellpadding="0" cellspacing="0" border="0" align="center" class="page" '
        f'style="{_TABLE};max-width:640px;margin:0 auto;background:#ffffff;color:#16202c;{_FONT}">'
        '<tr><td style="padding:20px 16px"><table role="presentation" cellpadding="0" cellspacing="0" border="0" '
        f'style="{_TABLE}"><tr><td style="padding:0 0 14px">'
        f'<h1 style="margin:0;font-size:20px;line-height:27px">{escape(message.headline)}</h1></td></tr>'
        f"{cells}</table></td></tr></table></body></html>\n"
    )


def _block(text: str, style: str, kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<div{named} style="{style}">{escape(text)}</div>' if text else ""


def _faint(text: str) -> str:
    return _block(text, _FAINT, "faint")


def _quote(message: Message) -> str:
    title = f'<div dir="auto" style="font-weight:bold">{_marked(message.title)}</div>' if message.title else ""
    text = f'<div dir="auto">{_marked(message.text)}</div>' if message.text else ""
    return f'<div class="quote" style="{_QUOTE}">{title}{text}</div>' if title or text else ""


def _item(item: Item, letter: Letter) -> str:
    page = letter.page_of(item)
    headline = _anchor(Link(item.headline, page)) if page else escape(item.headline)
    state = f" · <b>{escape(item.state)}</b>" if item.state else ""
    text = f'<div dir="auto" class="faint" style="{_FAINT}">{escape(item.text)}</div>'
    return f'<div style="font-size:15px;line-height:21px">{headline}{state}</div>{text}'


def _section(heading: str, content: str) -> str:
    return f'<div style="{_HEADING}">{escape(heading)}</div>{content}' if content else ""


def _lines(text: str) -> str:
    told = "<br>".join(escape(line) for line in text.splitlines())
    return f'<div class="quote" dir="auto" style="{_PLAIN};margin-top:4px">{told}</div>' if told else ""


def _list(lines: Iterable[str]) -> str:
    told = "".join(f'<li dir="auto">{line}</li>' for line in lines)
    return f'<ul class="faint" style="margin:4px 0 0;padding-left:18px;{_FAINT}">{told}</ul>' if told else ""


def _buttons(letter: Letter) -> str:
    """The first thing to do stands out."""
    buttons = [*letter.actions, *letter.message.links]
    return "".join(_button(link, is_main=number == 0) for number, link in enumerate(buttons))


def _button(link: Link, *, is_main: bool) -> str:
    colours = "background:#1f5fbf;color:#ffffff" if is_main else "color:#1f5fbf"
    kind = "button main" if is_main else "button"
    return f'<a class="{kind}" href="{escape(link.url)}" style="{_BUTTON};{colours}">{escape(link.label)}</a>'


def _anchor(link: Link) -> str:
    return f'<a class="link" href="{escape(link.url)}" style="{_LINK}">{escape(link.label)}</a>'


def _marked(pieces: tuple[Piece, ...]) -> str:
    return "".join(
        f'<mark class="hit" style="background:#ffe89a;color:inherit">{escape(piece.text)}</mark>'
        if piece.is_hit
        else escape(piece.text)
        for piece in pieces
    )


def _bracketed(pieces: tuple[Piece, ...]) -> str:
    return "".join(f"[{piece.text}]" if piece.is_hit else piece.text for piece in pieces)
