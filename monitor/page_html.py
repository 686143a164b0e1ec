"""The form of mentiond's pages: one column, no script, nothing from elsewhere, every word of strangers escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from html import escape
from typing import Final

from alerts.excerpt import Piece
from alerts.wording import Link, Message
from alerts.words import Lang

_STYLE: Final = """
:root{color-scheme:light dark;--ink:#16202c;--paper:#fff;--faint:#5b6470;--line:#c9d1da;--blue:#1f5fbf;--on-blue:#fff;
--hit:#ffe89a;--note:#fff4d6;--edge:#d99a00}
@media(prefers-color-scheme:dark){:root{--ink:#e7ecf2;--paper:#14181d;--faint:#9aa5b1;--line:#3b4652;--blue:#6ea8ff;
--on-blue:#0b1220;--hit:#6b5600;--note:#3a2f10;--edge:#d99a00}}
*{box-sizing:border-box}
body{margin:0;padding:24px 16px;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,"Segoe UI",Helvetica,
Arial,sans-serif;overflow-wrap:anywhere}
main{max-width:640px;margin:0 auto}
h1{font-size:22px;line-height:1.3;margin:0 0 12px}
h2{font-size:14px;margin:20px 0 4px;color:var(--faint)}
p,ul{margin:0 0 12px}
ul{padding-left:20px}
blockquote{margin:0 0 12px;padding:4px 0 4px 14px;border-left:4px solid var(--line)}
mark{background:var(--hit);color:inherit}
a{color:var(--blue)}
.title{font-weight:600}
.faint{color:var(--faint);font-size:14px}
.note{background:var(--note);border-left:4px solid var(--edge);padding:8px 12px}
.state{font-weight:600}
.reply{white-space:pre-wrap}
form{margin:0}
.row{display:flex;flex-wrap:wrap;gap:10px;margin:0 0 12px}
button{font:inherit;font-weight:600;padding:11px 18px;border:1px solid var(--blue);border-radius:8px;
background:var(--blue);color:var(--on-blue);cursor:pointer}
button.quiet{background:none;color:var(--blue)}
label{display:block;font-size:14px;color:var(--faint);margin:0 0 12px}
input{display:block;width:100%;font:inherit;padding:9px;border:1px solid var(--line);border-radius:8px;
background:var(--paper);color:var(--ink);margin-top:4px}
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def page(lang: Lang, title: str, parts: Iterable[str]) -> str:
    """A whole page of parts that are HTML already."""
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{''.join(parts)}</main></body></html>\n"
    )


def paragraph(text: str, kind: str = "") -> str:
    """One line; `kind` is a class of the style sheet, "" for none."""
    if not text:
        return ""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def code(text: str) -> str:
    return f"<p><code>{escape(text)}</code></p>"


def link(label: str, url: str) -> str:
    """`url` is one of our own, or as `web_link` makes it."""
    return f'<p><a href="{escape(url)}" rel="noreferrer noopener">{escape(label)}</a></p>'


def form(buttons: Mapping[str, str], note: str = "", action: str = "", *, is_quiet: bool = False) -> str:
    """A POST to `action`, "" for this very page; `buttons`: what is sent as `choice` -> what stands on it.

    `note`: the label of a field for a remark, "" for none.
    """
    style = ' class="quiet"' if is_quiet else ""
    pressed = "".join(
        f'<button{style} name="choice" value="{escape(value)}">{escape(label)}</button>'
        for value, label in buttons.items()
    )
    field = f'<label>{escape(note)}<input name="note" maxlength="500" autocomplete="off"></label>' if note else ""
    target = f' action="{escape(action)}"' if action else ""
    return f'<form method="post"{target}>{field}<div class="row">{pressed}</div></form>'


def summary(message: Message) -> str:
    """What a confirmation is about: the headline, the post, whose it is."""
    return paragraph(message.headline, "title") + _post(message) + paragraph(message.state, "state")


def items(message: Message) -> str:
    """The mentions of a group, a line each, and how many more there are."""
    lines = "".join(f'<li dir="auto">{escape(item.headline)}</li>' for item in message.items)
    return f"<ul>{lines}</ul>{paragraph(message.more(len(message.items)), 'faint')}"


def row(forms: Iterable[str]) -> str:
    """Several forms side by side."""
    told = "".join(forms)
    return f'<div class="row">{told}</div>' if told else ""


def whole(message: Message, buttons: str) -> str:
    """Everything that is known of a mention, with what can be done about it."""
    words = message.words
    return "".join(
        (
            *(paragraph(note, "note") for note in message.notes),
            paragraph(message.state, "state"),
            paragraph(message.earlier),
            buttons,
            _post(message),
            *(link(one.label, one.url) for one in message.links),
            _section(words.case.advice, paragraph(message.advice, "reply")),
            _section(
                words.case.reply, f'<blockquote class="reply">{escape(message.reply)}</blockquote>', message.reply
            ),
            _section(words.case.history, _list(message.events)),
            _section(words.case.seen_at.format("").strip(), _links(message.seen_at)),
            _section(words.why, _list(message.why)),
        )
    )


def _post(message: Message) -> str:
    title = f'<div class="title" dir="auto">{_marked(message.title)}</div>' if message.title else ""
    text = f'<div dir="auto">{_marked(message.text)}</div>' if message.text else ""
    return f"<blockquote>{title}{text}</blockquote>{paragraph(message.byline, 'faint')}"


def _section(heading: str, content: str, condition: object = True) -> str:
    return f"<h2>{escape(heading)}</h2>{content}" if content and condition else ""


def _list(lines: Iterable[str]) -> str:
    told = "".join(f'<li dir="auto">{escape(line)}</li>' for line in lines)
    return f"<ul>{told}</ul>" if told else ""


def _links(links: Iterable[Link]) -> str:
    told = "".join(
        f'<li><a href="{escape(one.url)}" rel="noreferrer noopener">{escape(one.label)}</a></li>' for one in links
    )
    return f"<ul>{told}</ul>" if told else ""


def _marked(pieces: tuple[Piece, ...]) -> str:
    return "".join(f"<mark>{escape(piece.text)}</mark>" if piece.is_hit else escape(piece.text) for piece in pieces)
