"""The receiver `slack`: one message per alert that is edited in place, buttons below it, the rest in its thread.

Pages: https://docs.slack.dev/reference/methods/chat.postMessage, https://docs.slack.dev/reference/methods/chat.update,
https://docs.slack.dev/reference/block-kit/blocks, https://docs.slack.dev/apis/web-api/rate-limits.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from datetime import UTC, tzinfo
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field, SecretStr, model_validator

from alerts.base import Alert, Answer, Desk, Reason, Receipt, ReceiverError, ReceiverSettings
from alerts.slack_api import SLACK, SlackApi
from alerts.slack_blocks import EXCERPT, fallback, render, reply
from alerts.slack_errors import THREAD_GONE
from alerts.slack_front import Front
from alerts.slack_signed import SignedRequests
from alerts.slack_socket import SocketMode
from alerts.slack_text import cost
from alerts.slack_words import SLACK_WORDS
from alerts.storm import CHAT_STORM, StormBrake
from alerts.wording import Message, compose
from alerts.words import WORDS, Lang
from sources.base import JSON, Clock, Pushed

if TYPE_CHECKING:
    import aiohttp

_CHANNEL_ID = re.compile(r"[CGD][A-Z0-9]{8,}")
_REFERENCE = re.compile(r"(?P<channel>[CGD][A-Z0-9]{2,}):(?P<ts>[0-9]+\.[0-9]+)")
_IN_THREAD = frozenset({Reason.EDITED, Reason.ESCALATION, Reason.REPEAT, Reason.WARNING})
_AS_WRITTEN: Mapping[str, JSON] = {"link_names": False, "parse": "none"}
SCOPES = frozenset({"chat:write", "commands"})  # without which something fails; docs/slack-manifest.yaml has them


class SlackSettings(ReceiverSettings):
    """`type: slack`. `base_url` replaces https://slack.com; `/api/<method>` is appended.

    Buttons appear where their presses can be heard: with `app_token` or `signing_secret`.
    """

    type: Literal["slack"]
    token: SecretStr = Field(min_length=1, description="bot token with the scope chat:write")
    channel: str = Field(pattern=r"^\S+$", max_length=80, description="channel name with # or channel id")
    storm: StormBrake = Field(CHAT_STORM, description="messages per watchlist before one takes all further ones")
    app_token: SecretStr | None = Field(
        None, min_length=1, description="app-level token with connections:write: buttons and /mentiond over Socket Mode"
    )
    signing_secret: SecretStr | None = Field(
        None, min_length=1, description="buttons and /mentiond over HTTP instead, at /receivers/NAME"
    )
    lang: Lang = Field("en", description="the language of the words around a post")

    pace: ClassVar[float] = 1.0

    @model_validator(mode="after")
    def _hears_one_way(self) -> Self:
        if self.app_token and self.signing_secret:
            raise ValueError(
                "either app_token (Socket Mode) or signing_secret (HTTP): Slack sends presses one way only"
            )
        return self


class Slack:
    """Posts and edits messages, and takes what people do below them.

    `session_for` gives the HTTP session for an address when the first message is sent, `lasting_session_for` that of a
    connection which stays open.
    """

    def __init__(
        self,
        settings: SlackSettings,
        session_for: Callable[[str], aiohttp.ClientSession],
        lasting_session_for: Callable[[str], aiohttp.ClientSession],
        clock: Clock,
        zone: tzinfo = UTC,
    ) -> None:
        self._settings = settings
        self._zone = zone
        self._lasting_session_for = lasting_session_for
        self._api = SlackApi(settings.base_url or SLACK, settings.token.get_secret_value(), session_for)
        words, own = WORDS[settings.lang], SLACK_WORDS[settings.lang]
        self._front = Front(self._api, words, own, zone, clock, settings.show_personal)
        secret = settings.signing_secret
        self._signed = SignedRequests(secret.get_secret_value(), clock) if secret else None
        self._buttons = own if secret or settings.app_token else None

    async def send(self, alert: Alert) -> Receipt:
        """A new message; what belongs under an earlier one goes into its thread, and into the channel as well."""
        message = self._compose(alert)
        if alert.reason in _IN_THREAD and (under := _REFERENCE.fullmatch(alert.reference)):
            try:
                return await self._post(
                    {
                        "channel": under["channel"],
                        "thread_ts": under["ts"],
                        "reply_broadcast": True,  # somebody is called, or there is news: a thread alone is seen by few
                        "text": fallback(message),
                        "blocks": reply(message, alert),
                        **_AS_WRITTEN,
                    }
                )
            except ReceiverError as error:
                if str(error) not in THREAD_GONE:
                    raise
        return await self._post({"channel": self._settings.channel, **self._whole(message, alert)})

    async def update(self, alert: Alert) -> Receipt:
        under = _REFERENCE.fullmatch(alert.reference)
        if under is None:
            raise ReceiverError("the message to update is not known", permanent=True)
        body: dict[str, JSON] = {"channel": under["channel"], "ts": under["ts"]}
        await self._api.call("chat.update", body={**body, **self._whole(self._compose(alert), alert)})
        return Receipt(alert.reference)

    async def listen(self, desk: Desk) -> None:
        """Over Socket Mode; where presses come over HTTP, only to see to their end. Else there is nothing to hear."""
        token = self._settings.app_token
        try:
            if token:
                take = partial(self._front.take, desk=desk)
                await SocketMode(self._api, token.get_secret_value(), self._lasting_session_for, take).listen()
            elif self._signed:
                await asyncio.Event().wait()
        finally:
            await self._front.finish()

    async def answer(self, pushed: Pushed, desk: Desk) -> Answer:
        """Over signed HTTP."""
        if self._signed is None:
            return Answer(404, "no such page")
        return await self._signed.answer(pushed, partial(self._front.take, desk=desk))

    async def probe(self) -> str:
        """Whose token it is, what it may do, and the channel where it is given by id: names cannot be asked for."""
        who, scopes = await self._api.scopes()
        if scopes is not None and (missing := SCOPES - scopes if self._buttons else {"chat:write"} - scopes):
            raise ReceiverError(f"the token lacks the scope {', '.join(sorted(missing))}", permanent=True)
        told = [f"token of {who.get('user', '?')} in {who.get('team', '?')}", await self._probe_channel()]
        if token := self._settings.app_token:
            await self._api.socket_url(token.get_secret_value())
            told.append("buttons over Socket Mode")
        elif self._signed:
            told.append(f"buttons over HTTP at /receivers/{self._settings.name}")
        return ", ".join(told)

    async def _probe_channel(self) -> str:
        channel = self._settings.channel
        if not _CHANNEL_ID.fullmatch(channel):
            return f"the channel {channel} shows when the first alert is sent"
        try:
            found = (await self._api.call("conversations.info", query={"channel": channel})).get("channel")
        except ReceiverError as error:
            if str(error) != "missing_scope":  # posting works without the scope channels:read
                raise
            return f"not allowed to look up the channel {channel}"
        if isinstance(found, dict) and found.get("is_member") is False:
            raise ReceiverError(f"not in the channel {channel}: type /invite @mentiond there", permanent=True)
        return f"channel {channel}"

    def _compose(self, alert: Alert) -> Message:
        settings = self._settings
        return compose(alert, settings.lang, EXCERPT, cost, self._zone, show_personal=settings.show_personal)

    def _whole(self, message: Message, alert: Alert) -> dict[str, JSON]:
        return {"text": fallback(message), "blocks": render(message, alert, self._buttons), **_AS_WRITTEN}

    async def _post(self, body: dict[str, JSON]) -> Receipt:
        answer = await self._api.call("chat.postMessage", body={**body, "unfurl_links": False, "unfurl_media": False})
        return Receipt(f"{answer.get('channel', '')}:{answer.get('ts', '')}")
