"""An alert as Block Kit blocks, within Slack's limits and with nothing in a post that Slack would act on.

In the order of a tired reader: what it is, who has it, what was written, by whom, what came before, what to say, what
to press; the small print below. Limits (https://docs.slack.dev/reference/block-kit/blocks): header 150, text object
3,000, 50 blocks; all blocks together were refused at about 13,200 characters.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from alerts.base import Alert, CaseState, Reason
from alerts.excerpt import Piece, cut, units
from alerts.slack_buttons import controls, handle
from alerts.slack_text import ago, context, cost, escape, fit, link, pings, plain, quoted, section
from alerts.slack_words import SlackWords
from alerts.wording import Item, Link, Message
from sources.base import JSON

EXCERPT = 2000  # what a post's text may cost
_HEADER = 150
_POST = 2800
_NOTE = 300
_BYLINE = 500
_ADVICE = 600
_REPLY = 1500
_WHY = 1400
_HISTORY = 1200
_FALLBACK = 300
_LINK = 1000
_ITEM_LINK = 500
_ITEMS = 40  # blocks, so that the frame around them stays within 50
_ITEMS_COST = 8000
_ZERO_WIDTH = "\u200b"
_LIGHTS = {
    CaseState.NEW: ":red_circle:",
    CaseState.CLAIMED: ":large_yellow_circle:",
    CaseState.ANSWERED: ":large_green_circle:",
    CaseState.DISMISSED: ":white_circle:",
}


def render(message: Message, alert: Alert, words: SlackWords | None = None) -> list[JSON]:
    """The blocks, top to bottom. `words`: those of the buttons; None where nobody takes presses."""
    headline = escape(cut(message.headline, _HEADER, cost))
    blocks: list[JSON] = [{"type": "header", "text": plain(headline)}]
    blocks += [section(called) for called in [pings(alert.called)] if called]
    blocks += [context(line) for line in _top(message, alert)]
    blocks += [section(post) for post in [_post(message)] if post]
    blocks += _items(message, words)
    blocks += [context(line) for line in _around(message)]
    blocks += [section(line) for line in _help(message)]
    blocks += controls(alert, words) if words else []
    blocks += [context(line) for line in _small_print(message)]
    return blocks


def reply(message: Message, alert: Alert) -> list[JSON]:
    """The same as an answer in the thread of its first message: who is called, why, what is new, how it stands."""
    why = " · ".join(fit(note, _NOTE) for note in message.notes)
    lines = [pings(alert.called), f"*{why}*" if why else "", fit(message.headline, _HEADER)]
    blocks: list[JSON] = [section("\n".join(line for line in lines if line))]
    if alert.reason is Reason.EDITED:
        blocks += [section(post) for post in [_post(message)] if post]
    blocks += [context(fit(message.state, _BYLINE))] if message.state else []
    return blocks


def fallback(message: Message) -> str:
    """What notifications show and screen readers read."""
    pieces = message.text or message.title
    said = "".join(piece.text for piece in pieces)
    return escape(cut(f"{message.headline}: {said}" if said else message.headline, _FALLBACK, cost))


def _top(message: Message, alert: Alert) -> Iterator[str]:
    """Remarks, and whose it is."""
    for note in message.notes:
        yield f":warning: {fit(note, _NOTE)}"
    if message.state_parts:
        case = alert.context.case if alert.count == 1 else None
        whose, *rest = (fit(part, _NOTE) for part in message.state_parts)
        if message.waiting_since and rest:
            rest[0] += f" ({ago(message.waiting_since)})"
        yield " · ".join((f"{_LIGHTS[case.state]} *{whose}*" if case else f"*{whose}*", *rest))


def _around(message: Message) -> Iterator[str]:
    """Who wrote it, how often before, where else; what to mind."""
    if message.byline:
        yield fit(message.byline, _BYLINE)
    if message.earlier:
        yield f":repeat: *{fit(message.earlier, _NOTE)}*"
    if seen := _links(message.seen_at, _ITEM_LINK):
        yield message.words.case.seen_at.format(seen)
    if message.advice:
        yield f":bulb: *{message.words.case.advice}:* {fit(message.advice, _ADVICE)}"


def _help(message: Message) -> Iterator[str]:
    """What to say, and where."""
    if message.reply:
        yield f"*{message.words.case.reply}*\n{quoted(fit(message.reply, _REPLY))}"
    if links := _links(message.links, _LINK):
        yield links


def _small_print(message: Message) -> Iterator[str]:
    if message.events:
        yield f"*{message.words.case.history}*\n{fit(_bullets(message.events), _HISTORY)}"
    if message.why:
        yield f"*{message.words.why}*\n{fit(_bullets(message.why), _WHY)}"


def _bullets(lines: tuple[str, ...]) -> str:
    return "\n".join(f"• {line}" for line in lines)


def _post(message: Message) -> str:
    """Title and quoted text, the hits bold; not bold where so many hits would break the limit."""
    for is_marked in (True, False):
        lines = [_marked(message.title, is_marked)] if message.title else []
        lines += [f">{_marked(message.text, is_marked)}"] if message.text else []
        if units("\n".join(lines)) <= _POST:
            break
    return "\n".join(lines)


def _marked(pieces: tuple[Piece, ...], is_marked: bool) -> str:
    """Slack makes only whole words bold: a zero-width space parts a hit from the letters of its compound."""
    shown: list[str] = []
    for piece in pieces:
        text = escape(piece.text)
        shown.append(f"{_ZERO_WIDTH}*{text}*{_ZERO_WIDTH}" if piece.is_hit and is_marked else text)
    return "".join(shown)


def _items(message: Message, words: SlackWords | None) -> list[JSON]:
    """As many posts of a summary as fit, and how many do not."""
    items = message.items[:_ITEMS]
    ends = accumulate(units(_item(item)) for item in items)
    shown = [item for item, end in zip(items, ends, strict=True) if end <= _ITEMS_COST]
    blocks: list[JSON] = []
    for item in shown:
        menu = {"accessory": handle(item.mention_id, words)} if words and item.mention_id else {}
        blocks.append({**section(_item(item)), **menu})
    more = escape(message.more(len(shown)))
    return [*blocks, section(more)] if more else blocks


def _item(item: Item) -> str:
    headline = f"*{escape(item.headline)}*"
    if item.url and cost(item.url) <= _ITEM_LINK:
        headline = link(item.url, item.headline)
    state = f"\n_{escape(item.state)}_" if item.state else ""
    return f"{headline}\n>{escape(item.text)}{state}"


def _links(links: tuple[Link, ...], limit: int) -> str:
    return " · ".join(link(found.url, found.label) for found in links if cost(found.url) <= limit)
