"""The contract of every receiver: one alert in, one receipt out, errors that say what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Protocol

from pydantic import Field

from rules.base import Mention
from sources.base import Duration, Name, Settings


class Reason(StrEnum):
    """Why an alert is owed."""

    FIRST = "first"  # a mention that this receiver has not heard of
    EDITED = "edited"  # an edit brought a watchlist or a label that was never there
    DIGEST = "digest"  # one summary of what was held back
    NOTICE = "notice"  # something that the operator must know: a source or a channel was switched off


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One notification owed to one receiver, with everything needed to render it.

    key = subject, receiver, recipient, reason and n: unique for ever, the same on every attempt.
    """

    id: int
    key: str
    receiver: str
    recipient: str  # the mail address; "" for receivers that have one channel
    reason: Reason
    n: int  # step or revision
    mentions: tuple[Mention, ...]  # oldest first; of a digest at most DIGEST_CARRIED, `count` is exact
    count: int
    routes: tuple[str, ...]  # the routes that lead here, as matcher texts: the "why" of the routing
    url: str  # where to work on it: server.public_url + path
    created_at: datetime
    attempt: int = 1
    possibly_sent_twice: bool = False  # an earlier attempt got no reply that we know of
    notice: str = ""  # of reason NOTICE: what happened; such an alert has no mentions


DIGEST_CARRIED = 1000  # mentions that a digest brings along, for machines to read
DIGEST_SHOWN = 20  # of them that people are shown
SEND_TIMEOUT = 10.0  # seconds for one attempt to send, well within the lease of a claimed row


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the receiver answered; `reference` finds the message again (Slack ts, Message-ID), "" where nothing does."""

    reference: str = ""


class ReceiverError(Exception):
    """An alert was not delivered, as far as we know.

    permanent: trying this message again cannot help, it is dead. channel: not the message but the whole channel is
    refused (invalid_auth, channel_not_found): with permanent, the channel stops and its alerts stay owed.
    retry_after: seconds to leave the channel alone. maybe_sent: sent or not, unknown (lost reply).
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        channel: bool = False,
        retry_after: float | None = None,
        maybe_sent: bool = False,
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.channel = channel
        self.retry_after = retry_after
        self.maybe_sent = maybe_sent


class Receiver(Protocol):
    """Somewhere people read. Must not retry by itself: the delivery decides when a row goes again."""

    async def send(self, alert: Alert) -> Receipt:
        """Send one alert. Raises ReceiverError."""
        ...

    async def probe(self) -> str:
        """Check credentials and address without posting; return one line for the operator. Raises ReceiverError."""
        ...


class ReceiverSettings(Settings):
    """The keys that every receiver has."""

    name: Name
    was: Name | None = Field(default=None, description="the former name, so that a rename loses no state")
    base_url: str | None = Field(default=None, description="replaces scheme, host, port and an optional prefix")
    retry_for: Duration = Field(default=timedelta(days=3), description="how long transient failures are retried")

    pace: ClassVar[float] = 0.0  # least seconds between two messages of this channel

    @property
    def recipients(self) -> tuple[str, ...]:
        """One alert row is owed to each."""
        return ("",)
