"""A small IMAP server on loopback, in a thread of its own: what the source asks for, and what a test makes it say.

The source's client blocks, so that it runs beside the loop of the tests.
"""

from __future__ import annotations

import base64
import re
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

CAPABILITIES = "IMAP4rev1 AUTH=PLAIN SASL-IR"
USER, PASSWORD = "kim@example.com", 'ge"heim ü'


@dataclass(slots=True)
class Stored:
    """A mail in a mailbox."""

    uid: int
    content: bytes
    received_at: datetime


@dataclass(slots=True)
class Box:
    """A mailbox; UIDs are given in the order in which mails come."""

    uidvalidity: int = 1
    mails: list[Stored] = field(default_factory=list)
    uidnext: int = 1
    says_uidnext: bool = True

    def add(self, content: bytes, received_at: datetime) -> int:
        self.mails.append(Stored(self.uidnext, content, received_at))
        self.uidnext += 1
        return self.uidnext - 1

    def renumber(self, first: int = 1) -> None:
        """As a server does after a restore: other UIDs, another UIDVALIDITY."""
        self.uidvalidity += 1
        for uid, mail in enumerate(self.mails, first):
            mail.uid = uid
        self.uidnext = first + len(self.mails)


Say = Callable[[str], bytes]  # the tag -> what goes out instead of the answer


@dataclass(slots=True)
class MailServer:
    """`instead["EXAMINE"]` answers that command as a test likes; `asked` has every line but the password."""

    port: int = 0
    capabilities: str = CAPABILITIES
    boxes: dict[str, Box] = field(default_factory=lambda: {"INBOX": Box()})
    instead: dict[str, Say] = field(default_factory=dict)
    greeting: bytes = b"* OK ready\r\n"
    asked: list[str] = field(default_factory=list)
    sessions: int = 0
    close: Callable[[], None] = lambda: None

    @property
    def inbox(self) -> Box:
        return self.boxes["INBOX"]

    @property
    def commands(self) -> list[str]:
        return [line.split(" ")[0] for line in self.asked]


class _Session(socketserver.StreamRequestHandler):
    """One connection."""

    disable_nagle_algorithm = True

    box: Box

    @property
    def served(self) -> MailServer:
        return self.server.served  # type: ignore[attr-defined,no-any-return]  # set by start

    def handle(self) -> None:
        self.served.sessions += 1
        with suppress(OSError, ValueError):  # the client went away
            self._converse()

    def _say(self, *lines: str) -> None:
        self.wfile.write("".join(line + "\r\n" for line in lines).encode())

    def _converse(self) -> None:
        self.wfile.write(self.served.greeting)
        while line := self.rfile.readline().decode().rstrip("\r\n"):
            tag, _, command = line.partition(" ")
            words = command.split(" ")
            name = f"UID {words[1]}".upper() if words[0].upper() == "UID" else words[0].upper()
            self.served.asked.append("LOGIN" if name == "LOGIN" else command)
            if name in self.served.instead:
                self.wfile.write(self.served.instead[name](tag))
            elif not self._answer(tag, name, command):
                return

    def _answer(self, tag: str, name: str, command: str) -> bool:
        match name:
            case "CAPABILITY":
                self._say(f"* CAPABILITY {self.served.capabilities}", f"{tag} OK done")
            case "AUTHENTICATE":
                self._say("+ ")
                said = base64.b64decode(self.rfile.readline()).decode().split("\0")
                self._let_in(tag, said[1:] == [USER, PASSWORD])
            case "LOGIN":
                self._let_in(tag, command.endswith('"ge\\"heim"'))
            case "EXAMINE":
                self._examine(tag, command.partition(" ")[2].strip('"'))
            case "UID SEARCH":
                found = " ".join(str(mail.uid) for mail in self._search(command))
                self._say(f"* SEARCH {found}".rstrip(), f"{tag} OK done")
            case "UID FETCH":
                self._fetch(tag, command)
            case "LOGOUT":
                self._say("* BYE see you", f"{tag} OK done")
                return False
            case _:
                self._say(f"{tag} BAD what is {name}")
        return True

    def _let_in(self, tag: str, is_known: bool) -> None:
        self._say(f"{tag} OK welcome" if is_known else f"{tag} NO [AUTHENTICATIONFAILED] wrong password")

    def _examine(self, tag: str, name: str) -> None:
        box = self.served.boxes.get(name)
        if box is None:
            self._say(f"{tag} NO [NONEXISTENT] no mailbox {name}")
            return
        self.box = box
        self._say(f"* {len(box.mails)} EXISTS", f"* OK [UIDVALIDITY {box.uidvalidity}] yes")
        if box.says_uidnext:
            self._say(f"* OK [UIDNEXT {box.uidnext}] yes")
        self._say(f"{tag} OK [READ-ONLY] done")

    def _search(self, command: str) -> Iterator[Stored]:
        low, high = re.findall(r"UID (\d+):(\d+|\*)", command)[0]
        last = max((mail.uid for mail in self.box.mails), default=0)
        bounds = sorted((int(low), last if high == "*" else int(high)))
        since = re.search(r"SINCE (\S+)", command)
        day = datetime.strptime(since[1], "%d-%b-%Y").replace(tzinfo=UTC) if since else None
        for mail in self.box.mails:
            if bounds[0] <= mail.uid <= bounds[1] and (day is None or mail.received_at >= day):
                yield mail

    def _fetch(self, tag: str, command: str) -> None:
        uid = int(command.split(" ")[2])
        limit = int(re.findall(r"<0\.(\d+)>", command)[0])
        for number, mail in enumerate(self.box.mails, 1):
            if mail.uid == uid:
                stamp = f"{mail.received_at:%d-%b-%Y %H:%M:%S +0000}"
                body = mail.content[:limit]
                head = f"* {number} FETCH (UID {uid} RFC822.SIZE {len(mail.content)} "
                self._say("* 1 FETCH (UID 99999 FLAGS (\\Seen))")  # unasked for, as servers do
                self.wfile.write(
                    f'{head}INTERNALDATE "{stamp}" BODY[]<0> {{{len(body)}}}\r\n'.encode() + body + b")\r\n"
                )
        self._say(f"{tag} OK done")


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    served: MailServer

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that breaks off is what some tests are about."""


def start(context: ssl.SSLContext | None = None) -> MailServer:
    """Listen on a free port until `close`."""
    server = _Server(("127.0.0.1", 0), _Session)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.served = served = MailServer(port=server.server_address[1])
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close() -> None:
        server.shutdown()
        server.server_close()

    served.close = close
    return served


@contextmanager
def serve_imap(context: ssl.SSLContext | None = None) -> Iterator[MailServer]:
    """A mail server for one test."""
    served = start(context)
    try:
        yield served
    finally:
        served.close()
