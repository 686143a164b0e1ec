"""A real SMTP server on loopback (aiosmtpd) that replies what the test tells it to; STARTTLS and TLS where wanted."""

from __future__ import annotations

import asyncio
import email
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Literal

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "mentiond", "correct horse"


@dataclass(frozen=True, slots=True)
class Mail:
    """One message that was taken."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage
    raw: bytes
    is_encrypted: bool
    is_logged_in: bool


@dataclass(slots=True)
class SmtpServer:
    """`rcpt["a@b.c"] = "550 no such user"` and `data["a@b.c"] = ...` reply so; without an entry all is taken.

    As a reply to DATA, `drop` takes the message and cuts the connection, `hang` takes it and never answers.
    """

    host: str = "127.0.0.1"
    port: int = 0
    mails: list[Mail] = field(default_factory=list)
    rcpt: dict[str, str] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)
    mail_from: str = ""  # the reply to MAIL, where not empty
    connections: int = 0

    async def handle_MAIL(  # noqa: N802, aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.mail_from:
            return self.mail_from
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802, aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.rcpt:
            return self.rcpt[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802, as above
        reply = self.data.get(envelope.rcpt_tos[0], "250 OK")
        if reply in ("drop", "hang") or reply.startswith("250"):
            self._take(server, session, envelope)
        if reply == "drop":
            _abort(server)
        if reply == "hang":
            await asyncio.Event().wait()
        return reply

    def _take(self, server: SMTP, session: Session, envelope: Envelope) -> None:
        raw = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        message = email.message_from_bytes(raw, policy=default)
        assert isinstance(message, EmailMessage)
        self.mails.append(
            Mail(
                envelope.mail_from or "",
                tuple(envelope.rcpt_tos),
                message,
                raw,
                is_encrypted=bool(server.transport and server.transport.get_extra_info("sslcontext")),
                is_logged_in=bool(session.authenticated),
            )
        )


def _abort(server: SMTP) -> None:
    if isinstance(server.transport, asyncio.WriteTransport):
        server.transport.abort()


def readable(message: EmailMessage) -> str:
    """Subject and bodies, decoded."""
    bodies = [part.get_content() for part in message.walk() if part.get_content_maintype() == "text"]
    return "\n".join([str(message["Subject"]), *bodies])


def _authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: object) -> AuthResult:
    wanted = LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=login == wanted, handled=False)


@asynccontextmanager
async def serve_smtp(
    *,
    port: int = 0,
    tls: Literal["none", "starttls", "tls"] = "none",
    certificate: Path | None = None,
    has_login: bool = False,
) -> AsyncIterator[SmtpServer]:
    """An SmtpServer on a loopback port. `certificate` as `make_certificate` writes it, needed for both kinds of TLS."""
    context = _context(certificate) if certificate else None
    served = SmtpServer()
    sessions: list[SMTP] = []

    def connect() -> SMTP:
        served.connections += 1
        smtp = SMTP(
            served,
            hostname="mail.test",
            tls_context=context if tls == "starttls" else None,
            authenticator=_authenticate if has_login else None,
            auth_required=has_login,
            auth_require_tls=tls == "starttls",
            data_size_limit=None,
        )
        sessions.append(smtp)
        return smtp

    server = await asyncio.get_running_loop().create_server(
        connect, served.host, port, ssl=context if tls == "tls" else None
    )
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()
        for smtp in sessions:
            _abort(smtp)
        await asyncio.sleep(0)


def _context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def make_certificate(folder: Path) -> Path:
    """A self-signed certificate with its key for 127.0.0.1 and localhost; trust it with SSL_CERT_FILE."""
    file, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
        f" -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout {key} -out {file}".split(),
        check=True,
        capture_output=True,
    )
    file.write_text(file.read_text() + key.read_text())
    return file
