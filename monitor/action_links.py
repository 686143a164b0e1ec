"""Signed links: what a mail lets its reader look at and do, without a login.

A token carries what it is good for, for whom and until when, and is signed with a key that this installation made once.
Nothing is stored when it is made; that it was used shows in the history of the case, by the key of the press.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import ActionKind, Alert, Reason
from monitor.schema import case_events, insert_new, installation
from sources.base import JSON

LASTS: Final = timedelta(days=30)  # a link, from when its alert was made
LONGEST: Final = 2000  # characters of a token
LOOK: Final = "look"  # the page of a mention, no action
OFFERED: Final = (ActionKind.CLAIM, ActionKind.ANSWER, ActionKind.DISMISS, ActionKind.SNOOZE)
OFFERED_FOR_GROUPS: Final = (ActionKind.CLAIM, ActionKind.DISMISS)

_KEY: Final = "link_key"
_DOMAIN: Final = b"mentiond link 1\0"  # nothing else that this key may ever sign looks like a link
_SECRET_BYTES: Final = 32
_ABOUT_MENTION, _ABOUT_GROUP = "m", "g"


class LinkError(Exception):
    """A token that opens nothing. `is_expired`: it is ours, and it is too old."""

    def __init__(self, message: str, *, is_expired: bool = False) -> None:
        super().__init__(message)
        self.is_expired = is_expired


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What a token is good for."""

    purpose: str  # LOOK, or the value of an ActionKind
    receiver: str  # whose keys say how the page speaks
    recipient: str  # the address that it was sent to
    expires_at: datetime
    nonce: str  # of this very button of this very message
    mention_id: int | None = None
    group_id: int | None = None  # of an action on all mentions of a group

    @property
    def key(self) -> str:
        """Of the press: whoever presses twice, by this link, is taken once."""
        return f"mail:{self.nonce}"


def load_key(connection: Connection) -> bytes:
    """The key of this installation, made when it is first asked for; in a transaction."""
    fresh = secrets.token_hex(_SECRET_BYTES)
    connection.execute(insert_new(connection, installation), [{"key": _KEY, "value": fresh}])
    kept = connection.scalar(sa.select(installation.c.value).where(installation.c.key == _KEY))
    return bytes.fromhex(str(kept))


def was_pressed(connection: Connection, mention_id: int, key: str) -> bool:
    """Whether this press is in the history of the case already."""
    same = sa.and_(case_events.c.mention_id == mention_id, case_events.c.key == key)
    return connection.scalar(sa.select(case_events.c.id).where(same).limit(1)) is not None


@dataclass(frozen=True, slots=True)
class Signer:
    """Makes and reads tokens."""

    key: bytes

    def sign(self, ticket: Ticket) -> str:
        """The token: characters that no mail program breaks or escapes."""
        about = (_ABOUT_MENTION, ticket.mention_id) if ticket.group_id is None else (_ABOUT_GROUP, ticket.group_id)
        expires = int(ticket.expires_at.timestamp())
        content = [ticket.purpose, *about, ticket.receiver, ticket.recipient, expires, ticket.nonce]
        payload = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
        return f"{_encode(payload)}.{_encode(self._signature(payload))}"

    def read(self, token: str, now: datetime) -> Ticket:
        """What the token is good for. Raises LinkError."""
        payload = self._verified(token)
        purpose, about, number, receiver, recipient, expires, nonce = json.loads(payload)
        expires_at = datetime.fromtimestamp(expires, UTC)
        if expires_at <= now:
            raise LinkError("the link has expired", is_expired=True)
        return Ticket(
            purpose=purpose,
            receiver=receiver,
            recipient=recipient,
            expires_at=expires_at,
            nonce=nonce,
            mention_id=number if about == _ABOUT_MENTION else None,
            group_id=number if about == _ABOUT_GROUP else None,
        )

    def nonce(self, *parts: JSON) -> str:
        """The same for the same parts, so that a message sent again has the same links; nobody else can guess it."""
        return _encode(self._signature(json.dumps(["nonce", *parts]).encode()))[:16]

    def _verified(self, token: str) -> bytes:
        """The signed bytes; nothing is read of them before the signature is known to be ours."""
        try:
            payload, signature = map(_decode, token.split("."))
        except ValueError as error:
            raise LinkError("not a link of ours") from error
        if len(token) > LONGEST or not hmac.compare_digest(signature, self._signature(payload)):
            raise LinkError("not a link of ours")
        return payload

    def _signature(self, payload: bytes) -> bytes:
        return hmac.new(self.key, _DOMAIN + payload, hashlib.sha256).digest()


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    """Raises ValueError, for non-ASCII and foreign characters too."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("no base64") from error


@dataclass(frozen=True, slots=True)
class SignedLinks:
    """`alerts.links.Links` for an installation that is reached at `public_url`."""

    signer: Signer
    public_url: str

    def page(self, alert: Alert, mention_id: int) -> str:
        nonce = self.signer.nonce(alert.key, mention_id, LOOK)
        return f"{self.public_url}/mentions/{mention_id}/{self._token(alert, LOOK, nonce, mention_id)}"

    def action(self, alert: Alert, kind: ActionKind) -> str:
        if not alert.mentions or alert.reason in (Reason.DIGEST, Reason.NOTICE):
            return ""
        if kind not in (OFFERED_FOR_GROUPS if alert.count > 1 else OFFERED) or not _is_open(alert):
            return ""
        nonce = self.signer.nonce(alert.key, kind)
        return f"{self.public_url}/actions/{self._token(alert, kind, nonce, alert.mentions[0].id)}"

    def _token(self, alert: Alert, purpose: str, nonce: str, mention_id: int) -> str:
        is_for_all = purpose != LOOK and alert.count > 1
        ticket = Ticket(
            purpose=purpose,
            receiver=alert.receiver,
            recipient=alert.recipient,
            expires_at=alert.created_at + LASTS,
            nonce=nonce,
            mention_id=None if is_for_all else mention_id,
            group_id=alert.group.id if is_for_all and alert.group else None,
        )
        return self.signer.sign(ticket)


def _is_open(alert: Alert) -> bool:
    """Whether there is anything left to do."""
    if alert.count > 1:
        return alert.group is not None
    return alert.context.case is None or alert.context.case.is_open
