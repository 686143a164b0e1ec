"""What people do in Slack, as Slack sends it: presses, modals, commands; and the signature of what comes over HTTP.

Pages: https://docs.slack.dev/reference/interaction-payloads, https://docs.slack.dev/interactivity/implementing-slash-commands,
https://docs.slack.dev/authentication/verifying-requests-from-slack.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from itertools import count
from typing import Any
from urllib.parse import urlencode

from tests.slack_limits import elements

SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
NAMES = {"U0KIM": "kim", "U0ALEX": "alex"}
_numbers = count(1)

Payload = dict[str, Any]


def press(message: Payload, action_id: str, *, user: str, trigger: str, response_url: str, option: str = "") -> Payload:
    """A press of what stands in a message as it is shown. `option`: the value chosen in a menu, or its end."""
    element = next(found for found in elements(message["blocks"]) if found["action_id"] == action_id)
    action = {
        "type": element["type"],
        "action_id": action_id,
        "block_id": "b1",
        "action_ts": f"17637481{next(_numbers):02}.000000",
    }
    if "options" in element:
        chosen = next(one for one in element["options"] if one["value"].endswith(option))
        action["selected_option"] = chosen
    else:
        action |= {"value": element["value"], "text": element["text"]}
    return {
        "type": "block_actions",
        "user": _user(user),
        "api_app_id": "A0MENTIOND",
        "team": {"id": "T0ACME", "domain": "acme"},
        "container": {
            "type": "message",
            "message_ts": message["ts"],
            "channel_id": message["channel"],
            "is_ephemeral": False,
        },
        "trigger_id": trigger,
        "channel": {"id": message["channel"], "name": "care"},
        "message": {"type": "message", "ts": message["ts"], "blocks": message["blocks"], "text": message["text"]},
        "response_url": response_url,
        "actions": [action],
    }


def submit(view: Payload, *, user: str, labels: list[str] | None, sentiment: str | None, note: str | None) -> Payload:
    """The modal sent off; None: as it was shown."""
    fields = {element["action_id"]: element for element in elements(view["blocks"])}
    ticked = [option["value"] for option in fields["labels"].get("initial_options", [])] if labels is None else labels
    shown = fields["sentiment"].get("initial_option")
    chosen = sentiment or (shown["value"] if shown else None)
    by_value = {option["value"]: option for name in ("labels", "sentiment") for option in fields[name]["options"]}
    values = {
        "labels": {"labels": {"type": "checkboxes", "selected_options": [by_value[value] for value in ticked]}},
        "sentiment": {"sentiment": {"type": "static_select", "selected_option": by_value[chosen] if chosen else None}},
        "note": {"note": {"type": "plain_text_input", "value": note}},
    }
    return {
        "type": "view_submission",
        "team": {"id": "T0ACME", "domain": "acme"},
        "user": _user(user),
        "trigger_id": "t",
        "view": {**view, "state": {"values": values}, "hash": "1.x"},
        "response_urls": [],
    }


def command(text: str, *, user: str, response_url: str) -> Payload:
    """`/mentiond TEXT`, the fields of a form."""
    return {
        "command": "/mentiond",
        "text": text,
        "user_id": user,
        "user_name": NAMES.get(user, "stranger"),
        "channel_id": "C0CARE00001",
        "channel_name": "care",
        "team_id": "T0ACME",
        "team_domain": "acme",
        "trigger_id": "t",
        "response_url": response_url,
        "api_app_id": "A0MENTIOND",
    }


def _user(user: str) -> Payload:
    name = NAMES.get(user, "stranger")
    return {"id": user, "username": name, "name": name, "team_id": "T0ACME"}


def form(payload: Payload) -> bytes:
    """The body in which it comes over HTTP."""
    fields = payload if "command" in payload else {"payload": json.dumps(payload)}
    return urlencode(fields).encode()


def signed(body: bytes, at: float, secret: str = SIGNING_SECRET) -> dict[str, str]:
    """The headers that make it Slack's."""
    timestamp = str(int(at))
    digest = hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()
    return {
        "content-type": "application/x-www-form-urlencoded",
        "x-slack-request-timestamp": timestamp,
        "x-slack-signature": f"v0={digest}",
    }
