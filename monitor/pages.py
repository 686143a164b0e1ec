"""The pages behind links in mails: a mention as it stands, and actions that only a press of a button takes.

GET and HEAD change nothing, whoever sends them: scanners open every link of a mail. A POST acts in the name of the
address that the mail went to, once for each button of each mail, and answers with who has the case now. Nothing is
shown without a valid signature, not even whether there is such a mention.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import partial
from typing import Final

from aiohttp import web

from alerts.base import Action, ActionKind, ActionRefusedError, Alert, CaseState, CaseView, Context, Desk, Found, Reason
from alerts.wording import Message, compose
from alerts.words import Lang
from monitor import page_html as html
from monitor.action_links import LOOK, LinkError, Signer, Ticket
from monitor.page_requests import Throttle, is_from, lang_of, read_press
from monitor.page_words import PAGE_WORDS, PageWords
from monitor.store import StoreError
from sources.base import Clock

log = logging.getLogger("mentiond.web")

_TEXT_LIMIT: Final = 20_000  # of the post on its page
_EXCERPT_LIMIT: Final = 600  # of the post above a button
_ITEMS_LOOKED_AT: Final = 10  # mentions of a group that are named above a button
_HOURS: Final = {"1h": timedelta(hours=1), "4h": timedelta(hours=4)}
_MORNING: Final = time(8)


@dataclass(frozen=True, slots=True)
class Reader:
    """How pages speak to those whom a receiver writes to."""

    lang: Lang = "en"
    show_personal: bool = False


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody with a valid token."""

    ticket: Ticket
    name: str  # whose the address is, "" for a link that was sent to no one in particular
    lang: Lang
    show_personal: bool

    @property
    def words(self) -> PageWords:
        return PAGE_WORDS[self.lang]


@dataclass(frozen=True, slots=True)
class Subject:
    """What a token is about, as it stands now: all its mentions, and the words for them."""

    mention_ids: tuple[int, ...]
    message: Message
    case: CaseView | None  # of a single mention


Work = Callable[["Visit", web.Request], Awaitable[web.Response]]


async def bare_context(found: Found) -> Context:
    """What the desk alone knows around a mention."""
    return Context(case=found.case)


@dataclass(slots=True, kw_only=True)
class Pages:
    """Serves them. `readers` by receiver, `names` by mail address; `context` finds what is known around a mention."""

    desk: Desk
    signer: Signer
    public_url: str
    readers: Mapping[str, Reader]
    names: Mapping[str, str]
    is_used: Callable[[int, str], Awaitable[bool]]  # whether the history of that mention has that press
    clock: Clock
    zone: tzinfo = UTC
    context: Callable[[Found], Awaitable[Context]] = bare_context
    make_nonce: Callable[[], str] = secrets.token_urlsafe
    throttle: Throttle = field(default_factory=Throttle)

    def routes(self) -> list[web.RouteDef]:
        """Where they are found."""
        return [
            web.get("/actions/{token}", partial(self._admit, self._ask)),
            web.post("/actions/{token}", partial(self._admit, self._act)),
            web.get("/mentions/{id}/{token}", partial(self._admit, self._look)),
            web.get("/mentions/{id}", self._stand_at_door),
            web.get("/alerts/{id}", self._stand_at_door),
        ]

    async def _admit(self, work: Work, request: web.Request) -> web.Response:
        now = self.clock()
        try:
            ticket = self.signer.read(request.match_info["token"], now)
            is_look = request.path.startswith("/mentions/")
            if is_look != (ticket.purpose == LOOK) or (is_look and request.match_info["id"] != str(ticket.mention_id)):
                raise LinkError("a link of ours for something else")
        except LinkError as error:
            return self._turn_away(error, request, now)
        reader = self.readers.get(ticket.receiver, Reader())
        name = self.names.get(ticket.recipient, ticket.recipient)
        visit = Visit(ticket, name, reader.lang, reader.show_personal)
        try:
            return await work(visit, request)
        except StoreError as error:
            log.error("page cannot be shown error=%s", error)
            return _say(visit.lang, 503, visit.words.busy, visit.words.busy_text)

    def _turn_away(self, error: LinkError, request: web.Request, now: datetime) -> web.Response:
        lang = lang_of(request)
        words = PAGE_WORDS[lang]
        if error.is_expired:
            return _say(lang, 410, words.expired, words.expired_text)
        if self.throttle.is_too_much(now):
            return web.Response(status=429, headers={**html.HEADERS, "Retry-After": "60"})
        return _say(lang, 403, words.forged, words.forged_text)

    async def _stand_at_door(self, request: web.Request) -> web.Response:
        """The same for every number, whether there is such a mention or not."""
        lang = lang_of(request)
        words = PAGE_WORDS[lang]
        told = [html.paragraph(words.door_text)]
        number = request.match_info["id"]
        if number.isascii() and number.isdigit() and len(number) < 19 and request.path.startswith("/mentions/"):
            told += [html.paragraph(words.door_command.format("")), html.code(f"mentiond case show {number}")]
        return _page(lang, 403, words.door, *told)

    async def _ask(self, visit: Visit, request: web.Request) -> web.Response:
        """What the button would do; nothing is done."""
        subject = await self._subject(visit)
        if subject is None:
            return _say(visit.lang, 404, visit.words.gone, visit.words.gone_text)
        if await self._is_used(visit, subject):
            return self._show_used(visit, subject)
        return _page(visit.lang, 200, *self._question(visit, subject))

    def _question(self, visit: Visit, subject: Subject) -> list[str]:
        """The title, then the parts of the page that asks."""
        words, kind, count = visit.words, ActionKind(visit.ticket.purpose), len(subject.mention_ids)
        title = words.ask_all[kind].format(count) if visit.ticket.group_id is not None else words.ask[kind]
        about = html.items(subject.message) if visit.ticket.group_id is not None else html.summary(subject.message)
        note = words.note if kind in (ActionKind.ANSWER, ActionKind.DISMISS) else ""
        return [title, about, html.form(_choices(kind, words), note), _acting(visit)]

    async def _act(self, visit: Visit, request: web.Request) -> web.Response:
        words = visit.words
        if not is_from(request, self.public_url):
            return _say(visit.lang, 403, words.foreign, words.foreign_text)
        press = await read_press(request)
        subject = await self._subject(visit)
        if subject is None:
            return _say(visit.lang, 404, words.gone, words.gone_text)
        kind = ActionKind(visit.ticket.purpose)
        if press.choice not in _choices(kind, words):
            return _page(visit.lang, 400, *self._question(visit, subject))
        if await self._is_used(visit, subject):
            return self._show_used(visit, subject)
        action = Action(
            kind=kind,
            mention_ids=subject.mention_ids,
            by=visit.name,
            through="mail",
            key=visit.ticket.key,
            note=press.note,
            until=self._until(press.choice) if kind is ActionKind.SNOOZE else None,
        )
        try:
            cases = await self.desk.act(action)
        except ActionRefusedError as error:
            return await self._show_outcome(visit, 409, words.refused, html.paragraph(str(error), "note"))
        return await self._show_outcome(visit, 200, _done(visit, kind, cases))

    async def _show_outcome(self, visit: Visit, status: int, title: str, *told: str) -> web.Response:
        """How things stand after a press."""
        subject = await self._subject(visit)
        standing = self._standing(visit, subject) if subject else ()
        return _page(visit.lang, status, title, *told, *standing)

    def _show_used(self, visit: Visit, subject: Subject) -> web.Response:
        told = html.paragraph(visit.words.used_text)
        return _page(visit.lang, 409, visit.words.used, told, *self._standing(visit, subject))

    def _standing(self, visit: Visit, subject: Subject) -> tuple[str, ...]:
        """Who has the case now, and where to go on."""
        if subject.case is None:
            return (html.items(subject.message),)
        ticket = replace(visit.ticket, purpose=LOOK, nonce=self.make_nonce())
        onward = f"../mentions/{subject.case.mention_id}/{self.signer.sign(ticket)}"
        return html.summary(subject.message), html.link(visit.words.open_page, onward)

    async def _look(self, visit: Visit, request: web.Request) -> web.Response:
        """One mention with everything that is known of it; buttons for those whom mentiond knows by address."""
        subject = await self._subject(visit, _TEXT_LIMIT)
        if subject is None or subject.case is None:
            return _say(visit.lang, 404, visit.words.gone, visit.words.gone_text)
        buttons = self._buttons(visit) if visit.name and subject.case.is_open else ""
        read_by = html.paragraph(visit.words.looking.format(visit.name), "faint") if visit.name else ""
        return _page(visit.lang, 200, subject.message.headline, html.whole(subject.message, buttons), read_by)

    def _buttons(self, visit: Visit) -> str:
        """A press of their own for each time that the page is opened; no longer valid than the link to the page."""
        forms = [self._form(visit, kind, {"yes": label}) for kind, label in visit.words.press.items()]
        return html.row(forms) + self._form(visit, ActionKind.SNOOZE, visit.words.snoozes)

    def _form(self, visit: Visit, kind: ActionKind, buttons: Mapping[str, str]) -> str:
        token = self.signer.sign(replace(visit.ticket, purpose=kind.value, nonce=self.make_nonce()))
        is_quiet = kind is not ActionKind.CLAIM
        return html.form(buttons, action=f"../../actions/{token}", is_quiet=is_quiet)

    async def _subject(self, visit: Visit, limit: int = _EXCERPT_LIMIT) -> Subject | None:
        """None: there is nothing left of it."""
        ticket = visit.ticket
        if ticket.group_id is None:
            ids: tuple[int, ...] = (ticket.mention_id or 0,)
        else:
            ids = await self.desk.members_of(ticket.group_id)
        looked_at = [await self.desk.look(mention_id) for mention_id in ids[:_ITEMS_LOOKED_AT]]
        found = [one for one in looked_at if one is not None]
        if not found:
            return None
        contexts = {one.mention.id: await self.context(one) for one in found}
        alert = self._as_alert(visit, found, contexts, len(ids))
        message = compose(alert, visit.lang, limit, zone=self.zone, show_personal=visit.show_personal)
        return Subject(ids, message, found[0].case if ticket.group_id is None else None)

    def _as_alert(self, visit: Visit, found: list[Found], contexts: Mapping[int, Context], count: int) -> Alert:
        """What the page is about, in the form that has words."""
        return Alert(
            id=0,
            key="",
            receiver=visit.ticket.receiver,
            recipient=visit.ticket.recipient,
            reason=Reason.FIRST,
            n=0,
            mentions=tuple(one.mention for one in found),
            count=count,
            routes=(),
            url="",
            created_at=self.clock(),
            contexts=contexts,
        )

    async def _is_used(self, visit: Visit, subject: Subject) -> bool:
        return await self.is_used(subject.mention_ids[0], visit.ticket.key)

    def _until(self, choice: str) -> datetime:
        now = self.clock()
        if choice in _HOURS:
            return now + _HOURS[choice]
        tomorrow = now.astimezone(self.zone).date() + timedelta(days=1)
        return datetime.combine(tomorrow, _MORNING, self.zone).astimezone(UTC)


def _choices(kind: ActionKind, words: PageWords) -> Mapping[str, str]:
    """What the buttons of an action send, and what stands on them."""
    return words.snoozes if kind is ActionKind.SNOOZE else {"yes": words.do[kind]}


def _done(visit: Visit, kind: ActionKind, cases: Sequence[CaseView]) -> str:
    """What has come of it; of a group how many are so now, somebody else may have taken some."""
    if visit.ticket.group_id is None:
        return visit.words.done[kind]
    if kind is ActionKind.DISMISS:
        done = sum(case.state is CaseState.DISMISSED for case in cases)
    else:
        done = sum(case.owner == visit.name for case in cases)
    return visit.words.done_all[kind].format(done=done, all=len(cases))


def _acting(visit: Visit) -> str:
    return html.paragraph(visit.words.acting.format(visit.name), "faint")


def _say(lang: Lang, status: int, title: str, text: str) -> web.Response:
    return _page(lang, status, title, html.paragraph(text))


def _page(lang: Lang, status: int, title: str, *parts: str) -> web.Response:
    return web.Response(
        status=status, text=html.page(lang, title, parts), content_type="text/html", headers=dict(html.HEADERS)
    )
