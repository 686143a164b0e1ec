"""What an action makes of a case: a decision on its row, without touching the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

from alerts.base import Action, ActionKind, ActionRefusedError, CaseState
from monitor.opening import clock_values
from monitor.sla import Promise, times
from rules.hours import Hours

OPEN: Final = (CaseState.NEW.value, CaseState.CLAIMED.value)
CLOSED: Final[Mapping[str, Any]] = {"clock_at": None, "snoozed_until": None}  # with every end

Changes: TypeAlias = "dict[str, Any] | None"  # of the row: {}: only the history grows; None: not even that


@dataclass(frozen=True, slots=True)
class Moment:
    """When something is done, and the business hours of the configuration by name."""

    now: datetime
    hours: Mapping[str, Hours]


def decide(case: sa.Row[Any], action: Action, moment: Moment) -> Changes:
    """Who has done it already may press again; a case that is closed is opened again first.

    Raises ActionRefusedError.
    """
    return _DECISIONS[action.kind](case, action, moment)


def refusal(case: sa.Row[Any]) -> ActionRefusedError:
    """The state of the case does not allow it: who did what, and since when."""
    by = f" by {case.owner}" if case.owner else ""
    since = f"{case.changed_at:%Y-%m-%d %H:%M} UTC"
    mend = f"`mentiond case reopen {case.mention_id}` opens it again"
    return ActionRefusedError(f"case {case.mention_id} is {case.state}{by} since {since}; {mend}")


def _claim(case: sa.Row[Any], action: Action, moment: Moment) -> Changes:
    if case.state == CaseState.CLAIMED and case.owner == action.by:
        return None
    if case.state != CaseState.NEW:
        raise refusal(case)
    return {"state": CaseState.CLAIMED.value, "owner": action.by}


def _answer(case: sa.Row[Any], action: Action, moment: Moment) -> Changes:
    closed = _close(case, action, CaseState.ANSWERED)
    return closed and {**closed, "responded_at": case.responded_at or moment.now}


def _dismiss(case: sa.Row[Any], action: Action, moment: Moment) -> Changes:
    return _close(case, action, CaseState.DISMISSED)


def _close(case: sa.Row[Any], action: Action, state: CaseState) -> Changes:
    if case.state == state and case.owner == action.by:
        return None
    if case.state not in OPEN:
        raise refusal(case)
    return {"state": state.value, "owner": action.by, **CLOSED}


def _reopen(case: sa.Row[Any], action: Action, moment: Moment) -> Changes:
    """Nobody has it any more. The promise begins anew, unless the case was only claimed: its author waits on."""
    if case.state == CaseState.NEW:
        return None
    values: dict[str, Any] = {"state": CaseState.NEW.value, "owner": None, "snoozed_until": None}
    if case.state == CaseState.CLAIMED:
        return values
    promise = Promise.read(case.sla) if case.sla else None
    anew = clock_values(promise, times(promise.sla, moment.hours, moment.now) if promise else None)
    return {**values, **anew, "opened_at": moment.now, "waited": 0}


def _snooze(case: sa.Row[Any], action: Action, moment: Moment) -> Changes:
    if case.state not in OPEN:
        raise refusal(case)
    if action.until is None or action.until <= moment.now:
        raise ActionRefusedError("a case is snoozed until a time to come")
    return {"snoozed_until": action.until}


def _note(case: sa.Row[Any], action: Action, moment: Moment) -> Changes:
    if not action.note.strip():
        raise ActionRefusedError("a note needs a text")
    return {}


def _tag(case: sa.Row[Any], action: Action, moment: Moment) -> Changes:
    """`-tag` takes one off."""
    wanted = [tag.strip() for tag in action.tags if tag.strip("- ")]
    if not wanted:
        raise ActionRefusedError("tags are needed")
    off = {tag.removeprefix("-") for tag in wanted if tag.startswith("-")}
    kept = [tag for tag in case.tags if tag not in off]
    kept += [tag for tag in dict.fromkeys(wanted) if not tag.startswith("-") and tag not in kept]
    return None if kept == case.tags else {"tags": kept}


def _remark(case: sa.Row[Any], action: Action, moment: Moment) -> Changes:
    return {}


_DECISIONS: Final[Mapping[ActionKind, Callable[[sa.Row[Any], Action, Moment], Changes]]] = {
    ActionKind.CLAIM: _claim,
    ActionKind.ANSWER: _answer,
    ActionKind.DISMISS: _dismiss,
    ActionKind.REOPEN: _reopen,
    ActionKind.SNOOZE: _snooze,
    ActionKind.NOTE: _note,
    ActionKind.TAG: _tag,
    ActionKind.CORRECT: _remark,
    ActionKind.MUTE_AUTHOR: _remark,
}
