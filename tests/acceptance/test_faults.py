"""Faults of sources and hostile posts, from the server to what arrives. The numbers are those of docs/faults.md."""

from __future__ import annotations

import gzip
import json
import signal
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import count
from typing import Any

from aiohttp.web import Request, Response

from tests.acceptance.running import (
    ACME,
    CONSOLE,
    GLOBEX,
    Feed,
    Hook,
    Installation,
    configuration,
    feed_source,
    ids,
    item,
    mailbox,
    until,
    webhook,
)
from tests.servers import Web, serve_web
from tests.slack_server import TOKEN, serve_slack
from tests.smtp_server import readable, serve_smtp

BROKEN = "My Acme is broken"
RSS = "application/rss+xml"


def _asked(web: Web, path: str) -> int:
    return sum(request.path == path for request in web.requests)


async def _health(installed: Installation) -> dict[str, Any]:
    [source] = await installed.listing("sources")
    health: dict[str, Any] = source
    return health


async def test_f14_the_same_etag_with_200_alerts_nobody_again(installed: Installation, web: Web, feed: Feed) -> None:
    feed.items = [item(number, BROKEN) for number in range(5)]
    feed.headers = {"ETag": '"one"', "Last-Modified": "Sat, 21 Nov 2026 10:00:00 GMT"}
    installed.write(configuration([feed_source(web)], [CONSOLE]))
    assert len((await installed.once()).lines) == 5
    second = await installed.once()
    assert (second.code, second.lines) == (0, [])
    assert web.requests[-1].headers["if-none-match"] == '"one"'
    feed.items.append(item(5, BROKEN))  # under the same validators
    assert ids((await installed.once()).lines) == ["https://news.example/5"]


async def test_f15_a_server_that_asks_to_wait_is_left_alone_by_the_next_start_too(
    installed: Installation, web: Web
) -> None:
    web["/feed.xml"] = (429, {"Retry-After": "3600"}, b"")
    async with serve_web() as other:  # polled as often, so that one can see the time pass
        other["/feed.xml"] = Feed()
        installed.write(configuration([feed_source(web), feed_source(other, name="other")], [CONSOLE]))
        for _ in range(2):
            async with installed.daemon() as daemon:
                await until(lambda: len(other.requests) >= 3, "three passes of the other feed")
                assert await daemon.ask(signal.SIGTERM) == 0
            other.requests.clear()
    assert _asked(web, "/feed.xml") == 1
    [health] = [source for source in await installed.listing("sources") if source["source"] == "news"]
    wait = datetime.fromisoformat(health["next"]) - datetime.now(UTC)
    assert timedelta(minutes=58) < wait <= timedelta(hours=1)


async def test_f16_a_permanent_redirect_is_kept_after_three_sightings(
    installed: Installation, web: Web, feed: Feed
) -> None:
    feed.items = [item(0, BROKEN)]
    web["/old.xml"] = (301, {"Location": web.url("/feed.xml")}, b"")
    installed.write(configuration([feed_source(web, url=web.url("/old.xml"))], [CONSOLE]))
    arrived = [len((await installed.once()).lines) for _ in range(5)]
    assert arrived == [1, 0, 0, 0, 0]
    assert (_asked(web, "/old.xml"), _asked(web, "/feed.xml")) == (3, 5)


async def test_f17_a_feed_that_is_gone_is_switched_off_until_somebody_enables_it(
    installed: Installation, web: Web, feed: Feed
) -> None:
    web["/feed.xml"] = (410, {}, b"")
    installed.write(configuration([feed_source(web)], [CONSOLE], operations={"receiver": "screen"}))
    gone = await installed.once()
    assert gone.code == 4
    [notice] = gone.lines
    assert (notice["reason"], notice["mentions"]) == ("notice", [])
    assert "mentiond sources enable news" in notice["notice"]
    health = await _health(installed)
    assert (health["state"], health["next"]) == ("off", None)
    again = await installed.once()
    assert (again.code, again.lines) == (4, [])
    assert _asked(web, "/feed.xml") == 1
    feed.items = [item(0, BROKEN)]
    web["/feed.xml"] = feed
    enabled = await installed.mentiond("sources", "enable", "news", "-c", installed.config)
    assert (enabled.code, enabled.out) == (0, "news is on and due now\n")
    assert ids((await installed.once()).lines) == ["https://news.example/0"]


async def test_f19_a_bomb_is_counted_and_not_fetched_again_at_once(installed: Installation, web: Web) -> None:
    bomb = gzip.compress(b"<rss>" + bytes(200 * 2**20))
    web["/feed.xml"] = (200, {"Content-Type": RSS, "Content-Encoding": "gzip"}, bomb)
    installed.write(configuration([feed_source(web, every="5m")], [CONSOLE]))
    assert (await installed.once()).code == 4
    health = await _health(installed)
    assert (health["state"], health["failures"]) == ("failing", 1)
    assert "larger than" in health["error"]
    assert datetime.fromisoformat(health["next"]) > datetime.now(UTC) + timedelta(minutes=3)


async def test_f21_an_html_page_is_no_recovery(installed: Installation, web: Web, feed: Feed) -> None:
    feed.items = [item(0, BROKEN)]
    installed.write(configuration([feed_source(web)], [CONSOLE]))
    assert len((await installed.once()).lines) == 1
    web["/feed.xml"] = (500, {}, b"")
    assert (await installed.once()).code == 4
    page = b"<!doctype html><html><head><title>Just a moment...</title></head><body>Log in</body></html>"
    web["/feed.xml"] = (200, {"Content-Type": "text/html"}, page)
    assert (await installed.once()).code == 4
    health = await _health(installed)
    assert (health["state"], health["failures"]) == ("failing", 2)
    assert "not a feed" in health["error"]
    web["/feed.xml"] = feed
    recovered = await installed.once()
    assert (recovered.code, recovered.lines) == (0, [])
    assert (await _health(installed))["state"] == "ok"


async def test_f23_guids_that_change_at_every_poll_raise_no_storm(installed: Installation, web: Web) -> None:
    polls = count()

    async def churning(request: Request) -> Response:
        poll = next(polls)
        items = [item(number, BROKEN, guid=f"{poll}-{number}") for number in range(30 + poll)]
        return Response(text=f"<rss version='2.0'><channel>{''.join(items)}</channel></rss>", content_type=RSS)

    web["/feed.xml"] = churning
    installed.write(configuration([feed_source(web)], [CONSOLE]))
    runs = [await installed.once() for _ in range(4)]
    assert [len(run.lines) for run in runs] == [30, 1, 1, 1]
    assert [run.err.count("told apart by link") for run in runs] == [0, 1, 0, 0]
    assert (await _health(installed))["gaps"] == 0


async def test_f24_an_edit_alerts_where_it_brings_something_new(installed: Installation, web: Web, feed: Feed) -> None:
    installed.write(configuration([feed_source(web)], [CONSOLE], watchlists=[ACME, GLOBEX]))
    told, published = [], format_datetime(datetime.now(UTC))
    for text in (
        "A review of the Acme Phone",
        "A review of the Acme Phone.",  # a typo mended
        "A review of the Acme Phone and of Globex",  # a brand added
        "A review of the Acme Phone",  # and removed
        "A review of the Acme Phone and of Globex",  # and added once more
        "A review of the broken Acme Phone",  # a label that was never there
    ):
        feed.items = [item(0, text, date=published)]
        ended = await installed.once()
        assert ended.code == 0, ended.err
        told.append([(alert["reason"], alert["mention"]["watchlist"]) for alert in ended.lines])
    assert told == [[("first", "acme")], [], [("edited", "globex")], [], [], [("edited", "acme")]]


async def test_f25_dates_that_cannot_be_hide_nothing(installed: Installation, web: Web, feed: Feed) -> None:
    dates = ["", "31 Feb 2026", "Mon, 01 Jan 0000 00:00:00 GMT", "Thu, 01 Jan 2041 00:00:00 GMT", "gestern", "1e400"]
    dates += [f"{datetime.now(UTC) - timedelta(hours=1):%a, %d %b %Y %H:%M:%S} {zone}" for zone in ("CET", "IST")]
    dates += [str(int((datetime.now(UTC) - timedelta(hours=1)).timestamp() * 1000))]
    feed.items = [item(0, "nothing")]
    installed.write(configuration([feed_source(web)], [CONSOLE]))
    assert (await installed.once()).lines == []
    feed.items += [item(number, BROKEN, date=date) for number, date in enumerate(dates, 1)]
    ended = await installed.once()
    posts = [alert["mention"]["post"] for alert in ended.lines]
    assert Counter(ids(ended.lines)) == Counter(f"https://news.example/{number}" for number in range(1, len(dates) + 1))
    now = datetime.now(UTC)
    assert all(now - timedelta(days=1) < datetime.fromisoformat(post["published_at"]) <= now for post in posts)


async def test_f26_an_archive_published_again_is_one_summary(
    installed: Installation, web: Web, feed: Feed, hook: Hook
) -> None:
    feed.items = [item(0, BROKEN)]
    installed.write(configuration([feed_source(web)], [CONSOLE, webhook(web)]))
    assert len((await installed.once()).lines) == 1
    feed.items += [item(number, BROKEN, age=timedelta(days=30 + number)) for number in range(1, 501)]
    feed.items += [item(501, BROKEN)]
    ended = await installed.once()
    digest, news = sorted(ended.lines, key=lambda alert: str(alert["reason"]))
    assert (digest["reason"], digest["count"], len(digest["mentions"])) == ("digest", 500, 500)
    assert (news["reason"], ids([news])) == ("first", ["https://news.example/501"])
    assert [alert["reason"] for alert in hook.alerts].count("digest") == 1
    assert len(hook.alerts) == 3
    held = await installed.listing("alerts", "--limit", "2000")
    assert Counter(row["state"] for row in held) == {"held": 1000, "sent": 6}
    assert (await installed.once()).lines == []


HOSTILE = (
    "Acme <!channel> <https://evil.example|your bank> ``` *bold*\r\nBcc: victim@example.com\r\n"
    "<script>alert(1)</script> <img src=x onerror=alert(2)> \x1b[2J\x1b]0;owned\x07 \u202eabc {{7*7}} </pre>"
)


async def test_f35_a_hostile_post_is_inert_wherever_it_arrives(installed: Installation, web: Web) -> None:
    post = {
        "text": HOSTILE,
        "title": "Acme\r\nBcc: victim@example.com",
        "author": "<!here> \x1b[31m",
        "url": "javascript:1",
    }
    (installed.folder / "posts.jsonl").write_text(json.dumps(post) + "\n")
    source = {"name": "export", "type": "file", "path": "posts.jsonl"}
    async with serve_slack() as slack, serve_smtp() as smtp:
        care = {"name": "care", "type": "slack", "base_url": slack.base, "token": TOKEN, "channel": "#care"}
        console = {"name": "screen", "type": "console"}
        installed.write(configuration([source], [console, care, mailbox(smtp.port, "a@example.com")]))
        ended = await installed.once()
        assert ended.code == 0, ended.err
    assert [sign for sign in ("\x1b", "\x07", "\u202e", "\r") if sign in ended.out + ended.err] == []
    [text] = slack.texts
    assert [sign for sign in ("<!channel>", "<!here>", "<https://evil", "javascript:") if sign in text] == []
    [mail] = smtp.mails
    assert mail.recipients == ("a@example.com",)
    assert mail.message["Bcc"] is None
    said = readable(mail.message)
    assert [sign for sign in ("<script", "<img", "onerror=alert", 'href="javascript') if sign in said] == []
    assert "your bank" in said
