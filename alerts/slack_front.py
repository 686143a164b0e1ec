"""Where presses, modals and commands of Slack are taken, whichever way they came: each is answered within 3 s.

What is acknowledged is done: the desk's transaction comes first, the acknowledgement after it, or after `ACK_WITHIN`
at the latest, whichever is sooner. All that is merely said (remarks in the thread, errors, answers to commands)
follows by itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from typing import Any, TypeAlias, assert_never

from alerts import slack_modal
from alerts.base import Action, ActionRefusedError, CaseView, Desk, ReceiverError
from alerts.case_wording import deed
from alerts.personal import hide_personal
from alerts.slack_api import SlackApi
from alerts.slack_buttons import ACTIONS, Control, Pressed, return_at
from alerts.slack_buttons import read as read_button
from alerts.slack_commands import Commands
from alerts.slack_commands import message as refused_command
from alerts.slack_payload import Command, Payload, Place, Press, Submission, User, read
from alerts.slack_text import fit
from alerts.slack_words import SlackWords
from alerts.words import Words
from sources.base import JSON, Clock

log = logging.getLogger("mentiond.slack")

ACK_WITHIN = 2.0  # seconds; Slack shows an error after 3
GRACE = 5.0  # seconds for what was begun, when the daemon ends
_SAID = 2900  # of a remark

Ack: TypeAlias = dict[str, JSON] | None
Did: TypeAlias = Press | Submission | Command
Work: TypeAlias = Coroutine[Any, Any, None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What Slack is answered at once, and what is said afterwards."""

    ack: Ack = None
    after: Work | None = None


@dataclass(slots=True)
class Front:
    """Takes what people do in Slack to the desk, for one receiver."""

    api: SlackApi
    words: Words
    own: SlackWords
    zone: tzinfo
    clock: Clock
    show_personal: bool
    _begun: set[asyncio.Task[Any]] = field(default_factory=set, init=False)

    async def take(self, payload: Payload, desk: Desk) -> Ack:
        """What to acknowledge with, within `ACK_WITHIN`; work that takes longer goes on."""
        did = read(payload)
        if did is None:
            return None
        work = self._begin(self._work(did, desk))
        await asyncio.wait({work}, timeout=ACK_WITHIN)
        return work.result() if work.done() and not work.cancelled() else None

    async def finish(self) -> None:
        """Let what was begun come to its end, and what follows from it, for `GRACE` at the most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE):
                while self._begun:
                    await asyncio.wait(self._begun)
        for task in self._begun:
            task.cancel()

    def _begin(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)
        return task

    async def _work(self, did: Did, desk: Desk) -> Ack:
        """Whatever goes wrong here is said to whoever did it, and the next press is taken."""
        begun = asyncio.get_running_loop().time()
        try:
            outcome = await self._decide(did, desk)
        except ActionRefusedError as error:
            outcome = self._declined(did, str(error), begun)
        except Exception:
            log.exception("not done kind=%s", type(did).__name__)
            outcome = self._declined(did, self.own.failed, begun)
        if outcome.after:
            self._begin(self._say(outcome.after))
        return outcome.ack

    async def _say(self, work: Work) -> None:
        try:
            await work
        except ReceiverError as error:
            log.warning("remark not delivered error=%s", error)

    async def _decide(self, did: Did, desk: Desk) -> Outcome:
        match did:
            case Press():
                return Outcome(after=await self._pressed(did, desk))
            case Submission():
                return Outcome(after=await self._submitted(did, desk))
            case Command():
                commands = Commands(self.words, self.own, self.zone, self.clock, self.show_personal)
                body = await commands.answer(did.text, _name(did.user, desk), desk)
                return Outcome(after=self.api.respond(did.response_url, body))
        assert_never(did)

    def _declined(self, did: Did, why: str, begun: float) -> Outcome:
        """Says why to whoever did it; in the modal while that is still open."""
        match did:
            case Press():
                return Outcome(after=self._whisper(did.place, did.user, why))
            case Submission():
                if asyncio.get_running_loop().time() - begun < ACK_WITHIN:
                    return Outcome(slack_modal.refused(why))
                filled = slack_modal.read(did)
                return Outcome(after=self._whisper(filled.place, did.user, why) if filled else None)
            case Command():
                return Outcome(after=self.api.respond(did.response_url, refused_command(why)))
        assert_never(did)

    async def _pressed(self, press: Press, desk: Desk) -> Work | None:
        pressed = read_button(press.action_id, press.value)
        if pressed and pressed.control is Control.CORRECT and pressed.mention_id is not None:
            return await self._modal(press, pressed.mention_id, desk)
        if pressed is None or pressed.control not in ACTIONS:
            raise ActionRefusedError(self.own.unreadable)
        until = return_at(pressed.time, self.clock(), self.zone)
        if pressed.control is Control.SNOOZE and until is None:
            raise ActionRefusedError(self.own.unreadable)
        action = Action(
            kind=ACTIONS[pressed.control],
            mention_ids=await _mentions(pressed, desk),
            by=_name(press.user, desk),
            through="slack",
            key=press.key,
            until=until,
        )
        return await self._act(action, press.place, desk)

    async def _submitted(self, submission: Submission, desk: Desk) -> Work | None:
        filled = slack_modal.read(submission)
        if filled is None:
            raise ActionRefusedError(self.own.unreadable)
        action = slack_modal.action(filled, _name(submission.user, desk), submission.key)
        if action is None:
            raise ActionRefusedError(self.own.nothing_changed)
        return await self._act(action, filled.place, desk)

    async def _act(self, action: Action, place: Place, desk: Desk) -> Work | None:
        """Take the action; what remains to be said in the thread."""
        started = self.clock()
        cases = await desk.act(action)
        news = [said for case in cases if (said := self._news(case, action, started))]
        if not news:
            return None
        return self._remark(place, f"{news[0]} ({len(news)})" if len(news) > 1 else news[0])

    def _news(self, case: CaseView, action: Action, started: datetime) -> str:
        """What the action changed; "" where it changed nothing, such as a second press."""
        fresh = [event for event in case.events if event.by == action.by and event.at >= started]
        return deed(fresh[-1], self.words.case) if fresh else ""

    async def _remark(self, place: Place, text: str) -> None:
        """A line in the story of the case, below its message."""
        if place.channel and place.thread:
            body: dict[str, JSON] = {"channel": place.channel, "thread_ts": place.thread, "text": fit(text, _SAID)}
            await self.api.call("chat.postMessage", body={**body, "unfurl_links": False, "unfurl_media": False})

    async def _whisper(self, place: Place, user: User, text: str) -> None:
        """To this one person, where the press was made."""
        if place.channel:
            body: dict[str, JSON] = {"channel": place.channel, "user": user.id, "text": fit(text, _SAID)}
            await self.api.call("chat.postEphemeral", body=body)

    async def _modal(self, press: Press, mention_id: int, desk: Desk) -> Work:
        found = await desk.look(mention_id)
        if found is None:
            raise ActionRefusedError(self.own.gone)
        shown = found if self.show_personal else replace(found, mention=hide_personal(found.mention))
        view = slack_modal.modal(shown, press.place, self.words, self.own)
        return self._open(press.trigger, view)

    async def _open(self, trigger: str, view: dict[str, JSON]) -> None:
        await self.api.call("views.open", body={"trigger_id": trigger, "view": view})


async def _mentions(pressed: Pressed, desk: Desk) -> tuple[int, ...]:
    if pressed.group_id is not None:
        return await desk.members_of(pressed.group_id)
    return (pressed.mention_id,) if pressed.mention_id is not None else ()


def _name(user: User, desk: Desk) -> str:
    """As the team knows them, else as Slack does."""
    member = desk.member(user.id)
    return member.name if member else user.name or user.id
