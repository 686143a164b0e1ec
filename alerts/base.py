"""The contract of every receiver: one alert in, one receipt out, errors that say what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Protocol, runtime_checkable

from pydantic import Field

from alerts.storm import StormBrake
from rules.base import Label, Mention, Sentiment
from sources.base import Duration, Name, Pushed, Settings


class Reason(StrEnum):
    """Why an alert is owed."""

    FIRST = "first"  # a mention, or a group of them, that this receiver has not heard of
    EDITED = "edited"  # an edit brought a watchlist or a label that was never there
    ESCALATION = "escalation"  # nobody has taken the case on in time; n is the step, from 1
    REPEAT = "repeat"  # the case is still open after repeat_interval; n counts from 1
    WARNING = "warning"  # the SLA of the case is about to be broken (n odd) or is broken (n even)
    DIGEST = "digest"  # one summary of what was held back or gathered
    UPDATE = "update"  # what a message already sent shows has changed: it is edited in place
    NOTICE = "notice"  # something that the operator must know: a source or a channel was switched off


class CaseState(StrEnum):
    """Where a case stands."""

    NEW = "new"
    CLAIMED = "claimed"
    ANSWERED = "answered"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """One line of a case's history. `through`: cli, slack, mail, source (the brand answered there) or mentiond."""

    at: datetime
    by: str
    through: str
    action: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class EarlierCase:
    """A case of the same person or thread."""

    mention_id: int
    opened_at: datetime
    state: CaseState
    owner: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseView:
    """The human side of a mention, as people are shown it."""

    mention_id: int
    state: CaseState
    owner: str | None
    changed_at: datetime
    opened_at: datetime
    is_direct: bool  # addressed to the brand, not only about it
    priority: int  # 0-100, higher first
    due_at: datetime | None = None  # first response within the SLA
    responded_at: datetime | None = None
    snoozed_until: datetime | None = None
    tags: tuple[str, ...] = ()
    events: tuple[CaseEvent, ...] = ()  # oldest first, the last EVENTS_SHOWN
    earlier: tuple[EarlierCase, ...] = ()  # newest first, the last EARLIER_SHOWN
    earlier_count: int = 0  # all of them
    earlier_by_person: int = 0  # those that the same person began
    earlier_since: datetime | None = None  # the oldest of these

    @property
    def is_open(self) -> bool:
        return self.state in (CaseState.NEW, CaseState.CLAIMED)


EVENTS_SHOWN = 10
EARLIER_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Sighting:
    """A copy of a post elsewhere."""

    source: str
    url: str | None
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the guidelines say to a mention: a reply to start from ("" for none) and advice ("" for none)."""

    reply: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """What is known around one mention of an alert."""

    case: CaseView | None = None
    copies: tuple[Sighting, ...] = ()
    proposal: Proposal = Proposal()


@dataclass(frozen=True, slots=True)
class GroupView:
    """What the mentions of a group alert have in common."""

    id: int
    labels: tuple[tuple[str, str], ...]  # such as ("watchlist", "acme"), in the order of group_by
    is_storm: bool  # made by the storm brake
    is_closed: bool  # no further mention joins it


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of a team, with where receivers find them."""

    name: str
    slack: str | None = None  # user id
    mail: str | None = None


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
    contexts: Mapping[int, Context] = field(default_factory=dict)  # by mention id
    group: GroupView | None = None  # of a group or storm message
    called: tuple[Member, ...] = ()  # who is called by an escalation, a warning
    reference: str = ""  # of the message that this one updates or belongs under; "" where there is none
    revision: int = 0  # of what it shows: of two updates of one message, the higher one is the later

    @property
    def context(self) -> Context:
        """That of the first mention."""
        return self.contexts.get(self.mentions[0].id, Context()) if self.mentions else Context()

    @property
    def is_gathered(self) -> bool:
        """Whether this digest is one that the receiver asked for, and not what a first pass held back."""
        return self.key.startswith(GATHERED)


GATHERED = "digest:"  # how the subjects of digests begin that a receiver asked for
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


@runtime_checkable
class Updatable(Protocol):
    """A receiver whose messages can be edited in place."""

    async def update(self, alert: Alert) -> Receipt:
        """Render the message with `alert.reference` anew. Raises ReceiverError."""
        ...


class ActionKind(StrEnum):
    """What somebody does with a case."""

    CLAIM = "claim"
    ANSWER = "answer"
    DISMISS = "dismiss"
    REOPEN = "reopen"
    NOTE = "note"
    TAG = "tag"
    SNOOZE = "snooze"  # until `until`: nobody is called before, then the case speaks up again
    CORRECT = "correct"  # what the mention really was: `labels`, `sentiment`
    MUTE_AUTHOR = "mute_author"  # nothing of this author alerts any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Somebody's press of a button, command or link."""

    kind: ActionKind
    mention_ids: tuple[int, ...]
    by: str  # a name as people know it: of a team's member where the receiver's user is one
    through: str  # cli, slack, mail
    key: str = ""  # of this very press: the same one twice is taken once; "" where nothing can come twice
    note: str = ""
    tags: tuple[str, ...] = ()
    until: datetime | None = None
    labels: tuple[Label, ...] | None = None
    sentiment: Sentiment | None = None


class ActionRefusedError(Exception):
    """An action cannot be done; the message tells whoever pressed, such as "Kim has it since 14:02"."""


@dataclass(frozen=True, slots=True)
class Found:
    """A mention with its case, as a search lists it."""

    mention: Mention
    case: CaseView


class Desk(Protocol):
    """Where people's actions go; implemented by monitor."""

    async def act(self, action: Action) -> tuple[CaseView, ...]:
        """Take the action; the cases as they are then. A repeated key changes nothing. Raises ActionRefusedError."""
        ...

    async def look(self, mention_id: int) -> Found | None:
        """The mention as it stands; None: unknown or deleted at its source."""
        ...

    async def members_of(self, group_id: int) -> tuple[int, ...]:
        """The mentions of a group, oldest first."""
        ...

    async def search(self, query: str, limit: int) -> tuple[Found, ...]:
        """Newest first what the query (design: query language) finds among stored mentions, within a bound of them.
        Raises ActionRefusedError for what is no query."""
        ...

    async def silence(self, matchers: Sequence[str], until: datetime, by: str, comment: str) -> int:
        """Silence what matches; its number. Raises ActionRefusedError for what is no matcher."""
        ...

    async def on_call(self) -> Mapping[str, tuple[Member, ...]]:
        """By team who is on call now."""
        ...

    def member(self, slack: str) -> Member | None:
        """The member with this Slack user id."""
        ...


@runtime_checkable
class Listener(Protocol):
    """A receiver through which people answer back over a connection that it keeps open itself."""

    async def listen(self, desk: Desk) -> None:
        """Take actions until cancelled, connecting again as often as it takes. Raises ReceiverError where it cannot."""
        ...


@runtime_checkable
class Answerable(Protocol):
    """A receiver to which actions are pushed over HTTP, at /receivers/NAME."""

    async def answer(self, pushed: Pushed, desk: Desk) -> Answer:
        """Take what was pushed, its signature first. Never raises for what strangers send."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What the HTTP server answers."""

    status: int = 200
    body: str = ""
    content_type: str = "text/plain"


class ReceiverSettings(Settings):
    """The keys that every receiver has."""

    name: Name
    was: Name | None = Field(default=None, description="the former name, so that a rename loses no state")
    base_url: str | None = Field(default=None, description="replaces scheme, host, port and an optional prefix")
    retry_for: Duration = Field(default=timedelta(days=3), description="how long transient failures are retried")
    fallback: Name | None = Field(
        default=None, description="who hears while this one is stopped; none: nobody; left out: the root's receiver"
    )
    storm: StormBrake = Field(default=None, description="messages per watchlist before one takes all further ones")
    show_personal: bool = Field(default=False, description="show phone numbers, mail addresses, IBANs, order numbers")

    pace: ClassVar[float] = 0.0  # least seconds between two messages of this channel

    @property
    def recipients(self) -> tuple[str, ...]:
        """One alert row is owed to each."""
        return ("",)
