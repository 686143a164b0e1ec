"""`mentiond run --once`: every mention reaches every receiver once, and never again."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from tests.acceptance.running import (
    ACME,
    CONSOLE,
    GLOBEX,
    Feed,
    Hook,
    Installation,
    configuration,
    feed_source,
    item,
    mailbox,
    webhook,
)
from tests.servers import Web
from tests.smtp_server import SmtpServer, serve_smtp

TEXTS = (
    "Acme refuses to refund my order, I am furious",
    "Does anybody know whether the Acme Phone has two SIM slots?",
    "Ich überlege, von Globex zu Acme zu wechseln",  # two watchlists: two mentions
    "Acme",
    "Der Kundendienst von Globex ist großartig",
)
ENTRIES = 50
PEOPLE = ("a@example.com", "b@example.com")


async def test_each_mention_is_one_alert_per_receiver_and_the_second_run_sends_none(
    installed: Installation, web: Web, feed: Feed, hook: Hook, store_url: str
) -> None:
    feed.items = [item(n, TEXTS[n % 5], age=timedelta(seconds=3500 - 70 * n)) for n in range(ENTRIES)]
    wanted = {(f"https://news.example/{n}", name) for n in range(ENTRIES) for name in _watchlists(TEXTS[n % 5])}
    async with serve_smtp() as smtp:
        receivers = [CONSOLE, webhook(web), mailbox(smtp.port, *PEOPLE)]
        settings = configuration([feed_source(web)], receivers, watchlists=[ACME, GLOBEX], store={"url": store_url})
        installed.write(settings)
        first = await installed.mentiond("run", "--once", "-c", installed.config)
        assert first.code == 0, first.err
        assert _mentions(first.lines) == _mentions(hook.alerts) == Counter(wanted)
        assert _mailed(smtp) == {(person, name): len(_of(wanted, name)) for person in PEOPLE for name in _NAMES}
        assert {alert["mention"]["tags"][0] for alert in hook.alerts} >= {"complaint", "question"}
        second = await installed.mentiond("run", "--once", "-c", installed.config)
    assert (second.code, second.out) == (0, "")
    assert len(hook.alerts) == len(wanted) == 60
    assert len(smtp.mails) == 120


_NAMES = ("acme", "globex")


def _watchlists(text: str) -> list[str]:
    return [name for name in _NAMES if name in text.lower()]


def _of(wanted: set[tuple[str, str]], watchlist: str) -> list[tuple[str, str]]:
    return [each for each in wanted if each[1] == watchlist]


def _mentions(alerts: list[Any]) -> Counter[tuple[str, str]]:
    mentions = [alert["mention"] for alert in alerts]
    return Counter((mention["post"]["external_id"], mention["watchlist"]) for mention in mentions)


def _mailed(smtp: SmtpServer) -> Counter[tuple[str, str]]:
    """(recipient, watchlist) of every mail; each message has one Message-ID of its own."""
    assert len({mail.message["Message-ID"] for mail in smtp.mails}) == len(smtp.mails)
    return Counter(
        (mail.recipients[0], next(name for name in _NAMES if name in str(mail.message["Subject"]).lower()))
        for mail in smtp.mails
    )
