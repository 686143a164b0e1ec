"""Mail: replies, TLS, the form of a message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from alerts.base import ReceiverError
from alerts.email import Email
from alerts.email_settings import EmailSettings
from tests.alerts.samples import HOSTILE, NOW, alert, alert_of
from tests.smtp_server import PASSWORD, USER, SmtpServer, serve_smtp


def receiver(server: SmtpServer, **smtp: Any) -> Email:
    settings = {
        "name": "pr-mail",
        "type": "email",
        "to": ["kim@example.com", "alex@example.com", "kim@example.com"],
        "from": "mentiond@example.com",
        "smtp": {"host": "127.0.0.1", "port": server.port, "tls": "none", **smtp},
    }
    return Email(EmailSettings.model_validate(settings), lambda: NOW)


async def refused(mail: Email, recipient: str = "kim@example.com") -> ReceiverError:
    with pytest.raises(ReceiverError) as caught:
        await mail.send(alert(recipient=recipient))
    return caught.value


async def test_the_form_of_a_message(smtp_server: SmtpServer) -> None:
    receipt = await receiver(smtp_server).send(alert())
    (mail,) = smtp_server.mails
    message = mail.message
    assert (mail.sender, mail.recipients) == ("mentiond@example.com", ("kim@example.com",))
    assert message["From"] == "mentiond <mentiond@example.com>"
    assert message["Message-ID"] == receipt.reference
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Id"] == "<pr-mail.mentiond.example.com>"
    assert message["Subject"] == "Complaint about acme (also question) · 92 % · heise: Acme Phone nach dem Update"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert mail.raw.isascii() and max(map(len, mail.raw.split(b"\r\n"))) <= 998


async def test_f36_a_resend_bears_the_same_message_id(smtp_server: SmtpServer) -> None:
    first = await receiver(smtp_server).send(alert())
    again = await receiver(smtp_server).send(alert(attempt=2, possibly_sent_twice=True))
    other = await receiver(smtp_server).send(alert(key="another"))
    assert first == again != other


@pytest.mark.parametrize(
    ("reply", "permanent"),
    [("421 closing", False), ("450 greylisted", False), ("550 no such user", True), ("552 mailbox full", True)],
)
async def test_f36_a_refused_recipient_concerns_no_other(smtp_server: SmtpServer, reply: str, permanent: bool) -> None:
    smtp_server.rcpt["kim@example.com"] = reply
    error = await refused(receiver(smtp_server))
    assert (error.permanent, error.channel, error.maybe_sent) == (permanent, False, False)
    assert reply in str(error)
    await receiver(smtp_server).send(alert(recipient="alex@example.com"))
    assert [mail.recipients for mail in smtp_server.mails] == [("alex@example.com",)]


@pytest.mark.parametrize(("reply", "permanent"), [("451 later", False), ("554 spam", True)])
async def test_f36_a_reply_to_data_is_certain(smtp_server: SmtpServer, reply: str, permanent: bool) -> None:
    smtp_server.data["kim@example.com"] = reply
    error = await refused(receiver(smtp_server))
    assert (error.permanent, error.channel, error.maybe_sent) == (permanent, False, False)


@pytest.mark.parametrize("loss", ["drop", "hang"])
async def test_f36_a_reply_lost_after_data_is_unknown(
    smtp_server: SmtpServer, monkeypatch: pytest.MonkeyPatch, loss: str
) -> None:
    monkeypatch.setattr("alerts.email.SEND_TIMEOUT", 0.5)
    smtp_server.data["kim@example.com"] = loss
    error = await refused(receiver(smtp_server))
    assert (error.permanent, error.maybe_sent) == (False, True)
    assert len(smtp_server.mails) == 1


@pytest.mark.parametrize(
    ("reply", "channel"), [("553 not yours", True), ("530 log in first", True), ("552 big", False)]
)
async def test_a_refused_sender_stops_the_channel(smtp_server: SmtpServer, reply: str, channel: bool) -> None:
    smtp_server.mail_from = reply
    error = await refused(receiver(smtp_server))
    assert (error.permanent, error.channel) == (True, channel)


@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_mail_goes_encrypted_and_logged_in(certificate: Path, monkeypatch: pytest.MonkeyPatch, tls: Any) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with serve_smtp(tls=tls, certificate=certificate, has_login=True) as server:
        mail = receiver(server, tls=tls, username=USER, password=PASSWORD)
        await mail.send(alert())
        assert (server.mails[0].is_encrypted, server.mails[0].is_logged_in) == (True, True)
        assert tls in await mail.probe()


async def test_a_wrong_password_stops_the_channel(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with serve_smtp(tls="starttls", certificate=certificate, has_login=True) as server:
        error = await refused(receiver(server, tls="starttls", username=USER, password="letmein"))
    assert (error.permanent, error.channel) == (True, True)
    assert "letmein" not in str(error)


async def test_f36_stripped_starttls_sends_nothing(smtp_server: SmtpServer) -> None:
    error = await refused(receiver(smtp_server, tls="starttls"))
    assert "STARTTLS" in str(error)
    assert (error.permanent, error.maybe_sent, smtp_server.mails) == (False, False, [])


@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_f36_a_certificate_nobody_vouches_for_gets_nothing(certificate: Path, tls: Any) -> None:
    async with serve_smtp(tls=tls, certificate=certificate) as server:
        error = await refused(receiver(server, tls=tls))
    assert (error.permanent, error.maybe_sent, server.mails) == (False, False, [])


async def test_f35_headers_and_html_hold_a_hostile_post(smtp_server: SmtpServer) -> None:
    await receiver(smtp_server).send(alert_of(HOSTILE))
    message = smtp_server.mails[0].message
    assert message["Bcc"] is None and len(message["Subject"]) <= 200
    html = message.get_payload(1)
    assert not isinstance(html, str)
    content = html.get_content()  # type: ignore[union-attr]  # an EmailMessage, as parsed by policy.default
    assert "<script" not in content and "<img" not in content and "&lt;script&gt;" in content


def test_one_row_for_each_address() -> None:
    mail = {"name": "x", "type": "email", "from": "m@example.com", "smtp": {"host": "localhost"}}
    settings = EmailSettings.model_validate(mail | {"to": ["a@example.com", "b@example.com", "a@example.com"]})
    assert settings.recipients == ("a@example.com", "b@example.com")
    assert (settings.smtp.tls, settings.smtp.tcp_port) == ("starttls", 587)


@pytest.mark.parametrize(
    "wrong",
    [{"to": []}, {"to": ["a"]}, {"to": ["a@b\r\nRCPT TO:<x@y>"]}, {"from": "M <m@x.de>"}, {"base_url": "smtp://x"}],
)
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    right = {"name": "x", "type": "email", "to": ["a@b.de"], "from": "m@example.com", "smtp": {"host": "localhost"}}
    EmailSettings.model_validate(right)
    with pytest.raises(ValidationError):
        EmailSettings.model_validate(right | wrong)
