"""`Desk` for the tests of receivers: cases in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from alerts.base import (
    Action,
    ActionKind,
    ActionRefusedError,
    CaseEvent,
    CaseState,
    CaseView,
    Found,
    Member,
)


class MemoryDesk:
    """`Desk` that keeps its cases in memory; `failure` is raised by the next call, `gate` holds every
    call up, `entered` tells of one."""

    LEADS_TO: ClassVar[dict[ActionKind, CaseState]] = {
        ActionKind.CLAIM: CaseState.CLAIMED,
        ActionKind.ANSWER: CaseState.ANSWERED,
        ActionKind.DISMISS: CaseState.DISMISSED,
        ActionKind.REOPEN: CaseState.NEW,
    }

    def __init__(self, *found: Found, clock: Callable[[], datetime], members: Sequence[Member] = ()) -> None:
        self.found = {one.mention.id: one for one in found}
        self.members = list(members)
        self.groups: dict[int, tuple[int, ...]] = {}
        self.teams: dict[str, tuple[Member, ...]] = {}
        self.actions: list[Action] = []
        self.silences: list[tuple[tuple[str, ...], datetime, str, str]] = []
        self.failure: Exception | None = None
        self.entered = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()
        self._clock = clock
        self._keys: set[str] = set()

    async def _come_in(self) -> None:
        self.entered.set()
        await self.gate.wait()
        failure, self.failure = self.failure, None
        if failure is not None:
            raise failure

    async def act(self, action: Action) -> tuple[CaseView, ...]:
        await self._come_in()
        if action.key not in self._keys:
            for number in action.mention_ids:
                self._take(action, number)
            self._keys |= {action.key} - {""}
            self.actions.append(action)
        return tuple(self.found[number].case for number in action.mention_ids)

    def _take(self, action: Action, number: int) -> None:
        case = self.found[number].case
        state = self.LEADS_TO.get(action.kind, case.state)
        if case.state is CaseState.CLAIMED and action.kind is ActionKind.CLAIM:
            if case.owner != action.by:
                raise ActionRefusedError(f"{case.owner} has it since {case.changed_at:%H:%M}")
            return
        now = self._clock()
        owner = action.by if action.kind in self.LEADS_TO and state is not CaseState.NEW else case.owner
        event = CaseEvent(now, action.by, action.through, action.kind.value, action.note)
        changed = replace(
            case,
            state=state,
            owner=None if state is CaseState.NEW else owner,
            changed_at=now,
            snoozed_until=action.until or case.snoozed_until,
            events=(*case.events, event),
        )
        self.found[number] = replace(self.found[number], case=changed)

    async def look(self, mention_id: int) -> Found | None:
        await self._come_in()
        return self.found.get(mention_id)

    async def members_of(self, group_id: int) -> tuple[int, ...]:
        return self.groups[group_id]

    async def search(self, query: str, limit: int) -> tuple[Found, ...]:
        await self._come_in()
        words = query.lower().split()
        fitting = [one for one in self.found.values() if all(word in one.mention.post.text.lower() for word in words)]
        return tuple(fitting[:limit])

    async def silence(self, matchers: Sequence[str], until: datetime, by: str, comment: str) -> int:
        await self._come_in()
        self.silences.append((tuple(matchers), until, by, comment))
        return len(self.silences)

    async def on_call(self) -> Mapping[str, tuple[Member, ...]]:
        return self.teams

    def member(self, slack: str) -> Member | None:
        return next((member for member in self.members if member.slack == slack), None)
