"""Calls to Slack's Web API through slack-sdk, which retries nothing: the delivery decides.

Page: https://docs.slack.dev/apis/web-api.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from alerts.base import SEND_TIMEOUT, ReceiverError
from alerts.slack_errors import lost, refusal
from sources.base import JSON

if TYPE_CHECKING:
    import aiohttp
    from slack_sdk.web.async_client import AsyncWebClient
    from slack_sdk.web.async_slack_response import AsyncSlackResponse

SLACK = "https://slack.com"
_SILENT = logging.Logger("slack-sdk", logging.CRITICAL + 1)  # the SDK's debugging shows bodies: posts, tickets


@dataclass(slots=True)
class SlackApi:
    """One bot token at one address. `session_for` gives the HTTP session for an address when it is first needed."""

    base: str
    token: str
    session_for: Callable[[str], aiohttp.ClientSession]
    _client: AsyncWebClient | None = field(default=None, init=False)

    async def call(
        self, method: str, *, body: dict[str, JSON] | None = None, query: dict[str, str] | None = None
    ) -> Mapping[str, Any]:
        """Slack's answer where it is `ok`. Raises ReceiverError, and nothing else, whatever the SDK throws."""
        return _said(await self._ask(lambda client: client.api_call(method, json=body, params=query)))

    async def scopes(self) -> tuple[Mapping[str, Any], frozenset[str] | None]:
        """Whose token it is, and what it may do; None where Slack does not say. Raises ReceiverError."""
        answer = await self._ask(lambda client: client.auth_test())
        headers = {str(name).lower(): value for name, value in answer.headers.items()}
        scopes = headers.get("x-oauth-scopes")
        return _said(answer), frozenset(scopes.replace(" ", "").split(",")) if scopes else None

    async def socket_url(self, app_token: str) -> str:
        """Where to connect to, once. Raises ReceiverError."""
        answer = _said(await self._ask(lambda client: client.apps_connections_open(app_token=app_token)))
        url = answer.get("url")
        if not isinstance(url, str) or not url.startswith(("wss://", "ws://")):
            raise ReceiverError("apps.connections.open named no address to connect to")
        return url

    async def respond(self, url: str, body: dict[str, JSON]) -> None:
        """Answer a command at its `response_url`. Raises ReceiverError."""
        try:
            async with asyncio.timeout(SEND_TIMEOUT), self.session_for(url).post(url, json=body) as answer:
                status = answer.status
        except Exception as error:
            raise lost(error) from error
        if status != 200:
            raise ReceiverError(f"answered {status}")

    async def _ask(self, ask: Callable[[AsyncWebClient], Any]) -> AsyncSlackResponse:
        from slack_sdk.errors import SlackApiError

        try:
            async with asyncio.timeout(SEND_TIMEOUT):
                answer: AsyncSlackResponse = await ask(self._connected())
                return answer
        except SlackApiError as error:
            raise refusal(error) from error
        except Exception as error:
            raise lost(error) from error

    def _connected(self) -> AsyncWebClient:
        from slack_sdk.web.async_client import AsyncWebClient

        if self._client is None:
            base = self.base.rstrip("/")
            self._client = AsyncWebClient(
                token=self.token,
                base_url=f"{base}/api/",
                session=self.session_for(base),
                retry_handlers=[],
                logger=_SILENT,
            )
            self._client.proxy = None  # the SDK takes it from the environment
        return self._client


def _said(answer: AsyncSlackResponse) -> Mapping[str, Any]:
    if not isinstance(answer.data, dict):
        raise ReceiverError("answered 200 with what is not JSON", maybe_sent=True)
    return answer.data
