"""What Slack sends when somebody presses, fills in or types: taken apart, whatever it looks like.

Pages: https://docs.slack.dev/reference/interaction-payloads/block_actions-payload,
https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload,
https://docs.slack.dev/interactivity/implementing-slash-commands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from sources.base import JSON

Payload: TypeAlias = Mapping[str, Any]  # JSON of a sender whom we have recognised, of any shape


@dataclass(frozen=True, slots=True)
class User:
    """Who did it: the id, and the name by which Slack knows it."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where it was done: a channel, and the message at the head of its thread ("" for none)."""

    channel: str
    thread: str = ""


@dataclass(frozen=True, slots=True)
class Press:
    """A button, menu or selection below a message. `key` is that of this very press."""

    user: User
    place: Place
    action_id: str
    value: str
    trigger: str  # opens a modal within 3 s
    key: str


@dataclass(frozen=True, slots=True)
class Submission:
    """A modal that was filled in. `values` by block, as Slack states them."""

    user: User
    metadata: str
    values: Mapping[str, Mapping[str, JSON]]
    key: str


@dataclass(frozen=True, slots=True)
class Command:
    """`/mentiond TEXT`."""

    user: User
    text: str
    response_url: str


def read(payload: Payload) -> Press | Submission | Command | None:
    """None: nothing that is for us."""
    match payload.get("type"):
        case "block_actions":
            return _press(payload)
        case "view_submission":
            return _submission(payload)
        case None if isinstance(payload.get("command"), str):
            user = User(text_at(payload, "user_id"), text_at(payload, "user_name"))
            return Command(user, text_at(payload, "text"), text_at(payload, "response_url"))
    return None


def text_at(value: object, *path: str | int) -> str:
    """The text at that path; "" where there is none."""
    for part in path:
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return ""
    return value if isinstance(value, str) else ""


def _user(payload: Payload) -> User:
    name = text_at(payload, "user", "name") or text_at(payload, "user", "username")
    return User(text_at(payload, "user", "id"), name)


def _press(payload: Payload) -> Press | None:
    """Slack sends one action at a time."""
    action = ("actions", 0)
    value = text_at(payload, *action, "value") or text_at(payload, *action, "selected_option", "value")
    user, at = _user(payload), text_at(payload, *action, "action_ts")
    message = text_at(payload, "container", "message_ts") or text_at(payload, "message", "ts")
    place = Place(
        text_at(payload, "channel", "id") or text_at(payload, "container", "channel_id"),
        text_at(payload, "message", "thread_ts") or message,
    )
    action_id = text_at(payload, *action, "action_id")
    if not user.id or not action_id:
        return None
    key = f"slack:{user.id}:{at}:{action_id}" if at else ""
    return Press(user, place, action_id, value, text_at(payload, "trigger_id"), key)


def _submission(payload: Payload) -> Submission | None:
    view = payload.get("view")
    user, number = _user(payload), text_at(view, "id")
    if not user.id or not isinstance(view, Mapping):
        return None
    state = view.get("state")
    values = state.get("values") if isinstance(state, Mapping) else None
    fields = {
        block: fields
        for block, fields in (values.items() if isinstance(values, Mapping) else ())
        if isinstance(fields, Mapping)
    }
    return Submission(user, text_at(view, "private_metadata"), fields, f"slack:{user.id}:{number}" if number else "")
