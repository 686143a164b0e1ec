"""Mailboxes: the place in them, what is asked of the server, what it may answer, and what a mail becomes."""

from __future__ import annotations

import asyncio
import json
import subprocess
import threading
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from sources import imap, imap_session
from sources.base import BACKOFF_LONG, BACKOFF_SHORT, Cursor, HttpError, Page, PostKind, SourceError
from sources.imap import ImapSettings, ImapSource
from sources.imap_session import encoded_name
from sources.registry import SourceConfig, build, fingerprint
from tests import imap_server
from tests.fakes import START, FailingHttp, FixedClock, source_tools
from tests.imap_server import PASSWORD, USER, MailServer, serve_imap
from tests.sources.test_google_alerts import marked, row, wrapped

CONFIG: TypeAdapter[SourceConfig] = TypeAdapter(SourceConfig)
SETTINGS: TypeAdapter[ImapSettings] = TypeAdapter(ImapSettings)
BASIC: dict[str, Any] = {
    "name": "post",
    "type": "imap",
    "host": "127.0.0.1",
    "tls": "none",
    "username": USER,
    "password": PASSWORD,
}


@pytest.fixture
def server() -> Iterator[MailServer]:
    with serve_imap() as served:
        yield served


def made(server: MailServer, clock: FixedClock | None = None, mailbox: str = "INBOX", **keys: Any) -> ImapSource:
    settings = SETTINGS.validate_python(BASIC | {"port": server.port} | keys)
    return ImapSource(settings, mailbox, clock or FixedClock())


def mail(number: int, text: str = "", **headers: str) -> bytes:
    given = {"From": "Kim <kim@example.com>", "Message-ID": f"<{number}@x.test>", "Date": format_datetime(START)}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in given.items() if value)
    return f"{head}Content-Type: text/plain; charset=utf-8\r\n\r\n{text or f'text {number}'}\r\n".encode()


def deliver(server: MailServer, *numbers: int, age: timedelta = timedelta(minutes=1)) -> None:
    for number in numbers:
        server.inbox.add(mail(number), START - age)


async def drain(source: ImapSource, cursor: Cursor) -> tuple[list[str], Cursor, list[Page]]:
    """External ids of a whole pass, the cursor after it, its pages."""
    pages: list[Page] = []
    while not pages or pages[-1].more:
        pages.append(await source.fetch(json.loads(json.dumps(cursor))))
        cursor = pages[-1].cursor
        assert len(pages) < 50
    return [post.external_id for page in pages for post in page.posts], cursor, pages


# -- the place -------------------------------------------------------------------------------------------------------


async def test_nothing_new_gives_nothing_though_the_server_names_the_last_mail(server: MailServer) -> None:
    deliver(server, 1, 2)
    source = made(server)
    ids, cursor, _ = await drain(source, {})
    assert ids == ["1@x.test", "2@x.test"]
    again, _, [page] = await drain(source, cursor)
    assert (again, page.body) == ([], False)
    assert server.asked[-2] == "UID SEARCH UID 3:*"  # which a server answers with mail 2
    assert "UID FETCH" not in [" ".join(line.split(" ")[:2]) for line in server.asked[-3:]]


async def test_mails_are_only_peeked_at(server: MailServer) -> None:
    deliver(server, 1)
    await drain(made(server), {})
    assert {line.split(" ")[0] for line in server.asked} == {"CAPABILITY", "AUTHENTICATE", "EXAMINE", "UID", "LOGOUT"}
    [fetch] = [line for line in server.asked if line.startswith("UID FETCH")]
    assert "BODY.PEEK[]" in fetch


async def test_a_pass_reads_pages_and_goes_on_where_it_was_broken_off(server: MailServer) -> None:
    deliver(server, *range(1, 121))
    first = await made(server).fetch({})
    assert (len(first.posts), first.more) == (50, True)
    ids, _, pages = await drain(made(server), first.cursor)
    assert [len(page.posts) for page in pages] == [50, 20]
    assert [post.external_id for post in first.posts] + ids == [f"{number}@x.test" for number in range(1, 121)]


async def test_a_page_over_a_slow_line_ends_early(server: MailServer) -> None:
    deliver(server, *range(1, 6))
    seconds = iter(range(0, 1000, 16))  # every look at the clock takes so long
    settings = SETTINGS.validate_python(BASIC | {"port": server.port})
    page = await ImapSource(settings, "INBOX", lambda: START + timedelta(seconds=next(seconds))).fetch({})
    assert (len(page.posts), page.more, page.cursor["uid"]) == (2, True, 2)


async def test_a_first_pass_reads_as_far_back_as_the_backlog(server: MailServer) -> None:
    deliver(server, 1, 2, age=timedelta(days=9))
    deliver(server, 3)
    ids, cursor, _ = await drain(made(server), {})
    assert ids == ["3@x.test"]
    assert cursor == {"uidvalidity": 1, "uid": 3, "read_at": START.isoformat()}
    assert (await drain(made(server, backlog="all"), {}))[0] == ["1@x.test", "2@x.test", "3@x.test"]


async def test_an_old_mail_that_is_moved_in_later_is_read(server: MailServer) -> None:
    _, cursor, _ = await drain(made(server), {})
    deliver(server, 1, age=timedelta(days=900))
    assert (await drain(made(server), cursor))[0] == ["1@x.test"]


async def test_a_first_pass_of_an_old_mailbox_is_not_repeated(server: MailServer) -> None:
    deliver(server, *range(1, 200), age=timedelta(days=9))
    ids, cursor, _ = await drain(made(server), {})
    assert (ids, cursor["uid"]) == ([], 199)


@pytest.mark.parametrize("first", [1, 5000])
async def test_new_numbers_are_noticed_and_what_came_lately_is_read_again(server: MailServer, first: int) -> None:
    deliver(server, 1, age=timedelta(days=60))
    deliver(server, 2)
    _, cursor, _ = await drain(made(server, backlog="all"), {})
    server.inbox.renumber(first)
    deliver(server, 3)
    ids, after, pages = await drain(made(server, backlog="all"), cursor)
    assert ids == ["2@x.test", "3@x.test"]
    assert pages[0].notices == ("INBOX was numbered anew: read again from 2026-10-24",)
    assert after["uidvalidity"] == 2
    assert (await drain(made(server), after))[0] == []


async def test_uids_far_apart_are_found(server: MailServer) -> None:
    server.inbox.uidnext = 3_000_000_000
    deliver(server, 1)
    server.inbox.uidnext = 4_000_000_000
    deliver(server, 2)
    ids, cursor, _ = await drain(made(server), {"uidvalidity": 1, "uid": 5})
    assert ids == ["1@x.test", "2@x.test"]
    assert cursor["uid"] == 4_000_000_000
    assert server.commands.count("UID") < 60


async def test_a_server_that_does_not_say_the_next_uid(server: MailServer) -> None:
    server.inbox.says_uidnext = False
    deliver(server, 1, age=timedelta(days=9))
    deliver(server, 2)
    ids, cursor, _ = await drain(made(server), {})
    assert ids == ["2@x.test"]
    deliver(server, 3)
    assert (await drain(made(server), cursor))[0] == ["3@x.test"]


async def test_a_mail_that_vanishes_meanwhile_is_passed_over(server: MailServer) -> None:
    deliver(server, 1, 2, 3)
    server.instead["UID SEARCH"] = lambda tag: f"* SEARCH 1 2 3 4\r\n* SEARCH 5\r\n{tag} OK done\r\n".encode()
    ids, cursor, _ = await drain(made(server), {})
    assert (ids, cursor["uid"]) == (["1@x.test", "2@x.test", "3@x.test"], 5)


# -- mails -----------------------------------------------------------------------------------------------------------


async def read_one(server: MailServer, content: bytes, age: timedelta = timedelta(minutes=1)) -> Page:
    server.inbox.add(content, START - age)
    return await made(server).fetch({})


async def test_a_mail_is_a_message_of_its_thread(server: MailServer) -> None:
    thread = {"References": "<1@x.test> <2@x.test>", "In_Reply_To": "<2@x.test>", "Subject": "Re: Acme"}
    page = await read_one(server, mail(3, "Still broken", Content_Language="de-DE", **thread))
    [post] = page.posts
    assert (post.external_id, post.thread, post.parent) == ("3@x.test", "1@x.test", "2@x.test")
    assert (post.title, post.text, post.author, post.kind) == (
        "Re: Acme",
        "Still broken",
        "kim@example.com",
        PostKind.MESSAGE,
    )
    assert (post.lang, post.published_at, post.dated, post.url) == ("de", START - timedelta(minutes=1), True, None)
    assert page.notices == ()


async def test_the_first_mail_of_a_thread_is_its_root(server: MailServer) -> None:
    [post] = (await read_one(server, mail(1))).posts
    assert (post.thread, post.parent) == ("1@x.test", None)


@pytest.mark.parametrize("date", ["", "nonsense", "Sat, 21 Nov 2099 10:00:00 +0000"])
async def test_without_a_date_that_can_be_believed_it_is_as_old_as_its_arrival(server: MailServer, date: str) -> None:
    [post] = (await read_one(server, mail(1, Date=date), timedelta(hours=2))).posts
    assert (post.published_at, post.dated) == (START - timedelta(hours=2), True)


async def test_a_mail_without_an_id_has_the_same_one_wherever_it_stands(server: MailServer) -> None:
    content = mail(1, Message_ID="")
    [post] = (await read_one(server, content)).posts
    server.inbox.renumber(77)
    [again] = (await made(server).fetch({})).posts
    assert again.external_id == post.external_id
    assert len(post.external_id) == 32


async def test_attachments_are_named_in_the_text(server: MailServer) -> None:
    head = b'From: a@b\r\nMessage-ID: <1@x>\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nSee.\r\n'
    body = (
        b'--b\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename="acme.png"\r\n\r\nx\r\n--b--\r\n'
    )
    [post] = (await read_one(server, head + body)).posts
    assert post.text == "See.\nAttachment: acme.png"


async def test_automatic_answers_are_left_out_and_counted(server: MailServer) -> None:
    deliver(server, 1)
    page = await read_one(server, mail(2, Auto_Submitted="auto-replied"))
    assert [post.external_id for post in page.posts] == ["1@x.test"]
    assert page.notices == ("1 automatic answers and bounces were left out",)


async def test_of_a_mail_that_is_too_large_the_beginning_is_read(server: MailServer) -> None:
    page = await read_one(server, mail(1, "Acme is broken. " + "x" * 2**21))
    [post] = page.posts
    assert post.text.startswith("Acme is broken. xxx")
    assert len(post.text) < 2**20
    assert page.notices == ("of 1 mails only the first 1,048,576 bytes were read",)


def alert(html: str, number: int = 1) -> bytes:
    head = f"From: Google Alerts <googlealerts-noreply@google.com>\r\nMessage-ID: <{number}@google.com>\r\n"
    head += f"Date: {format_datetime(START - timedelta(hours=1))}\r\nSubject: Google Alert - acme\r\n"
    return f"{head}Content-Type: text/html; charset=utf-8\r\n\r\n{html}".encode()


async def test_google_alerts_are_taken_apart(server: MailServer) -> None:
    html = marked({"title": "Acme brennt", "description": "In Köln", "url": wrapped("http://x.test/1?utm_source=ga")})
    html += f"<table>{row('http://x.test/1?utm_source=ga', 'Acme', 'x', 'Der Bote')}</table>"
    page = await read_one(server, alert(html))
    [post] = page.posts
    assert (post.external_id, post.url) == ("https://x.test/1", "http://x.test/1?utm_source=ga")
    assert (post.title, post.text, post.author, post.kind) == ("Acme brennt", "In Köln", "Der Bote", PostKind.ARTICLE)
    assert post.published_at == START - timedelta(hours=1)
    assert page.notices == ()


async def test_a_google_alert_that_cannot_be_taken_apart_is_one_post(server: MailServer) -> None:
    page = await read_one(server, alert("<p>Acme brennt in Köln</p>"))
    [post] = page.posts
    assert (post.external_id, post.title, post.text) == ("1@google.com", "Google Alert - acme", "Acme brennt in Köln")
    assert page.notices == ("1 mails of Google Alerts could not be taken apart and are one post each",)


async def test_the_same_page_in_two_alerts_is_one_post(server: MailServer) -> None:
    for number in (1, 2):
        html = marked({"title": "Acme", "url": wrapped("https://x.test/1")})
        server.inbox.add(alert(html, number), START - timedelta(minutes=1))
    page = await made(server).fetch({})
    assert {post.external_id for post in page.posts} == {"https://x.test/1"}


# -- servers that say no ---------------------------------------------------------------------------------------------


def says(line: str) -> imap_server.Say:
    return lambda tag: line.replace("TAG", tag).encode() + b"\r\n"


async def refused(source: ImapSource) -> SourceError:
    with pytest.raises(SourceError) as caught:
        await source.fetch({})
    with pytest.raises(SourceError):
        await source.probe()
    assert PASSWORD not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("said", "is_permanent", "limit"),
    [
        ("TAG NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)", True, BACKOFF_LONG),
        ("TAG NO [ALERT] Application-specific password required", True, BACKOFF_LONG),
        (f"TAG NO what is {PASSWORD}", True, BACKOFF_LONG),
        ("TAG NO [UNAVAILABLE] Temporary authentication failure", False, BACKOFF_SHORT),
        ("TAG NO [LIMIT] later", False, BACKOFF_SHORT),
        ("TAG NO [ALERT] Too many simultaneous connections. (Failure)", False, BACKOFF_SHORT),
        ("* BYE going down", False, BACKOFF_SHORT),
    ],
)
async def test_a_refused_login(
    server: MailServer, monkeypatch: pytest.MonkeyPatch, said: str, is_permanent: bool, limit: timedelta
) -> None:
    monkeypatch.setattr(imap_session, "SECONDS", 1.0)
    server.instead["AUTHENTICATE"] = says(said)
    error = await refused(made(server))
    assert (error.permanent, error.backoff_limit) == (is_permanent, limit)
    assert "127.0.0.1" in str(error)


async def test_a_wrong_password_switches_the_source_off(server: MailServer) -> None:
    error = await refused(made(server, password="wrong"))
    assert error.permanent
    assert "the login of kim@example.com is refused" in str(error)


async def test_a_server_without_plain_is_logged_in_to_by_login(server: MailServer) -> None:
    server.capabilities = "IMAP4rev1"
    deliver(server, 1)
    page = await made(server, password='ge"heim').fetch({})
    assert len(page.posts) == 1
    assert "LOGIN" in server.commands


async def test_a_server_that_wants_tls_gets_no_password(server: MailServer) -> None:
    server.capabilities = "IMAP4rev1 LOGINDISABLED STARTTLS"
    error = await refused(made(server))
    assert (error.permanent, error.backoff_limit) == (False, BACKOFF_LONG)
    assert not {"LOGIN", "AUTHENTICATE"} & set(server.commands)


async def test_starttls_never_falls_back(server: MailServer) -> None:
    error = await refused(made(server, tls="starttls"))
    assert error.backoff_limit == BACKOFF_LONG
    assert not {"LOGIN", "AUTHENTICATE"} & set(server.commands)


async def test_a_mailbox_that_is_not_there(server: MailServer) -> None:
    error = await refused(made(server, mailbox="Träume"))
    assert (error.permanent, error.backoff_limit) == (False, BACKOFF_LONG)
    assert "Träume: [NONEXISTENT]" in str(error)


def test_names_of_mailboxes_are_sent_in_modified_utf_7() -> None:
    assert encoded_name("INBOX/Entwürfe & mehr") == "INBOX/Entw&APw-rfe &- mehr"
    assert encoded_name("日本語") == "&ZeVnLIqe-"
    assert encoded_name("💥") == "&2D3cpQ-"


@pytest.mark.parametrize("command", ["CAPABILITY", "AUTHENTICATE", "EXAMINE", "UID SEARCH", "UID FETCH"])
@pytest.mark.parametrize(
    "said",
    [
        "TAG BAD no",
        "TAG NO no",
        "* BYE",
        "nonsense",
        "* OK [UIDVALIDITY x] y\r\n* SEARCH a b\r\n* 1 FETCH (BODY[] NIL)\r\nTAG OK",
        "* 1 FETCH (UID 1 BODY[]<0> {5}\r\nab",
        "* 1 FETCH (UID 1 BODY[]<0> {999999999999}\r\nab",
        "\x00\xff" * 1000,
    ],
)
async def test_whatever_a_server_says_is_a_page_or_a_source_error(
    server: MailServer, monkeypatch: pytest.MonkeyPatch, command: str, said: str
) -> None:
    monkeypatch.setattr(imap_session, "SECONDS", 0.3)
    deliver(server, 1)
    server.instead[command] = says(said)
    try:
        page = await made(server).fetch({})
    except SourceError as error:
        assert error.permanent in (False, command == "AUTHENTICATE")
        assert str(error).isprintable()
    else:
        assert "cursor" in repr(page)


async def test_no_answer_in_time_is_a_source_error(server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap_session, "SECONDS", 0.2)
    server.instead["EXAMINE"] = lambda tag: b""
    error = await refused(made(server))
    assert error.backoff_limit == BACKOFF_SHORT
    assert "no answer in time" in str(error)


async def test_a_server_that_trickles_is_left_at_the_deadline(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "DEADLINE", 0.5)
    server.instead["EXAMINE"] = lambda tag: b"* OK still here\r\n"
    with pytest.raises(SourceError, match="a page took longer than"):
        await made(server).fetch({})
    await threads_are_gone()


async def test_a_shutdown_does_not_wait_for_the_server(server: MailServer) -> None:
    asked = threading.Event()

    def hang(tag: str) -> bytes:
        asked.set()
        return b""

    server.instead["EXAMINE"] = hang
    fetching = asyncio.create_task(made(server).fetch({}))
    assert await asyncio.to_thread(asked.wait, 10)
    fetching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(fetching, 2)
    await threads_are_gone()


async def threads_are_gone() -> None:
    for thread in [thread for thread in threading.enumerate() if thread.name == "imap"]:
        await asyncio.to_thread(thread.join, 5)
        assert not thread.is_alive()


async def test_nobody_listens() -> None:
    with serve_imap() as server:
        pass
    error = await refused(made(server))
    assert error.backoff_limit == BACKOFF_SHORT
    assert "Connection refused" in str(error)


async def test_a_name_that_does_not_exist(server: MailServer) -> None:
    error = await refused(made(server, host="mail.invalid"))
    assert error.backoff_limit == BACKOFF_LONG


# -- TLS -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 with its key, signed by itself."""
    path = tmp_path / "both.pem"
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"]
    made_of = subprocess.run(
        ["openssl", "req", "-x509", *key, *subject, "-keyout", "-"], check=True, capture_output=True
    )
    path.write_bytes(made_of.stdout)
    return path


@pytest.fixture
def encrypted(certificate: Path) -> Iterator[MailServer]:
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serve_imap(context) as served:
        yield served


async def test_tls_with_a_certificate_that_is_trusted(
    encrypted: MailServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    deliver(encrypted, 1)
    page = await made(encrypted, tls="tls").fetch({})
    assert len(page.posts) == 1


async def test_a_certificate_that_is_not_trusted_gets_no_password(encrypted: MailServer) -> None:
    error = await refused(made(encrypted, tls="tls"))
    assert error.backoff_limit == BACKOFF_LONG
    assert "the certificate is not valid" in str(error)
    assert encrypted.asked == []


async def test_a_certificate_for_another_name_is_not_valid(
    encrypted: MailServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    error = await refused(made(encrypted, tls="tls", host="localhost"))
    assert "the certificate is not valid" in str(error)


# -- settings --------------------------------------------------------------------------------------------------------


def test_each_mailbox_is_a_part() -> None:
    config = CONFIG.validate_python(BASIC | {"mailboxes": ("INBOX", "Alerts")})
    parts = build(config, source_tools(FailingHttp(HttpError("no network"))))
    assert list(parts) == ["INBOX", "Alerts"]
    assert len({fingerprint(config, part) for part in parts}) == 2


@pytest.mark.parametrize("changes", [{"host": "x.test"}, {"username": "max"}, {"port": 1143}, {"tls": "tls"}])
def test_another_account_begins_anew(changes: dict[str, Any]) -> None:
    assert fingerprint(CONFIG.validate_python(BASIC | changes), "INBOX") != fingerprint(
        CONFIG.validate_python(BASIC), "INBOX"
    )


@pytest.mark.parametrize(
    "keys",
    [
        {"base_url": "http://127.0.0.1"},
        {"host": "a b"},
        {"tls": "ssl"},
        {"mailboxes": ()},
        {"mailboxes": ("",)},
        {"mailboxes": ("a\r\nb",)},
        {"password": ""},
        {"port": 0},
    ],
)
def test_mistakes_are_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SETTINGS.validate_python(BASIC | keys)
