"""Signed HTTP: what people do in Slack is posted to `/receivers/NAME`, for presses and commands alike.

Pages: https://docs.slack.dev/authentication/verifying-requests-from-slack,
https://docs.slack.dev/interactivity/handling-user-interaction.
"""

from __future__ import annotations

import hmac
import json
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from alerts.base import Answer
from sources.base import JSON, Clock, Pushed

GOOD_SECONDS = 300  # for which a signature is good
_FIELDS = 100  # of a form; Slack sends about fifteen
_REMEMBERED = 10_000  # signatures, so that nothing is taken twice while its time is good

Take = Callable[[Mapping[str, Any]], Awaitable["dict[str, JSON] | None"]]


@dataclass(slots=True)
class SignedRequests:
    """Knows Slack by the app's signing secret; what is older than 5 minutes or was here before is refused."""

    secret: str
    clock: Clock
    _taken: OrderedDict[str, None] = field(default_factory=OrderedDict, init=False)

    async def answer(self, pushed: Pushed, take: Take) -> Answer:
        if pushed.method != "POST":
            return Answer(405, "only POST")
        signature = pushed.headers.get("x-slack-signature", "")
        if not self._is_slack(pushed, signature):
            return Answer(401, "the signature does not fit")
        if signature in self._taken:
            return Answer(409, "this was here before")
        self._remember(signature)
        payload = _payload(pushed.body)
        if payload is None:
            return Answer(400, "neither a press nor a command")
        ack = await take(payload)
        return Answer(200, json.dumps(ack), "application/json") if ack else Answer()

    def _is_slack(self, pushed: Pushed, signature: str) -> bool:
        from slack_sdk.signature import SignatureVerifier

        timestamp = pushed.headers.get("x-slack-request-timestamp", "")
        if not re.fullmatch(r"[0-9]{1,12}", timestamp):
            return False
        try:
            expected = SignatureVerifier(self.secret).generate_signature(timestamp=timestamp, body=pushed.body) or ""
        except UnicodeDecodeError:  # Slack's bodies are UTF-8
            return False
        is_recent = abs(self.clock().timestamp() - int(timestamp)) <= GOOD_SECONDS
        return is_recent and hmac.compare_digest(expected.encode(), signature.encode(errors="replace"))

    def _remember(self, signature: str) -> None:
        self._taken[signature] = None
        if len(self._taken) > _REMEMBERED:
            self._taken.popitem(last=False)


def _payload(body: bytes) -> Mapping[str, Any] | None:
    """A form: a command's fields, or one field `payload` of JSON. The body is UTF-8: its signature was read."""
    try:
        form = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS))
        payload = json.loads(form["payload"]) if "payload" in form else form
    except (ValueError, RecursionError):
        return None
    if not isinstance(payload, dict):
        return None
    return payload
