"""`/mentiond`: search, silence, who is on call, help; answered to whoever typed it, and to nobody else.

Page: https://docs.slack.dev/interactivity/implementing-slash-commands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from alerts.base import ActionRefusedError, Desk, Found, Member
from alerts.case_wording import moment, short_state
from alerts.excerpt import clean, cut, web_link
from alerts.personal import hide_personal
from alerts.slack_text import cost, escape, fit, link, section
from alerts.slack_words import SlackWords
from alerts.verdict_wording import headline
from alerts.words import Words
from sources.base import JSON, Clock, parse_duration

FOUND = 10  # mentions that a search shows
_TEXT = 160  # of one of them
_LINK = 500
_QUERY = 200  # of a query, where it is repeated
_LINE = 3000
_LONGEST_SILENCE = timedelta(days=365)
_STRAIGHT = str.maketrans("“”„‟‘’‚‛", "\"\"\"\"''''")  # keyboards of telephones bend quotes
_SILENCE = re.compile(r"(?P<matchers>.+?)\s+(?:--)?(?:for|für|fuer)\s+(?P<time>\S+)(?:\s+(?P<comment>.*))?", re.DOTALL)
_MATCHER = re.compile(
    r"""\s*,?\s*(?P<name>\w+)\s*(?P<operator>=~|!~|!=|>=|<=|=|>|<)\s*(?P<value>"(?:[^"\\]|\\.)*"|'[^']*'|[^\s,"']+)"""
)

Answer = str | list[JSON]


@dataclass(frozen=True, slots=True)
class Commands:
    """What can be typed, in the language of one receiver."""

    words: Words
    own: SlackWords
    zone: tzinfo
    clock: Clock
    show_personal: bool

    async def answer(self, text: str, by: str, desk: Desk) -> dict[str, JSON]:
        """The message to whoever typed it."""
        verb, _, rest = text.strip().translate(_STRAIGHT).partition(" ")
        known: Mapping[str, Callable[[str, str, Desk], Coroutine[Any, Any, Answer]]] = {
            **dict.fromkeys(("", "help", "hilfe"), self._help),
            **dict.fromkeys(("search", "find", "suche", "suchen"), self._search),
            **dict.fromkeys(("silence", "ruhe", "stille"), self._silence),
            **dict.fromkeys(("oncall", "on-call", "bereitschaft"), self._on_call),
        }
        run = known.get(verb.casefold())
        if run is None:
            return message(f"{self.own.unknown_command.format(fit(verb, 40))}\n{self.own.help}")
        try:
            return message(await run(rest.strip(), by, desk))
        except ActionRefusedError as error:
            return message(fit(str(error), _LINE))

    async def _help(self, rest: str, by: str, desk: Desk) -> Answer:
        return self.own.help

    async def _search(self, query: str, by: str, desk: Desk) -> Answer:
        if not query:
            return self.own.search_needs_query
        found = await desk.search(query, FOUND)
        if not found:
            return self.own.nothing_found.format(fit(query, _QUERY))
        return [section(self.own.found.format(len(found))), *(section(self._found(one)) for one in found)]

    def _found(self, found: Found) -> str:
        mention = found.mention if self.show_personal else hide_personal(found.mention)
        said, url = headline(mention, self.words), web_link(mention.post.url)
        first = link(url, said) if url and cost(url) <= _LINK else f"*{escape(said)}*"
        at = moment(mention.post.published_at, self.words.case, self.zone)
        state = short_state(found.case, self.words.case, self.zone) or self.words.case.new
        text = cut(clean(f"{mention.post.title} {mention.post.text}").strip(), _TEXT) or self.words.no_text
        return f"{first}\n>{escape(text)}\n{at} · _{escape(state)}_ · {mention.id}"

    async def _silence(self, rest: str, by: str, desk: Desk) -> Answer:
        asked = read_silence(rest, self.clock())
        if asked is None:
            return self.own.silence_form
        number = await desk.silence(asked.matchers, asked.until, by, asked.comment)
        return self.own.silenced.format(number=number, until=moment(asked.until, self.words.case, self.zone))

    async def _on_call(self, rest: str, by: str, desk: Desk) -> Answer:
        teams = await desk.on_call()
        if not teams:
            return self.own.nobody_on_call
        lines = [f"• {escape(clean(team))}: {self._names(members)}" for team, members in teams.items()]
        return "\n".join((f"*{self.own.on_call}*", *lines))

    def _names(self, members: tuple[Member, ...]) -> str:
        """Names, not pings: asking who is on call calls nobody."""
        return ", ".join(escape(clean(member.name)) for member in members) or self.own.no_one


@dataclass(frozen=True, slots=True)
class Silence:
    """What is to be quiet, until when, and why."""

    matchers: tuple[str, ...]
    until: datetime
    comment: str


def read_silence(text: str, now: datetime) -> Silence | None:
    """`watchlist=acme label=praise for 2h the fair begins`; None: not of that form."""
    found = _SILENCE.fullmatch(text.strip())
    matchers = _matchers(found["matchers"]) if found else ()
    if found is None or not matchers:
        return None
    try:
        lasts = parse_duration(found["time"])
    except ValueError:
        return None
    comment = (found["comment"] or "").strip().removeprefix("--comment").strip().strip("\"'")
    return Silence(matchers, now + min(lasts, _LONGEST_SILENCE), comment) if lasts else None


def _matchers(text: str) -> tuple[str, ...]:
    """`label=praise watchlist = "acme phone"`, one by one; () where anything else stands between them."""
    matchers: list[str] = []
    at = 0
    while at < len(text):
        found = _MATCHER.match(text, at)
        if found is None:
            return ()
        matchers.append(f"{found['name']} {found['operator']} {found['value']}")
        at = found.end()
    return tuple(matchers)


def message(answer: Answer) -> dict[str, JSON]:
    """Seen by whoever typed the command only."""
    blocks: list[JSON] = [section(answer)] if isinstance(answer, str) else answer
    text = answer if isinstance(answer, str) else "mentiond"
    return {"response_type": "ephemeral", "text": text, "blocks": blocks}
