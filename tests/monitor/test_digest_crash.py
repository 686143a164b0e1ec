"""kill -9 while digests are gathered, claimed and sent: every mention in one of them, each of them once (fault 11)."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from tests.crash.entry import POINTS
from tests.crash.scene import open_scene
from tests.smtp_server import Mail, readable, serve_smtp

CONFIG = """
store: {{url: "{store}"}}
http: {{allow_hosts: ["127.0.0.1"], per_host: 8}}
watchlists:
  - {{name: acme, kind: brand, names: [Acme], query: acme}}
  - {{name: globex, kind: competitor, names: [Globex], query: globex}}
sources:
  - {{name: news, type: feed, url: "{base}/feed.xml", every: 1s}}
receivers:
  - {{name: mail, type: email, to: [kim@example.com], from: m@example.com, digest: 2s,
     smtp: {{host: 127.0.0.1, port: PORT, tls: none}}}}
routes:
  receiver: mail
"""


def told(mails: list[Mail]) -> dict[str, set[tuple[str, str]]]:
    """By Message-ID the mentions of a digest: (address of the post, watchlist)."""
    found: dict[str, set[tuple[str, str]]] = {}
    for mail in mails:
        text = readable(mail.message).partition("<!doctype")[0].replace("\r\n", "\n")
        items = re.findall(r"^- .*about (\w+).*\n  .*\n  (http\S+)$", text, re.MULTILINE)
        mentions = {(address, watchlist) for watchlist, address in items}
        assert mentions
        assert found.setdefault(str(mail.message["Message-ID"]), mentions) == mentions  # a resend is the same digest
    return found


async def test_f11_killed_at_any_point_every_mention_is_in_one_digest(
    store_url: str, tmp_path: Path, say: Callable[[str], None]
) -> None:
    async with serve_smtp() as smtp, open_scene(tmp_path, store_url) as scene:
        scene.config = CONFIG.replace("PORT", str(smtp.port))
        scene.arrived = lambda: set().union(*told(smtp.mails).values())
        for point in POINTS:
            scene.plant(entries=3, items=0, matching=0)
            await scene.run_until_killed(point, count=1)
        await scene.run_until_drained()
    digests = told(smtp.mails)
    places = [mention for mentions in digests.values() for mention in mentions]
    counted = f"{len(places)} mentions in {len(digests)} digests, {len(smtp.mails)} mails"
    say(f"{store_url.split(':')[0]}: {len(POINTS)} kills, {counted}")
    assert sorted(places) == sorted(scene.planted)
    assert len(smtp.mails) - len(digests) <= 1  # the reply that a kill took
