"""A mailbox: what is new stands in it as a mail, in the order in which it came."""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

from tests import imap_server
from tests.servers import Web
from tests.sources.benches.bench import Bench, Item


def make(web: Web, folder: Path) -> Bench:
    server = imap_server.start()
    keys = {"type": "imap", "host": "127.0.0.1", "port": server.port, "tls": "none"}
    login = {"username": imap_server.USER, "password": imap_server.PASSWORD}
    bench = Bench(keys | login, page=50, shows_edits=False, asks=False, close=server.close)
    delivered: set[int] = set()

    def publish() -> None:
        if not bench.items:
            server.inbox.mails.clear()
            delivered.clear()
        for item in bench.items:
            if item.number not in delivered:
                server.inbox.add(_mail(item), item.at)
                delivered.add(item.number)

    bench.publish = publish
    return bench


def _mail(item: Item) -> bytes:
    mail = EmailMessage()
    mail["From"] = "Kim <kim@example.com>"
    mail["Subject"] = f"Mail {item.number}"
    mail["Message-ID"] = f"<{item.number}@example.com>"
    mail["Date"] = format_datetime(item.at)
    mail.set_content(item.text.encode("utf-8", "replace"), maintype="text", subtype="plain")
    del mail["Content-Disposition"]
    mail.set_param("charset", "utf-8")
    return mail.as_bytes()
