"""Mailboxes over IMAP: every mail once, none marked as read.

The place in a mailbox is (UIDVALIDITY, UID): UIDs rise, so that a pass reads what is above the last. Where UIDVALIDITY
has changed the numbers mean nothing, and what came lately is read again; identity is the Message-ID, so that nothing is
new twice.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator

from sources.base import Clock, Cursor, Page, Post, PostKind, SourceError, SourceSettings
from sources.daemon_thread import in_daemon_thread
from sources.dates import published
from sources.feed_entry import language
from sources.feed_identity import canonical_link, digest, stable_id
from sources.google_alerts import SENDER, Result, unpack
from sources.imap_session import LARGEST, PORTS, Account, Fetched, Found, Mailbox, Session, Tls
from sources.mail import Mail, read_mail
from sources.shape import text as text_of
from sources.shape import whole

PAGE = 50  # mails
DEADLINE = 90.0  # seconds for one page
PATIENCE = timedelta(seconds=30)  # after which it ends with the mails that it has
RESCAN = timedelta(days=28)  # before the last pass; what is older may be forgotten, and would be new again

MailboxName = Annotated[str, Field(min_length=1, pattern=r"^[^\r\n\x00]+$")]


class ImapSettings(SourceSettings):
    """Mailboxes of one account; each is a part of its own."""

    type: Literal["imap"]
    host: str = Field(description="the mail server", pattern=r"^\S+$")
    port: int | None = Field(None, ge=1, le=65535, description="default 993, for starttls and none 143")
    tls: Tls = Field("tls", description="tls and starttls never fall back to plain text")
    username: str = Field(min_length=1, description="the account")
    password: SecretStr = Field(min_length=1, description="its password, or one for this application")
    mailboxes: tuple[MailboxName, ...] = Field(("INBOX",), min_length=1, description="the folders that are read")

    @field_validator("base_url")
    @classmethod
    def _has_no_base_url(cls, value: str | None) -> None:
        if value is not None:
            raise ValueError("the mail server is host and port: leave base_url out")

    @property
    def account(self) -> Account:
        """Where and as whom to log in."""
        port = self.port or PORTS[self.tls]
        return Account(self.host, port, self.tls, self.username, self.password.get_secret_value())


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The cursor. `since` bounds a pass that begins anew; `read_at` is when the last one ended."""

    uidvalidity: int
    uid: int = 0
    since: date | None = None
    read_at: datetime | None = None

    def cursor(self) -> Cursor:
        cursor: Cursor = {"uidvalidity": self.uidvalidity, "uid": self.uid}
        cursor |= {} if self.since is None else {"since": self.since.isoformat()}
        return cursor | ({} if self.read_at is None else {"read_at": self.read_at.isoformat()})


class ImapSource:
    """One mailbox. Each page has a connection of its own, in a thread that is left behind where it hangs."""

    overlap = timedelta(0)

    def __init__(self, config: ImapSettings, mailbox: str, clock: Clock) -> None:
        self._name = config.name
        self._account = config.account
        self._backlog = None if config.backlog == "all" else config.backlog
        self._mailbox = mailbox
        self._clock = clock

    async def fetch(self, cursor: Cursor) -> Page:
        session = Session(self._account)
        work = in_daemon_thread(partial(self._read, session, cursor, self._clock()), "imap")
        try:
            async with asyncio.timeout(DEADLINE):
                return await asyncio.wrap_future(work)
        except TimeoutError as error:
            raise SourceError(f"{self._account.place}: a page took longer than {DEADLINE:.0f} s") from error
        finally:
            session.abandon()

    async def probe(self) -> str:
        session = Session(self._account)
        try:
            async with asyncio.timeout(DEADLINE):
                return await asyncio.wrap_future(in_daemon_thread(partial(self._count, session), "imap"))
        finally:
            session.abandon()

    def _count(self, session: Session) -> str:
        with session.open(self._mailbox) as box:
            return f"{self._mailbox}: {box.exists:,} mails"

    def _read(self, session: Session, cursor: Cursor, now: datetime) -> Page:
        with session.open(self._mailbox) as box:
            place, notices = self._place(cursor, box, now)
            found = box.find(place.uid, place.since, PAGE)
            fetched, found = self._fetch(box, found, now)
            after = self._after(place, box, found, now)
        posts, remarks = _posts(fetched, self._name, now)
        return Page(
            posts=tuple(sorted(posts, key=lambda post: post.published_at)),
            cursor=after.cursor(),
            more=found.more,
            body=bool(fetched),
            notices=(*notices, *remarks),
        )

    def _place(self, cursor: Cursor, box: Mailbox, now: datetime) -> tuple[Place, list[str]]:
        """Where to go on, with a remark where the numbers have lost their meaning."""
        validity, since = whole(cursor, "uidvalidity"), text_of(cursor, "since")
        begin = date.fromisoformat(since) if since else None
        read_at = datetime.fromisoformat(stamp) if (stamp := text_of(cursor, "read_at")) else None
        if validity == box.uidvalidity:
            uid = whole(cursor, "uid") or 0
            return Place(uidvalidity=validity, uid=uid, since=begin, read_at=read_at), []
        if read_at is not None:
            begin = (read_at - RESCAN).date()
        elif begin is None and self._backlog is not None:
            begin = _day_before(now - self._backlog)
        anew = f"{self._mailbox} was numbered anew: read again from {begin or 'its beginning'}"
        return Place(uidvalidity=box.uidvalidity, since=begin, read_at=read_at), [] if validity is None else [anew]

    def _fetch(self, box: Mailbox, found: Found, begun: datetime) -> tuple[list[Fetched], Found]:
        """The mails, and what was read of what was found: over a slow line a page ends early."""
        mails: list[Fetched | None] = []
        for uid in found.uids:
            if mails and self._clock() - begun > PATIENCE:
                return [mail for mail in mails if mail], Found(found.uids[: len(mails)], more=True)
            mails.append(box.fetch(uid))
        return [mail for mail in mails if mail], found

    def _after(self, place: Place, box: Mailbox, found: Found, now: datetime) -> Place:
        last = found.uids[-1] if found.uids else place.uid
        if found.more:
            return replace(place, uid=last)
        if place.since is None or box.uidnext is None:  # without UIDNEXT nobody knows what the days before hold
            return replace(place, uid=last, read_at=now)
        return replace(place, uid=max(last, box.uidnext - 1), since=None, read_at=now)


def _day_before(moment: datetime) -> date:
    """SINCE counts days in the server's own zone."""
    return max(moment, datetime.min.replace(tzinfo=UTC) + timedelta(days=2)).date() - timedelta(days=1)


def _posts(fetched: list[Fetched], source: str, now: datetime) -> tuple[list[Post], list[str]]:
    """What the mails are, and remarks on those that are not whole."""
    posts: list[Post] = []
    cut = automatic = packed = 0
    for one in fetched:
        mail = read_mail(one.content)
        cut += one.size > LARGEST
        if mail.is_automatic:
            automatic += 1
            continue
        results = unpack(mail.html) if mail.sender.lower() == SENDER else []
        packed += mail.sender.lower() == SENDER and not results
        made = _message(mail, one, source, now)
        posts += [_result(result, made) for result in results] or [made]
    remarks = {
        f"of {cut} mails only the first {LARGEST:,} bytes were read": cut,
        f"{automatic} automatic answers and bounces were left out": automatic,
        f"{packed} mails of Google Alerts could not be taken apart and are one post each": packed,
    }
    return posts, [remark for remark, count in remarks.items() if count]


def _message(mail: Mail, fetched: Fetched, source: str, now: datetime) -> Post:
    received_at, is_stamped = published(fetched.received, now)
    published_at, dated = published(mail.date, received_at)
    ids = [*mail.references, mail.in_reply_to, mail.message_id]
    thread = next(filter(None, ids), "")
    names = "".join(f"\nAttachment: {name}" for name in mail.attachments)
    return Post(
        source=source,
        external_id=_identity(mail),
        title=mail.subject,
        text=f"{mail.text}{names}".strip(),
        author=mail.sender or None,
        kind=PostKind.MESSAGE,
        thread=stable_id(thread) if thread else None,
        parent=stable_id(mail.in_reply_to) if mail.in_reply_to else None,
        lang=language(mail.language.split(",")[0]),
        published_at=published_at,
        published_raw=mail.date or None,
        dated=dated or is_stamped,
        raw=mail.raw,
    )


def _identity(mail: Mail) -> str:
    if mail.message_id:
        return stable_id(mail.message_id)
    return digest("\n".join((mail.sender, mail.date, mail.subject, mail.text)))


def _result(result: Result, mail: Post) -> Post:
    """A page that Google found; the mail says when."""
    return Post(
        source=mail.source,
        external_id=stable_id(canonical_link(result.url)),
        url=result.url,
        title=result.title,
        text=result.text,
        author=result.publisher or None,
        kind=PostKind.ARTICLE,
        published_at=mail.published_at,
        published_raw=mail.published_raw,
        dated=mail.dated,
        raw=result.text,
    )
