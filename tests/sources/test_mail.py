"""Mails to text: parts, charsets, quotes, attachments, automatic answers, and mails that are broken."""

from __future__ import annotations

import time
from email.message import EmailMessage

import pytest

from sources.mail import read_mail


def raw(head: str, body: str = "text", charset: str = "utf-8") -> bytes:
    return (head.strip("\n") + "\n\n" + body).encode(charset)


def written(**headers: str) -> EmailMessage:
    mail = EmailMessage()
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    return mail


def test_headers_and_plain_text() -> None:
    mail = read_mail(
        raw(
            """
From: "Meyer, Kim" <kim@example.com>
Subject: =?utf-8?q?Acme_ist_kaputt_=E2=80=93?=
 =?iso-8859-1?b?IE38bGxlcg==?=
Date: Sat, 21 Nov 2026 10:00:00 +0100
Message-ID: <3@x.test>
References: <1@x.test>
\t<2@x.test>
In-Reply-To: <2@x.test>
Content-Language: de-DE
Content-Type: text/plain; charset=utf-8
""",
            "Hallo,\nmein Acme geht nicht.",
        )
    )
    assert (mail.sender, mail.subject) == ("kim@example.com", "Acme ist kaputt – Müller")
    assert (mail.message_id, mail.references, mail.in_reply_to) == ("3@x.test", ("1@x.test", "2@x.test"), "2@x.test")
    assert (mail.date, mail.language) == ("Sat, 21 Nov 2026 10:00:00 +0100", "de-DE")
    assert mail.text == "Hallo,\nmein Acme geht nicht."
    assert not mail.is_automatic


@pytest.mark.parametrize(
    ("subject", "read"),
    [
        ("Grüße", "Grüße"),
        ("=?utf-8?q?broken", "=?utf-8?q?broken"),
        ("=?nonsense?q?Acme?=", "Acme"),
        ("=?utf-8?b?!!!?=", ""),
        ("Müller =?utf-8?q?M=C3=BCller?=", "Müller Müller"),
        ("a\tb", "a b"),
    ],
)
def test_subjects_as_people_send_them(subject: str, read: str) -> None:
    assert read_mail(raw(f"Subject: {subject}")).subject == read


def test_a_header_in_windows_1252() -> None:
    assert read_mail(raw("Subject: Grüße – Müller", charset="cp1252")).subject == "Grüße – Müller"


@pytest.mark.parametrize(
    ("declared", "sent"),
    [
        ("utf-8", "utf-8"),
        ("iso-8859-1", "iso-8859-1"),
        ("us-ascii", "utf-8"),
        ("nonsense", "utf-8"),
        ("nonsense", "cp1252"),
        ("us-ascii", "cp1252"),
        ("base64", "utf-8"),
        ("idna", "utf-8"),
        ("undefined", "utf-8"),
        ("utf-16-le", "utf-16-le"),
    ],
)
def test_charsets(declared: str, sent: str) -> None:
    head = f"Content-Type: text/plain; charset={declared}\nContent-Transfer-Encoding: 8bit\n\n".encode()
    assert read_mail(head + "Grüße".encode(sent)).text == "Grüße"


def test_html_where_there_is_no_plain_text() -> None:
    mail = written(Subject="s")
    mail.set_content("<style>p {}</style><p>Acme &amp; Müller</p><script>x()</script>", subtype="html")
    assert read_mail(mail.as_bytes()).text == "Acme & Müller"


def test_plain_text_is_taken_before_html_unless_it_only_says_that_there_is_html() -> None:
    mail = written(Subject="s")
    mail.set_content("Acme is broken, said plainly.")
    mail.add_alternative("<p>Acme is <b>broken</b>, said plainly.</p>", subtype="html")
    assert read_mail(mail.as_bytes()).text == "Acme is broken, said plainly."
    mail = written(Subject="s")
    mail.set_content("See the HTML.")
    mail.add_alternative("<p>Acme is broken: " + "word " * 50 + "</p>", subtype="html")
    assert read_mail(mail.as_bytes()).text.startswith("Acme is broken: word")


def test_attachments_are_named_and_not_read() -> None:
    mail = written(Subject="s")
    mail.set_content("See the picture.")
    mail.add_attachment(b"\xff" * 100, maintype="image", subtype="jpeg", filename="kaputt – Müller.jpg")
    mail.add_attachment("secret words", filename="notes.txt")
    read = read_mail(mail.as_bytes())
    assert read.text == "See the picture."
    assert read.attachments == ("kaputt – Müller.jpg", "notes.txt")


def test_a_mail_within_a_mail_is_read() -> None:
    inner = written(Subject="inner", From="a@x.test")
    inner.set_content("Acme is broken")
    mail = written(Subject="outer", From="b@x.test")
    mail.set_content("see below")
    mail.add_attachment(inner)
    read = read_mail(mail.as_bytes())
    assert "see below" in read.text
    assert "Acme is broken" in read.text
    assert read.sender == "b@x.test"


ANSWER = "It still does not work.\n"
QUOTED = "> My Globex is broken.\n> Kim\n"


@pytest.mark.parametrize(
    "quote",
    [
        f"\nOn Sat, 21 Nov 2026 at 10:00, Kim <kim@x.test> wrote:\n\n{QUOTED}",
        f"\nOn Sat, 21 Nov 2026 at 10:00, Kim\n<kim@x.test>\nwrote:\n{QUOTED}",
        f"\nAm 21.11.26 um 10:00 schrieb Kim:\n{QUOTED}",
        "\n-----Original Message-----\nFrom: Kim\nMy Globex is broken.\n",
        "\n-----Ursprüngliche Nachricht-----\nVon: Kim\nMy Globex is broken.\n",
        "\nVon: Kim <kim@x.test>\nGesendet: Samstag, 21. November 2026 10:00\nAn: care\nMy Globex is broken.\n",
        "\nFrom: Kim <kim@x.test>\nSent: Saturday\nMy Globex is broken.\n",
    ],
)
def test_what_an_answer_quotes_is_cut(quote: str) -> None:
    assert read_mail(raw("Subject: Re: Help", ANSWER + quote)).text == ANSWER.strip()


def test_answers_between_the_lines_stay() -> None:
    body = "On Friday Kim wrote:\n> Does it work?\nNo.\n\n> And now?\nNeither.\n"
    assert read_mail(raw("Subject: Re: Help", body)).text == "No.\nNeither."


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("Fwd: Help", f"fyi\n{QUOTED}"),
        ("WG: Help", "fyi\n\nVon: Kim\nGesendet: heute\nMy Globex is broken."),
        ("Help", "fyi\n---------- Forwarded message ---------\nFrom: Kim\nDate: today\nMy Globex is broken."),
        ("Help", "fyi\n-------- Weitergeleitete Nachricht --------\nVon: Kim\nDatum: heute\nMy Globex is broken."),
        ("Re: Help", QUOTED),
    ],
)
def test_a_forwarded_mail_and_one_of_nothing_but_quotes_keep_them(subject: str, body: str) -> None:
    assert "My Globex is broken." in read_mail(raw(f"Subject: {subject}", body)).text


@pytest.mark.parametrize(
    "quote",
    [
        '<div class="gmail_quote"><div>On Sat Kim wrote:</div><blockquote>My Globex<div>is</div></blockquote></div>',
        '<div class="moz-cite-prefix">Am Sa schrieb Kim:</div><blockquote type="cite">My Globex</blockquote>',
        "<BLOCKQUOTE TYPE=CITE>My <blockquote>Globex</blockquote> is</BLOCKQUOTE>",
        '<blockquote type="cite">My Globex is not closed',
        "<div><b>From:</b> Kim<br><b>Sent:</b> today<br>My Globex</div>",
    ],
)
def test_what_an_answer_in_html_quotes_is_cut(quote: str) -> None:
    body = f"<html><body><p>It still does not work.</p>{quote}</body></html>"
    mail = read_mail(raw("Subject: Re: Help\nContent-Type: text/html; charset=utf-8", body))
    assert mail.text == "It still does not work."
    assert "Globex" in mail.raw


def test_a_quotation_that_is_meant_stays() -> None:
    body = "<p>Your page says:</p><blockquote>Acme never breaks</blockquote><p>It does.</p>"
    assert read_mail(raw("Content-Type: text/html", body)).text == "Your page says:\nAcme never breaks\nIt does."


@pytest.mark.parametrize(
    "head",
    [
        "Auto-Submitted: auto-replied (vacation)",
        "Auto-Submitted: Auto-Replied; owner=x",
        "Precedence: auto_reply",
        "X-Autoreply: yes",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
        'Content-Type: multipart/report; report-type="disposition-notification"; boundary=b',
    ],
)
def test_automatic_answers_and_bounces(head: str) -> None:
    assert read_mail(raw(head, "--b\n\nI am away\n--b--")).is_automatic == ("vacation" not in head)


@pytest.mark.parametrize("head", ["Auto-Submitted: auto-generated", "Auto-Submitted: no", "Precedence: list", "X: y"])
def test_what_a_system_tells_on_its_own_stays(head: str) -> None:
    assert not read_mail(raw(head)).is_automatic


BROKEN = [
    b"",
    b"\n\n",
    b"\x00\xff\xfe",
    b"no header at all\nAcme",
    b"Content-Type: multipart/mixed\n\nAcme",
    b'Content-Type: multipart/mixed; boundary="b"\n\n--b\n\nAcme',
    b"Content-Type: text/plain; charset\n\nAcme",
    b"Content-Type: text/plain; charset*=x'y'z\n\nAcme",
    b"Content-Type: \n\nAcme",
    b"Content-Type: text/html\nContent-Transfer-Encoding: base64\n\n!!!not base64",
    b"Content-Transfer-Encoding: uuencode\n\nbegin\nAcme",
    b"Content-Type: message/rfc822\n\nContent-Type: message/rfc822\n\nAcme",
    b"Content-Disposition: attachment; filename*=utf-8''%ff%\n\nAcme",
    b"Content-Disposition: attachment; filename*0*=x; filename*9*=y\n\nAcme",
    b"From: <>\nMessage-ID: <>\nReferences: <<><\nDate: \n\nAcme",
    b"From: " + b"(" * 5000 + b"\n\nAcme",
    b"From: =?utf-8?q?" + b"=FF" * 1000 + b"?= <a@b>\n\nAcme",
]


@pytest.mark.parametrize("content", BROKEN, ids=range(len(BROKEN)))
def test_a_broken_mail_is_read_as_far_as_it_goes(content: bytes) -> None:
    mail = read_mail(content)
    said = f"{mail.text}{mail.subject}{mail.sender}{mail.message_id}{''.join(mail.attachments)}"
    said.encode()
    assert "\x00" not in said
    assert "Acme" in mail.text or b"Acme" not in content or b"attachment" in content


def _nested(depth: int) -> bytes:
    parts = [f'Content-Type: multipart/mixed; boundary="b{n}"\n\n--b{n}\n' for n in range(depth)]
    return "".join(parts).encode() + b"\nAcme\n"


HOSTILE = {
    "parts within parts": _nested(15_000),
    "mails within mails": b"Content-Type: message/rfc822\n\n" * 30_000 + b"Acme",
    "a header of a megabyte": b"Subject: " + b"=?utf-8?q?a?= " * 70_000 + b"\n\nAcme",
    "a million headers": b"a: b\n" * 200_000 + b"\nAcme",
    "introductions": b"\n" + b"On a wrote b\n> x\n" * 60_000 + b"Acme",
    "tags": b"Content-Type: text/html\n\n" + b"<div type=cite>" * 60_000 + b"</div>Acme",
    "open tags": b"Content-Type: text/html\n\n" + b"<blockquote " * 80_000 + b"Acme",
    "von": b"\n" + b"Von:\n" * 200_000 + b"Acme",
    "ids": b"References: " + b"<a@b> " * 150_000 + b"\n\nAcme",
    "parameters": b"Content-Type: text/plain" + b"; a=b" * 200_000 + b"\n\nAcme",
    "addresses": b"From: " + b"a@b, " * 200_000 + b"\n\nAcme",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_mail_of_a_megabyte_takes_seconds_at_most(name: str) -> None:
    begun = time.process_time()
    mail = read_mail(HOSTILE[name][: 2**20])
    assert time.process_time() - begun < 5
    assert mail.text is not None
