"""An alert as Block Kit blocks, within Slack's limits and with nothing in a post that Slack would act on.

Limits (https://docs.slack.dev/reference/block-kit/blocks): header 150, text object 3,000, 50 blocks; all blocks
together were refused at about 13,200 characters. Lengths are counted in UTF-16 units after escaping, the dearest way.
"""

from __future__ import annotations

from itertools import accumulate

from alerts.excerpt import Piece, cut, units
from alerts.wording import Item, Link, Message
from sources.base import JSON

EXCERPT = 2000  # what a post's text may cost
_HEADER = 150
_SECTION = 3000
_FALLBACK = 300
_LINK = 1300
_ITEM_LINK = 500
_ITEMS = 40  # blocks, so that the frame around them stays within 50
_ITEMS_COST = 9000

# The three characters Slack wants escaped, and the backtick, so that no code fence opens.
_INERT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "`": "ˋ"})
_ZERO_WIDTH = "\u200b"


def escape(text: str) -> str:
    """Text that Slack shows and does not read: <!channel>, <url|text> and ``` are inert."""
    return text.translate(_INERT)


def cost(text: str) -> int:
    """What a text takes of a limit once it is escaped."""
    return units(escape(text))


def render(message: Message) -> list[JSON]:
    """The blocks, top to bottom: what, the post, who and when, why, remarks, links."""
    headline = escape(cut(message.headline, _HEADER, cost))
    blocks: list[JSON] = [{"type": "header", "text": {"type": "plain_text", "text": headline, "emoji": False}}]
    blocks += [_context(f":warning: {escape(note)}") for note in message.notes]
    blocks += [_section(text) for text in (_post(message), *_items(message)) if text]
    if message.byline:
        blocks.append(_context(escape(cut(message.byline, _SECTION, cost))))
    if message.why:
        why = escape(cut("\n".join(f"• {line}" for line in message.why), _SECTION - 50, cost))
        blocks.append(_section(f"*{message.words.why}*\n{why}"))
    if links := _links(message.links):
        blocks.append(_section(links))
    return blocks


def fallback(message: Message) -> str:
    """What notifications show and screen readers read."""
    pieces = message.text or message.title
    said = "".join(piece.text for piece in pieces)
    return escape(cut(f"{message.headline}: {said}" if said else message.headline, _FALLBACK, cost))


def _section(text: str) -> JSON:
    return {"type": "section", "text": _mrkdwn(text)}


def _context(text: str) -> JSON:
    return {"type": "context", "elements": [_mrkdwn(text)]}


def _mrkdwn(text: str) -> JSON:
    return {"type": "mrkdwn", "text": text, "verbatim": True}  # verbatim: no @names, #channels or bare links


def _post(message: Message) -> str:
    """Title and quoted text, the hits bold; not bold where so many hits would break the limit."""
    for is_marked in (True, False):
        lines = [_marked(message.title, is_marked)] if message.title else []
        lines += [f">{_marked(message.text, is_marked)}"] if message.text else []
        if units("\n".join(lines)) <= _SECTION:
            break
    return "\n".join(lines)


def _marked(pieces: tuple[Piece, ...], is_marked: bool) -> str:
    """Slack makes only whole words bold: a zero-width space parts a hit from the letters of its compound."""
    shown: list[str] = []
    for piece in pieces:
        text = escape(piece.text)
        shown.append(f"{_ZERO_WIDTH}*{text}*{_ZERO_WIDTH}" if piece.is_hit and is_marked else text)
    return "".join(shown)


def _items(message: Message) -> list[str]:
    """As many posts of a summary as fit, and how many do not."""
    texts = [_item(item) for item in message.items[:_ITEMS]]
    ends = accumulate(units(text) for text in texts)
    shown = [text for text, end in zip(texts, ends, strict=True) if end <= _ITEMS_COST]
    more = escape(message.more(len(shown)))
    return [*shown, more] if more else shown


def _item(item: Item) -> str:
    lines = [f"*{escape(item.headline)}*", f">{escape(item.text)}"]
    if item.url and cost(item.url) <= _ITEM_LINK:
        lines[0] = f"<{escape(item.url)}|{escape(item.headline)}>"
    return "\n".join(lines)


def _links(links: tuple[Link, ...]) -> str:
    shown = [f"<{escape(link.url)}|{escape(link.label)}>" for link in links if cost(link.url) <= _LINK]
    return " · ".join(shown)
