"""The receiver `webhook`: alerts as signed JSON over HTTP POST."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from alerts.base import SEND_TIMEOUT, Alert, Reason, Receipt, ReceiverError, ReceiverSettings
from alerts.payload import alert_payload, json_line
from sources.base import JSON, Clock, Http, HttpError, Response


class WebhookSettings(ReceiverSettings):
    """`type: webhook`. `base_url` replaces scheme, host and port of `url`, its path stays."""

    type: Literal["webhook"]
    url: str = Field(pattern=r"^https?://\S+$")
    secret: SecretStr = Field(min_length=1, description="signs every message: whsec_ and base64, or any text")
    updates: bool = Field(False, description="also send every change of a case, as reason update")

    @field_validator("secret")
    @classmethod
    def _is_a_key(cls, value: SecretStr) -> SecretStr:
        _key(value)
        return value


def _key(secret: SecretStr) -> bytes:
    """The bytes to sign with. Raises ValueError."""
    text = secret.get_secret_value()
    if not text.startswith("whsec_"):
        return text.encode()
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        key = b""
    if not key:
        raise ValueError("a secret that starts with whsec_ goes on in base64")
    return key


class Webhook:
    """POSTs `alert_payload` as Standard Webhooks (https://www.standardwebhooks.com) wants it signed.

    `webhook-id` is the same on every attempt of an alert, so that the other side can drop what it already has; of an
    update it is the same as long as there is nothing new in it.
    """

    def __init__(self, settings: WebhookSettings, http: Http, clock: Clock) -> None:
        self._url = _address(settings)
        self._key = _key(settings.secret)
        self._http = http
        self._clock = clock
        self._show_personal = settings.show_personal

    async def send(self, alert: Alert) -> Receipt:
        payload = alert_payload(alert, show_personal=self._show_personal)
        body = json_line(payload).encode()
        message_id = _message_id(alert, payload)
        response = await self._request("POST", self._headers(message_id, body), body)
        if error := _refusal(response):
            raise error
        return Receipt(message_id)

    async def probe(self) -> str:
        """HEAD posts nothing; whatever it answers short of a server error, somebody is there."""
        response = await self._request("HEAD", {}, None)
        if response.status >= 500 or response.status == 410:
            raise _refusal(response) or ReceiverError(f"answered {response.status}")
        return f"reachable, answered {response.status} to HEAD; nothing was posted"

    def _headers(self, message_id: str, body: bytes) -> dict[str, str]:
        timestamp = str(int(self._clock().timestamp()))
        signed = f"{message_id}.{timestamp}.".encode() + body
        signature = base64.b64encode(hmac.digest(self._key, signed, "sha256")).decode()
        return {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": f"v1,{signature}",
        }

    async def _request(self, method: str, headers: dict[str, str], body: bytes | None) -> Response:
        try:
            async with asyncio.timeout(SEND_TIMEOUT):
                return await self._http.request(method, self._url, headers=headers, body=body)
        except HttpError as error:
            raise ReceiverError(
                str(error),
                permanent=error.refused,
                channel=error.refused,
                retry_after=error.retry_after,
                maybe_sent=error.maybe_sent,
            ) from error
        except TimeoutError as error:
            raise ReceiverError(f"no answer within {SEND_TIMEOUT:g} s", maybe_sent=True) from error


class UpdatedWebhook:
    """A webhook that is told of every change of a case too, in the shape of an alert of the reason `update`."""

    def __init__(self, webhook: Webhook) -> None:
        self._webhook = webhook

    async def send(self, alert: Alert) -> Receipt:
        return await self._webhook.send(alert)

    async def update(self, alert: Alert) -> Receipt:
        return await self._webhook.send(alert)

    async def probe(self) -> str:
        return await self._webhook.probe()


def _message_id(alert: Alert, payload: dict[str, JSON]) -> str:
    """The key of an alert stands for all it says; an update is one row that goes out again with every change."""
    said = alert.key
    if alert.reason is Reason.UPDATE:
        said += json_line({key: value for key, value in payload.items() if key not in _OF_THE_ATTEMPT})
    return f"msg_{hashlib.sha256(said.encode()).hexdigest()[:32]}"


_OF_THE_ATTEMPT = ("attempt", "possibly_sent_twice")


def _address(settings: WebhookSettings) -> str:
    """The configured URL, its scheme, host and port replaced by `base_url` where that is set."""
    if settings.base_url is None:
        return settings.url
    parts = urlsplit(settings.url)
    return settings.base_url.rstrip("/") + parts.path + (f"?{parts.query}" if parts.query else "")


# The address or the key is wrong, or the other side wants no more: every later message would be refused as well.
_CHANNEL_REFUSED = {401, 403, 404, 405, 407, 410}
_TRY_AGAIN = {408, 425, 429}


def _refusal(response: Response) -> ReceiverError | None:
    """What an answer means for the message and for the channel; None: taken."""
    status = response.status
    if 200 <= status < 300:
        return None
    text = f"answered {status}"
    if status >= 500 or status in _TRY_AGAIN:
        return ReceiverError(text, retry_after=response.retry_after, maybe_sent=status >= 500)
    return ReceiverError(text, permanent=True, channel=status < 400 or status in _CHANNEL_REFUSED)
