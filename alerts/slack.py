"""The receiver `slack`: chat.postMessage with Block Kit.

Pages: https://docs.slack.dev/reference/methods/chat.postMessage, https://docs.slack.dev/reference/block-kit/blocks,
https://docs.slack.dev/messaging/formatting-message-text#escaping, https://docs.slack.dev/apis/web-api/rate-limits.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, SecretStr

from alerts.base import SEND_TIMEOUT, Alert, Receipt, ReceiverError, ReceiverSettings
from alerts.slack_blocks import EXCERPT, cost, fallback, render
from alerts.slack_errors import lost, refusal
from alerts.storm import CHAT_STORM, StormBrake
from alerts.wording import compose
from alerts.words import Lang
from sources.base import JSON

if TYPE_CHECKING:
    import aiohttp
    from slack_sdk.web.async_client import AsyncWebClient
    from slack_sdk.web.async_slack_response import AsyncSlackResponse

_CHANNEL_ID = re.compile(r"[CGD][A-Z0-9]{8,}")


class SlackSettings(ReceiverSettings):
    """`type: slack`. `base_url` replaces https://slack.com; `/api/<method>` is appended."""

    type: Literal["slack"]
    token: SecretStr = Field(min_length=1, description="bot token with the scope chat:write")
    channel: str = Field(pattern=r"^\S+$", max_length=80, description="channel name with # or channel id")
    storm: StormBrake = Field(CHAT_STORM, description="messages per watchlist before one takes all further ones")
    lang: Lang = Field("en", description="the language of the words around a post")

    pace: ClassVar[float] = 1.0


class Slack:
    """Posts one message per alert; the SDK retries nothing, the delivery decides.

    `session_for` gives the HTTP session for an address when the first message is sent.
    """

    def __init__(
        self, settings: SlackSettings, session_for: Callable[[str], aiohttp.ClientSession], zone: tzinfo = UTC
    ) -> None:
        self._settings = settings
        self._zone = zone
        self._session_for = session_for
        self._client: AsyncWebClient | None = None

    async def send(self, alert: Alert) -> Receipt:
        message = compose(alert, self._settings.lang, EXCERPT, cost, self._zone)
        answer = await self._call(
            "chat.postMessage",
            body={
                "channel": self._settings.channel,
                "text": fallback(message),
                "blocks": render(message),
                "unfurl_links": False,
                "unfurl_media": False,
                "link_names": False,
                "parse": "none",
            },
        )
        return Receipt(f"{answer.get('channel', '')}:{answer.get('ts', '')}")

    async def probe(self) -> str:
        """Whose token it is; and the channel where it is given by id, for names cannot be asked for."""
        answer = await self._call("auth.test")
        who = f"{answer.get('user', '?')} in {answer.get('team', '?')}"
        channel = self._settings.channel
        if not _CHANNEL_ID.fullmatch(channel):
            return f"token of {who}; the channel {channel} shows when the first alert is sent"
        try:
            await self._call("conversations.info", query={"channel": channel})
        except ReceiverError as error:
            if str(error) != "missing_scope":  # posting works without the scope channels:read
                raise
            return f"token of {who}; not allowed to look up the channel {channel}"
        return f"token of {who}, channel {channel}"

    async def _call(
        self, method: str, *, body: dict[str, JSON] | None = None, query: dict[str, str] | None = None
    ) -> Mapping[str, object]:
        """Slack's answer where it is `ok`. Raises ReceiverError, and nothing else, whatever the SDK throws."""
        from slack_sdk.errors import SlackApiError

        try:
            async with asyncio.timeout(SEND_TIMEOUT):
                answer = await self._connected().api_call(method, json=body, params=query)
                return _checked(answer)
        except ReceiverError:
            raise
        except SlackApiError as error:
            raise refusal(error) from error
        except Exception as error:
            raise lost(error) from error

    def _connected(self) -> AsyncWebClient:
        from slack_sdk.web.async_client import AsyncWebClient

        if self._client is None:
            base = (self._settings.base_url or "https://slack.com").rstrip("/")
            self._client = AsyncWebClient(
                token=self._settings.token.get_secret_value(),
                base_url=f"{base}/api/",
                session=self._session_for(base),
                retry_handlers=[],
            )
            self._client.proxy = None  # the SDK takes it from the environment
        return self._client


def _checked(answer: AsyncSlackResponse) -> Mapping[str, object]:
    if not isinstance(answer.data, dict):
        raise ReceiverError("answered 200 with what is not JSON", maybe_sent=True)
    return answer.data
