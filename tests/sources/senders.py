"""What pushes to each kind of hook: its settings, and headers that prove a body as its sender would."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sources.base import Pushed
from tests.fakes import START

SECRET = "geheimnis-ü"
STANDARD = "whsec_" + base64.b64encode(b"0123456789abcdef").decode()

Sign = Callable[[bytes, str, datetime], Mapping[str, str]]  # body, secret, time of sending -> headers


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """A system that pushes to one source. `secret` is what it signs with, `other` what somebody else would."""

    keys: dict[str, Any]
    sign: Sign
    secret: str = SECRET
    other: str = "guessed"
    body: bytes = '{"text": "Grüße aus Köln, Acme ist kaputt 💥"}'.encode()
    signs_body: bool = True
    signs_time: bool = False

    def push(self, body: bytes | None = None, *, secret: str | None = None, at: datetime = START) -> Pushed:
        """The request; signed by another when told so."""
        sent = self.body if body is None else body
        headers = {name.lower(): value for name, value in self.sign(sent, secret or self.secret, at).items()}
        return Pushed(method="POST", query={}, headers={"content-type": "application/json"} | headers, body=sent)


def tampered(pushed: Pushed, **changes: Any) -> Pushed:
    return replace(pushed, **changes)


def _digest(secret: str, message: bytes) -> bytes:
    return hmac.digest(secret.encode(), message, hashlib.sha256)


def _hex(body: bytes, secret: str, at: datetime) -> dict[str, str]:
    return {"X-Hub-Signature-256": "sha256=" + _digest(secret, body).hex()}


def _timed(body: bytes, secret: str, at: datetime) -> dict[str, str]:
    sent = str(int(at.timestamp()))
    signature = base64.b64encode(_digest(secret, f"v0:{sent}:".encode() + body)).decode()
    return {"X-Sent": sent, "X-Signature": signature}


def _bearer(body: bytes, secret: str, at: datetime) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def _token(body: bytes, secret: str, at: datetime) -> dict[str, str]:
    return {"X-Token": secret}


def _standard(body: bytes, secret: str, at: datetime) -> dict[str, str]:
    sent = str(int(at.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = base64.b64encode(hmac.digest(key, f"msg_1.{sent}.".encode() + body, "sha256")).decode()
    return {"Webhook-Id": "msg_1", "Webhook-Timestamp": sent, "Webhook-Signature": f"v1,{signature}"}


def _webhook(**auth: Any) -> dict[str, Any]:
    return {"name": "mine", "type": "webhook", "auth": auth}


SENDERS = {
    "webhook hmac": Sender(
        keys=_webhook(type="hmac", secret=SECRET, header="X-Hub-Signature-256", prefix="sha256="), sign=_hex
    ),
    "webhook hmac with time": Sender(
        keys=_webhook(
            type="hmac", secret=SECRET, encoding="base64", timestamp_header="X-Sent", signs="v0:{timestamp}:{body}"
        ),
        sign=_timed,
        signs_time=True,
    ),
    "webhook bearer": Sender(keys=_webhook(type="bearer", token=SECRET), sign=_bearer, signs_body=False),
    "webhook token": Sender(
        keys=_webhook(type="bearer", token=SECRET, header="X-Token"), sign=_token, signs_body=False
    ),
    "webhook standard": Sender(
        keys=_webhook(type="standard", secret=STANDARD),
        sign=_standard,
        secret=STANDARD,
        other="whsec_" + base64.b64encode(b"another").decode(),
        signs_time=True,
    ),
}
