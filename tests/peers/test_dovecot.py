"""IMAP against Dovecot: what the source reads of real mailboxes, and that it leaves no trace in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from itertools import count
from typing import Any

import pytest
from pydantic import TypeAdapter

from sources.base import BACKOFF_LONG, Cursor, Page, Post, SourceError
from sources.imap import ImapSettings, ImapSource
from tests.acceptance.running import CONSOLE, Installation, configuration
from tests.peers.dovecot import NAME, PASSWORD, Dovecot
from tests.sources.test_google_alerts import marked, wrapped

SETTINGS: TypeAdapter[ImapSettings] = TypeAdapter(ImapSettings)
NUMBERS = count(1)


@pytest.fixture(autouse=True)
def trusted(mail_server: Dovecot, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Its certificate is trusted, its mailbox empty."""
    monkeypatch.setenv("SSL_CERT_FILE", str(mail_server.authority))
    mail_server.doveadm("expunge", "-u", NAME, "mailbox", "INBOX", "all")
    yield


def keys(server: Dovecot, **changes: Any) -> dict[str, Any]:
    login = {"host": "127.0.0.1", "port": server.tls, "username": NAME, "password": PASSWORD}
    return {"name": "post", "type": "imap", "backlog": "all"} | login | changes


def made(server: Dovecot, mailbox: str = "INBOX", **changes: Any) -> ImapSource:
    return ImapSource(SETTINGS.validate_python(keys(server, **changes)), mailbox, lambda: datetime.now(UTC))


def mail(text: str, **headers: str) -> EmailMessage:
    written = EmailMessage()
    written["From"] = "Kim Müller <kim@example.com>"
    written["Date"] = format_datetime(datetime.now(UTC))
    written["Message-ID"] = f"<{next(NUMBERS)}@sender.test>"
    for name, value in headers.items():
        written[name] = value
    written.set_content(text)
    return written


async def drain(source: ImapSource, cursor: Cursor) -> tuple[list[Post], Cursor, list[Page]]:
    pages: list[Page] = []
    while not pages or pages[-1].more:
        pages.append(await source.fetch(json.loads(json.dumps(cursor))))
        cursor = pages[-1].cursor
    return [post for page in pages for post in page.posts], cursor, pages


@pytest.mark.parametrize("tls", ["tls", "starttls"])
async def test_mails_are_read_once_and_stay_unread(mail_server: Dovecot, tls: str) -> None:
    port = mail_server.tls if tls == "tls" else mail_server.starttls
    source = made(mail_server, tls=tls, port=port)
    _, start, _ = await drain(source, {})
    mail_server.deliver(mail("Grüße, Acme ist kaputt 💥", Subject="Hilfe – Müller"))
    posts, cursor, _ = await drain(source, start)
    [post] = posts
    assert (post.title, post.text, post.author) == ("Hilfe – Müller", "Grüße, Acme ist kaputt 💥", "kim@example.com")
    assert datetime.now(UTC) - post.published_at < timedelta(minutes=5)
    assert (await drain(source, cursor))[0] == []
    assert len(mail_server.doveadm("search", "-u", NAME, "mailbox", "INBOX", "unseen").splitlines()) == 1


async def test_a_hundred_and_thirty_mails_in_pages(mail_server: Dovecot) -> None:
    mail_server.deliver(*(mail(f"text {number}") for number in range(130)))
    posts, cursor, pages = await drain(made(mail_server), {})
    assert [len(page.posts) for page in pages] == [50, 50, 30]
    assert {post.text for post in posts} == {f"text {number}" for number in range(130)}
    mail_server.doveadm("expunge", "-u", NAME, "mailbox", "INBOX", "uid", str(cursor["uid"]))
    mail_server.deliver(mail("after"))
    assert [post.text for post in (await drain(made(mail_server), cursor))[0]] == ["after"]


async def test_a_first_pass_reads_the_backlog(mail_server: Dovecot) -> None:
    mail_server.deliver(mail("today"))
    assert [post.text for post in (await drain(made(mail_server, backlog="1d"), {}))[0]] == ["today"]


async def test_a_mailbox_that_is_made_anew_is_read_again_without_new_identities(mail_server: Dovecot) -> None:
    mailbox = "Träume & mehr"
    source = made(mail_server, mailbox)
    mail_server.doveadm("mailbox", "create", "-u", NAME, mailbox)
    mail_server.deliver(mail("one"), mail("two"))
    mail_server.doveadm("copy", "-u", NAME, mailbox, "mailbox", "INBOX", "all")
    before, cursor, _ = await drain(source, {})
    mail_server.doveadm("mailbox", "delete", "-u", NAME, mailbox)
    mail_server.doveadm("mailbox", "create", "-u", NAME, mailbox)
    mail_server.doveadm("copy", "-u", NAME, mailbox, "mailbox", "INBOX", "all")
    after, moved, pages = await drain(source, cursor)
    assert moved["uidvalidity"] != cursor["uidvalidity"]
    assert [post.external_id for post in after] == [post.external_id for post in before]
    assert len(before) == 2
    assert "was numbered anew" in pages[0].notices[0]


async def test_a_mail_of_two_megabytes_and_one_that_is_broken(mail_server: Dovecot) -> None:
    large = mail("Acme is broken", Subject="large")
    large.add_attachment(b"\xff" * 2**21, maintype="image", subtype="png", filename="a.png")
    broken = b'Subject: broken\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nAcme \xff\r\n'
    mail_server.deliver(large, broken, mail("whole"))
    posts, _, pages = await drain(made(mail_server), {})
    texts = sorted(post.text for post in posts)
    assert [text.split("\n")[0].strip() for text in texts] == ["Acme is broken", "Acme ÿ", "whole"]
    assert pages[0].notices == ("of 1 mails only the first 1,048,576 bytes were read",)


async def test_a_google_alert(mail_server: Dovecot) -> None:
    alert = mail("", Subject="Google Alert - acme")
    del alert["From"]
    alert["From"] = "Google Alerts <googlealerts-noreply@google.com>"
    alert.set_content(marked({"title": "Acme brennt", "url": wrapped("https://x.test/1")}), subtype="html")
    mail_server.deliver(alert)
    [post] = (await drain(made(mail_server), {}))[0]
    assert (post.external_id, post.title) == ("https://x.test/1", "Acme brennt")


async def test_a_wrong_password_switches_the_source_off(mail_server: Dovecot) -> None:
    with pytest.raises(SourceError, match=r"login of kim@example\.com is refused") as caught:
        await made(mail_server, password="wrong").fetch({})
    assert caught.value.permanent


async def test_a_mailbox_that_is_not_there(mail_server: Dovecot) -> None:
    with pytest.raises(SourceError, match="Nowhere") as caught:
        await made(mail_server, "Nowhere").fetch({})
    assert (caught.value.permanent, caught.value.backoff_limit) == (False, BACKOFF_LONG)


async def test_a_probe_counts_the_mails(mail_server: Dovecot) -> None:
    mail_server.deliver(mail("one"))
    assert await made(mail_server).probe() == "INBOX: 1 mails"


async def test_from_delivery_to_alert_with_the_real_program(mail_server: Dovecot, installed: Installation) -> None:
    installed.environ["SSL_CERT_FILE"] = str(mail_server.authority)
    installed.write(configuration([keys(mail_server)], [CONSOLE]))
    mail_server.deliver(mail("My Acme is broken"), mail("nothing to see"), mail("Acme again"))
    ended = await installed.once()
    assert ended.code == 0, ended.err
    assert [line["mention"]["post"]["text"] for line in ended.lines] == ["My Acme is broken", "Acme again"]
    mail_server.deliver(mail("Acme once more"))
    assert [line["mention"]["post"]["text"] for line in (await installed.once()).lines] == ["Acme once more"]
