"""What can be pressed below a message, and what a press means.

A value names what is pressed about: `m7` a mention, `g4` a group, `m7:1h` a mention and a time.
Page: https://docs.slack.dev/reference/block-kit/block-elements/button-element.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

from alerts.base import ActionKind, Alert, CaseState
from alerts.excerpt import cut
from alerts.slack_text import plain
from alerts.slack_words import SlackWords
from sources.base import JSON

_BUTTON = 75  # characters of a button or an option
_HOUR_OF_RETURN = 8
_VALUE = re.compile(r"(?:(?P<do>[a-z_]+)@)?(?P<kind>[mg])(?P<id>[0-9]{1,18})(?::(?P<time>[a-z0-9]+))?")


class Control(StrEnum):
    """The `action_id` of everything that can be pressed."""

    CLAIM = "claim"
    ANSWER = "answer"
    SNOOZE = "snooze"
    CORRECT = "correct"
    DISMISS = "dismiss"
    MUTE_AUTHOR = "mute_author"
    REOPEN = "reopen"
    HANDLE = "handle"  # a menu of the above for one post among several


ACTIONS: Mapping[Control, ActionKind] = {
    Control.CLAIM: ActionKind.CLAIM,
    Control.ANSWER: ActionKind.ANSWER,
    Control.SNOOZE: ActionKind.SNOOZE,
    Control.DISMISS: ActionKind.DISMISS,
    Control.MUTE_AUTHOR: ActionKind.MUTE_AUTHOR,
    Control.REOPEN: ActionKind.REOPEN,
}


@dataclass(frozen=True, slots=True)
class Pressed:
    """What a press is about: a mention or a group, and for how long it is put off."""

    control: Control
    mention_id: int | None
    group_id: int | None = None
    time: str = ""


def read(action_id: str, value: str) -> Pressed | None:
    """None: no button of ours."""
    found = _VALUE.fullmatch(value)
    name = found["do"] or action_id.partition(":")[0] if found else ""
    if found is None or name not in set(Control) or name == Control.HANDLE:
        return None
    number = int(found["id"])
    is_group = found["kind"] == "g"
    return Pressed(Control(name), None if is_group else number, number if is_group else None, found["time"] or "")


def return_at(time: str, now: datetime, zone: tzinfo) -> datetime | None:
    """When what is put off speaks up again; mornings are those of `zone`. None: no such time."""
    if time in ("1h", "4h"):
        return now + timedelta(hours=int(time[0]))
    local = now.astimezone(zone)
    days = {"tomorrow": 1, "monday": 7 - local.weekday()}.get(time)
    if days is None:
        return None
    morning = (local + timedelta(days=days)).replace(hour=_HOUR_OF_RETURN, minute=0, second=0, microsecond=0)
    return morning.astimezone(now.tzinfo)


def controls(alert: Alert, words: SlackWords) -> list[JSON]:
    """The actions block of a message, [] where there is nothing to do."""
    if not alert.mentions or alert.notice:
        return []
    if alert.count > 1:
        elements = _for_group(f"g{alert.group.id}", words) if alert.group else []
    else:
        case = alert.context.case
        elements = _for_case(f"m{alert.mentions[0].id}", case.state if case else CaseState.NEW, words)
    return [{"type": "actions", "elements": elements}] if elements else []


def _for_case(value: str, state: CaseState, words: SlackWords) -> list[JSON]:
    correct = _button(Control.CORRECT, words.correct, value)
    if state in (CaseState.ANSWERED, CaseState.DISMISSED):
        return [_button(Control.REOPEN, words.reopen, value), correct]
    is_new = state is CaseState.NEW
    return [
        *([_button(Control.CLAIM, words.claim, value, style="primary")] if is_new else []),
        _button(Control.ANSWER, words.answer, value, style=None if is_new else "primary"),
        _snooze(value, words),
        correct,
        _button(Control.DISMISS, words.dismiss, value),
        *([] if is_new else [_button(Control.REOPEN, words.release, value)]),
        _mute(value, words),
    ]


def _for_group(value: str, words: SlackWords) -> list[JSON]:
    return [
        _button(Control.CLAIM, words.claim_all, value, style="primary"),
        _button(Control.ANSWER, words.answer_all, value),
        _snooze(value, words),
        _button(Control.DISMISS, words.dismiss_all, value),
    ]


def handle(mention_id: int, words: SlackWords) -> dict[str, JSON]:
    """The menu beside one post among several."""
    named = {
        Control.CLAIM: words.claim,
        Control.ANSWER: words.answer,
        Control.CORRECT: words.correct,
        Control.DISMISS: words.dismiss,
    }
    options: list[JSON] = [option(name, f"{control}@m{mention_id}") for control, name in named.items()]
    return {"type": "overflow", "action_id": f"{Control.HANDLE}:{mention_id}", "options": options}


def option(name: str, value: str) -> JSON:
    return {"text": plain(cut(name, _BUTTON)), "value": value}


def _button(control: Control, name: str, value: str, *, style: str | None = None) -> JSON:
    button: dict[str, JSON] = {"type": "button", "action_id": control.value, "text": plain(name), "value": value}
    return button | {"style": style} if style else button


def _snooze(value: str, words: SlackWords) -> JSON:
    options: list[JSON] = [option(name, f"{value}:{time}") for time, name in words.snooze_for.items()]
    return {
        "type": "static_select",
        "action_id": Control.SNOOZE.value,
        "placeholder": plain(words.snooze),
        "options": options,
    }


def _mute(value: str, words: SlackWords) -> JSON:
    """Asks back, for it is the one press that nobody sees again."""
    confirm: dict[str, JSON] = {
        "title": plain(words.mute_title),
        "text": plain(words.mute_text),
        "confirm": plain(words.mute_confirm),
        "deny": plain(words.keep),
        "style": "danger",
    }
    return {
        "type": "button",
        "action_id": Control.MUTE_AUTHOR.value,
        "text": plain(words.mute_author),
        "value": value,
        "confirm": confirm,
    }
