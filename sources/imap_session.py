"""One connection to a mail server, with the standard library's blocking client: opened, asked, closed, in one thread.

RFC 3501 and 9051 (IMAP), 5530 (response codes), 2152 and 3501 section 5.1.3 (names of mailboxes). Mailboxes are opened
by EXAMINE and mails asked for by BODY.PEEK, so that nothing is marked as read.
"""

from __future__ import annotations

import base64
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

from sources.base import BACKOFF_LONG, BACKOFF_SHORT, SourceError

if TYPE_CHECKING:
    import imaplib

SECONDS = 20.0  # for each answer
LARGEST = 2**20  # bytes of one mail that are read
WINDOW = 10_000  # UIDs that one search covers at first, since an answer has one line
PASSING = ("UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG")  # codes of refusals that pass by themselves
PORTS = {"tls": 993, "starttls": 143, "none": 143}
Tls = Literal["tls", "starttls", "none"]
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CODE = re.compile(r"\[([A-Z-]+)")


@dataclass(frozen=True, slots=True)
class Account:
    """Where and as whom to log in."""

    host: str
    port: int
    tls: Tls
    username: str
    password: str

    @property
    def place(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Fetched:
    """One mail as the server holds it; `content` ends after LARGEST bytes, `size` is that of all of it."""

    uid: int
    content: bytes
    size: int
    received: str  # INTERNALDATE


@dataclass(frozen=True, slots=True)
class Found:
    """UIDs in their order, and whether there are more of them."""

    uids: tuple[int, ...]
    more: bool


class Session:
    """A connection. All but `abandon` block; they raise SourceError."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._client: imaplib.IMAP4 | None = None

    def abandon(self) -> None:
        """End whatever is under way, from any thread."""
        if self._client is not None:
            with suppress(OSError):
                self._client.socket().shutdown(socket.SHUT_RDWR)

    @contextmanager
    def open(self, mailbox: str) -> Iterator[Mailbox]:
        """The mailbox, to read only; logged out at the end."""
        with _told(self._account.place):
            client = self._client = _connect(self._account)
            try:
                if self._account.tls == "starttls":
                    _encrypt(client, self._account)
                _log_in(client, self._account)
                yield _examine(client, mailbox, self._account.place)
                with suppress(Exception):  # what was read is read, however the server says goodbye
                    client.logout()
            finally:
                with suppress(OSError):
                    client.shutdown()


@contextmanager
def _told(place: str) -> Iterator[None]:
    """Make a SourceError of whatever the client throws."""
    import imaplib

    try:
        yield
    except SourceError:
        raise
    except ssl.SSLCertVerificationError as error:
        message = f"{place}: the certificate is not valid: {error.verify_message}"
        raise SourceError(message, backoff_limit=BACKOFF_LONG) from error
    except socket.gaierror as error:
        raise SourceError(f"{place}: the name cannot be resolved", backoff_limit=BACKOFF_LONG) from error
    except TimeoutError as error:
        raise SourceError(f"{place}: no answer in time") from error
    except (OSError, imaplib.IMAP4.abort) as error:
        raise SourceError(f"{place}: the connection failed: {_one_line(error)}") from error
    except Exception as error:  # whatever else the library makes of what a server says
        raise SourceError(f"{place}: {_one_line(error)}", backoff_limit=BACKOFF_LONG) from error


def _one_line(error: BaseException | str) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


def _connect(account: Account) -> imaplib.IMAP4:
    import imaplib

    if account.tls == "tls":
        return imaplib.IMAP4_SSL(account.host, account.port, ssl_context=ssl.create_default_context(), timeout=SECONDS)
    return imaplib.IMAP4(account.host, account.port, timeout=SECONDS)


def _encrypt(client: imaplib.IMAP4, account: Account) -> None:
    if "STARTTLS" not in client.capabilities:
        raise SourceError(f"{account.place}: has no STARTTLS", backoff_limit=BACKOFF_LONG)
    client.starttls(ssl.create_default_context())


def _log_in(client: imaplib.IMAP4, account: Account) -> None:
    import imaplib

    if "LOGINDISABLED" in client.capabilities:
        raise SourceError(f"{account.place}: takes no password without TLS", backoff_limit=BACKOFF_LONG)
    try:
        if "AUTH=PLAIN" in client.capabilities:
            said = f"\0{account.username}\0{account.password}".encode()
            client.authenticate("PLAIN", lambda _: said)
        else:
            client.login(_quoted(account.username), account.password)
    except imaplib.IMAP4.abort:
        raise
    except (imaplib.IMAP4.error, UnicodeError) as error:
        raise _login_refused(account, _one_line(error)) from error


def _login_refused(account: Account, said: str) -> SourceError:
    said = said.replace(account.password, "***") if account.password else said
    code = _CODE.search(said)
    passes = (code is not None and code[1] in PASSING) or "too many" in said.lower()
    message = f"{account.place}: the login of {account.username} is refused: {said}"
    return SourceError(message, permanent=not passes, backoff_limit=BACKOFF_SHORT if passes else BACKOFF_LONG)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def encoded_name(mailbox: str) -> str:
    """A mailbox's name in modified UTF-7."""

    def shifted(match: re.Match[str]) -> str:
        code = base64.b64encode(match[0].encode("utf-16-be")).rstrip(b"=").replace(b"/", b",")
        return f"&{code.decode()}-"

    return re.sub(r"[^\x20-\x7e]+", shifted, mailbox.replace("&", "&-"))


def _examine(client: imaplib.IMAP4, mailbox: str, place: str) -> Mailbox:
    status, answer = client.select(_quoted(encoded_name(mailbox)), readonly=True)
    if status != "OK":
        said = b" ".join(part for part in answer if isinstance(part, bytes)).decode("utf-8", "replace")
        raise SourceError(f"{place}: {mailbox}: {_one_line(said)}", backoff_limit=BACKOFF_LONG)
    validity = _number(client, "UIDVALIDITY")
    if validity is None:
        raise SourceError(f"{place}: {mailbox} has no lasting numbers (UIDVALIDITY)", backoff_limit=BACKOFF_LONG)
    exists = _first_number(answer[0] or b"")
    return Mailbox(client, uidvalidity=validity, uidnext=_number(client, "UIDNEXT"), exists=exists or 0)


def _number(client: imaplib.IMAP4, name: str) -> int | None:
    _, answer = client.response(name)
    return _first_number(answer[-1] or b"") if answer else None


def _first_number(said: bytes) -> int | None:
    digits = re.search(rb"\d{1,10}", said)
    return int(digits[0]) if digits else None


class Mailbox:
    """An open mailbox. `uidnext` is the UID that the next mail gets, None where the server does not say."""

    def __init__(self, client: imaplib.IMAP4, *, uidvalidity: int, uidnext: int | None, exists: int) -> None:
        self._client = client
        self.uidvalidity = uidvalidity
        self.uidnext = uidnext
        self.exists = exists

    def find(self, after: int, since: date | None, most: int) -> Found:
        """The next UIDs above `after`, of mails that came on `since` or later."""
        low, width = after + 1, WINDOW
        while True:
            high = low + width - 1
            is_last = self.uidnext is None or high >= self.uidnext - 1
            # `n:*` names the last mail even where its UID is below n
            uids = sorted(uid for uid in self._search(low, None if is_last else high, since) if uid > after)
            if uids or is_last:
                return Found(tuple(uids[:most]), len(uids) > most or not is_last)
            low, width = high + 1, 2 * width

    def _search(self, low: int, high: int | None, since: date | None) -> set[int]:
        wanted = ["UID", f"{low}:{high or '*'}"]
        wanted += [] if since is None else ["SINCE", f"{since.day}-{_MONTHS[since.month - 1]}-{since.year}"]
        status, lines = self._client.uid("SEARCH", *wanted)
        if status != "OK":
            raise SourceError(f"the search is refused: {_one_line(str(lines))}", backoff_limit=BACKOFF_LONG)
        return {int(uid) for line in lines if isinstance(line, bytes) for uid in line.split() if uid.isdigit()}

    def fetch(self, uid: int) -> Fetched | None:
        """The mail; None where it is gone meanwhile."""
        wanted = f"(UID RFC822.SIZE INTERNALDATE BODY.PEEK[]<0.{LARGEST}>)"
        status, parts = self._client.uid("FETCH", str(uid), wanted)
        if status != "OK":
            raise SourceError(f"the mail {uid} is refused: {_one_line(str(parts))}", backoff_limit=BACKOFF_LONG)
        for number, part in enumerate(parts):
            if isinstance(part, tuple) and re.search(rb"BODY\[\]", part[0], re.IGNORECASE):
                following = parts[number + 1] if number + 1 < len(parts) else b""
                said = part[0] + (following if isinstance(following, bytes) else b"")
                if _after(rb"UID", said) in (uid, None):
                    return Fetched(uid, part[1][:LARGEST], _after(rb"RFC822\.SIZE", said) or 0, _received(said))
        return None


def _after(name: bytes, said: bytes) -> int | None:
    found = re.search(rb"\b" + name + rb" (\d{1,10})", said, re.IGNORECASE)
    return int(found[1]) if found else None


def _received(said: bytes) -> str:
    found = re.search(rb'INTERNALDATE "([^"]{1,40})"', said, re.IGNORECASE)
    return found[1].decode("ascii", "replace") if found else ""
