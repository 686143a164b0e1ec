"""Text as Slack wants it: escaped, within limits, in the objects that Block Kit is made of.

Lengths are counted in UTF-16 units after escaping, the dearest way.
Pages: https://docs.slack.dev/messaging/formatting-message-text#escaping,
https://docs.slack.dev/reference/block-kit/composition-objects/text-object.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from alerts.base import Member
from alerts.excerpt import cut, units
from sources.base import JSON

# The three characters Slack wants escaped, and the backtick, so that no code fence opens.
_INERT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "`": "ˋ"})
_USER_ID = re.compile(r"[UW][A-Z0-9]{2,20}")


def escape(text: str) -> str:
    """Text that Slack shows and does not read: <!channel>, <url|text> and ``` are inert."""
    return text.translate(_INERT)


def cost(text: str) -> int:
    """What a text takes of a limit once it is escaped."""
    return units(escape(text))


def fit(text: str, limit: int) -> str:
    """The text cut to what may cost `limit`, escaped."""
    return escape(cut(text, limit, cost))


def mrkdwn(text: str) -> JSON:
    return {"type": "mrkdwn", "text": text, "verbatim": True}  # verbatim: no @names, #channels or bare links


def plain(text: str) -> JSON:
    return {"type": "plain_text", "text": text, "emoji": False}


def section(text: str) -> dict[str, JSON]:
    return {"type": "section", "text": mrkdwn(text)}


def context(text: str) -> JSON:
    return {"type": "context", "elements": [mrkdwn(text)]}


def quoted(escaped: str) -> str:
    """Several lines as one quotation."""
    return "\n".join(f">{line}" for line in escaped.split("\n"))


def link(url: str, label: str) -> str:
    return f"<{escape(url)}|{escape(label)}>"


def ago(at: datetime) -> str:
    """How long ago that is, counted by the reader's own Slack; the date where Slack cannot."""
    return f"<!date^{int(at.timestamp())}^{{ago}}|{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC>"


def pings(members: tuple[Member, ...]) -> str:
    """Those of the members whom Slack can call."""
    return " ".join(f"<@{member.slack}>" for member in members if member.slack and _USER_ID.fullmatch(member.slack))
