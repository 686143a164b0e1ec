"""Mails of the receiver `email` in a real mailbox: delivered to Dovecot, read back over IMAP as a mail program does."""

from __future__ import annotations

import email
import imaplib
import ssl
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import default
from zoneinfo import ZoneInfo

import pytest

from alerts.base import Alert, Reason
from alerts.email import Email
from alerts.email_message import Writer
from alerts.email_settings import EmailSettings, SmtpSettings
from tests.alerts.samples import HOSTILE, NOW, alert, digest, mention, post
from tests.fakes import FixedClock, PlainLinks
from tests.peers.dovecot import NAME, PASSWORD, Dovecot
from tests.smtp_server import serve_smtp

SETTINGS = EmailSettings.model_validate(
    {"name": "pr-mail", "type": "email", "to": [NAME], "from": "mentiond@example.com", "smtp": {"host": "localhost"}}
    | {"lang": "de"}
)
BERLIN = ZoneInfo("Europe/Berlin")
WRITER = Writer(SETTINGS, FixedClock(NOW), BERLIN, PlainLinks())
KEY = "mention:7|pr-mail|kim@example.com|{}|{}"


@pytest.fixture
def mailbox(mail_server: Dovecot) -> Iterator[imaplib.IMAP4_SSL]:
    """The INBOX of the one user, empty."""
    mail_server.doveadm("expunge", "-u", NAME, "mailbox", "INBOX", "all")
    context = ssl.create_default_context(cafile=str(mail_server.authority))
    with imaplib.IMAP4_SSL("127.0.0.1", mail_server.tls, ssl_context=context) as client:
        client.authenticate("PLAIN", lambda _: f"\0{NAME}\0{PASSWORD}".encode())
        yield client


def deliver(server: Dovecot, *owed: Alert) -> list[EmailMessage]:
    written = [WRITER.write(one) for one in owed]
    server.deliver(*(message.as_bytes() for message in written))
    return written


def read(client: imaplib.IMAP4_SSL) -> list[EmailMessage]:
    """Every mail, in the order of its arrival."""
    client.select("INBOX", readonly=True)
    numbers = client.search(None, "ALL")[1][0].split()
    found = []
    for number in numbers:
        content = client.fetch(number.decode(), "(BODY.PEEK[])")[1][0]
        assert isinstance(content, tuple)
        message = email.message_from_bytes(content[1], policy=default)
        assert isinstance(message, EmailMessage)
        found.append(message)
    return found


async def test_what_went_through_smtp_comes_back_with_headers_parts_and_umlauts(
    mail_server: Dovecot, mailbox: imaplib.IMAP4_SSL
) -> None:
    told = mention(post(title="Grüße aus Köln – Acme 💥", text="Straße, naïve, 東京, مرحبا: Acme Phone nervt 👋🏽"))
    async with serve_smtp() as relay:
        smtp = {"host": relay.host, "port": relay.port, "tls": "none"}
        settings = SETTINGS.model_copy(update={"smtp": SmtpSettings.model_validate(smtp)})
        receipt = await Email(settings, FixedClock(NOW), BERLIN, PlainLinks()).send(alert(told))
        mail_server.deliver(relay.mails[0].raw)
    written = WRITER.write(alert(told))
    assert receipt.reference == written["Message-ID"]
    [mail] = read(mailbox)
    assert mail["Subject"] == "Beschwerde über acme (auch Frage) · 92 % · heise: Grüße aus Köln – Acme 💥"
    for name in ("From", "To", "Date", "Message-ID", "References", "Auto-Submitted", "List-Id"):
        assert mail[name] == written[name] is not None
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert not mail.defects and not [defect for part in mail.walk() for defect in part.defects]
    for kind in ("plain", "html"):
        body = mail.get_body((kind,))
        assert body is not None
        assert "Straße, naïve, 東京, مرحبا: " in body.get_content() and "👋🏽" in body.get_content()
        assert body.get_content().replace("\r\n", "\n") == written.get_body((kind,)).get_content()  # type: ignore[union-attr]  # it has both


def test_a_mail_program_shows_the_mails_about_one_mention_as_one_thread(
    mail_server: Dovecot, mailbox: imaplib.IMAP4_SSL
) -> None:
    first = alert(key=KEY.format("first", 0))
    answered = {"reference": str(WRITER.write(first)["Message-ID"])}
    deliver(
        mail_server,
        first,
        alert(mention(post(title="Anderes"), number=8), key="mention:8|pr-mail|k|first|0"),
        alert(key=KEY.format("warning", 1), reason=Reason.WARNING, **answered),
        alert(key=KEY.format("escalation", 1), reason=Reason.ESCALATION, n=1, **answered),
        digest(37),
    )
    mailbox.select("INBOX", readonly=True)
    [threads] = mailbox.thread("REFERENCES", "UTF-8", "ALL")[1]
    assert threads == b"(1 (3)(4))(2)(5)"


def test_a_resend_is_the_same_mail(mail_server: Dovecot, mailbox: imaplib.IMAP4_SSL) -> None:
    deliver(mail_server, alert(), alert(attempt=2, possibly_sent_twice=True))
    assert len({mail["Message-ID"] for mail in read(mailbox)}) == 1


def test_f35_a_hostile_post_adds_no_header_and_no_part(mail_server: Dovecot, mailbox: imaplib.IMAP4_SSL) -> None:
    deliver(mail_server, alert(mention(post(title=HOSTILE, text=HOSTILE, author=HOSTILE, source="x\r\nBcc: a@b.c"))))
    [mail] = read(mailbox)
    assert mail["Bcc"] is None and mail["To"] == NAME
    assert len(list(mail.iter_parts())) == 2
