"""The demonstration: who hears of what, and the servers that it brings along."""

from __future__ import annotations

import base64
import hmac
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
import aiosmtplib
import pytest
from aiohttp import web
from slack_sdk.signature import SignatureVerifier

from monitor.demo import crm, slack
from monitor.demo.algolia import algolia_routes
from monitor.demo.board import Board, serve
from monitor.demo.feeds import feed_routes
from monitor.demo.mailbox import serve_mailbox
from monitor.demo.screen import Screen
from monitor.demo.story import LENGTH, STORY, Scene

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DEMO = [sys.executable, "-m", "monitor.cli", "run", "--demo"]

CONSOLE, SLACK, MAIL, WEBHOOK = "console", "Slack #care", "Mail to pr@wendelvolt.example", "Webhook crm"
DIGEST = "Mail to lead@wendelvolt.example"  # goes out when its minute is over, which a quick run does not wait for
# Words of each post, and who has to hear of it how often.
HEARD = {
    "Rahmen von 2021": {CONSOLE: 1, SLACK: 1},
    "Friendly, fast and competent": {CONSOLE: 1},
    "Radschnellweg": {},
    "ein neues Display": {CONSOLE: 1, SLACK: 1},
    "works on 110 V": {CONSOLE: 1, SLACK: 1},
    "Bin kurz davor": {CONSOLE: 2, WEBHOOK: 1},  # seen from two watchlists
    "third time and the shop": {CONSOLE: 1},
    "Entwicklungszentrum": {},
    "stop charging at 80 %": {CONSOLE: 1},
    "crashes every morning": {CONSOLE: 1, SLACK: 1},
    "blinkt nur rot": {CONSOLE: 1, SLACK: 1},  # as edited
    "hold the button": {},  # our own account
    "Thinking of buying": {CONSOLE: 1, SLACK: 1, WEBHOOK: 1},
    "black with smoke": {CONSOLE: 1, SLACK: 1, MAIL: 1},
    "Treppenhaus": {CONSOLE: 1, SLACK: 1, MAIL: 1},
    "two neighbours": {CONSOLE: 1, SLACK: 1, MAIL: 1},
    "rät die Feuerwehr": {CONSOLE: 1, SLACK: 1, MAIL: 1},  # the article; its copy is told with it
    "wo die Seriennummer steht": {CONSOLE: 1, SLACK: 1},
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """The whole story, told once."""
    folder = tmp_path_factory.mktemp("demo")
    environ = os.environ | {"TMPDIR": str(folder)}
    done = subprocess.run([*DEMO, "--once"], capture_output=True, text=True, timeout=120, env=environ, check=False)
    assert list(folder.iterdir()) == [], "the temporary folder is still there"
    return done


def arrivals(output: str) -> list[tuple[str, str]]:
    """(who, what) of everything that was delivered, the text on one line and without marks."""
    found = []
    for paragraph in output.split("\n\n"):
        lead = re.match(r"(Slack|Mail|Webhook)[^|]*", paragraph)
        if lead is None and "  routed by:" not in paragraph:
            continue
        lines = (line.partition(" | ")[2] if lead else line for line in paragraph.split("\n"))
        found.append(
            (lead[0].strip() if lead else CONSOLE, re.sub(r"[\[\]*\u200b]", "", " ".join(" ".join(lines).split())))
        )
    return found


def test_everybody_hears_once_of_what_concerns_them(told: subprocess.CompletedProcess[str]) -> None:
    delivered = [(who, what) for who, what in arrivals(told.stdout) if who != DIGEST]
    heard = {words: Counter(who for who, what in delivered if words in what) for words in HEARD}
    assert heard == {words: Counter(expected) for words, expected in HEARD.items()}
    in_one_mail = sum(MAIL in expected for expected in HEARD.values()) - 1
    assert len(delivered) == sum(sum(expected.values()) for expected in HEARD.values()) - in_one_mail


def test_every_post_of_the_story_is_accounted_for() -> None:
    texts = {f"{scene.title} {scene.text}" for scene in STORY}
    assert all(any(words in text for words in HEARD) for text in texts)
    assert all(any(words in text for text in texts) for words in HEARD)


def test_it_ends_well_and_quietly(told: subprocess.CompletedProcess[str]) -> None:
    assert (told.returncode, told.stderr) == (0, "")
    assert "19 posts read; 18 mentions: " in told.stdout
    assert "alerts delivered: console 16, care-slack 11, crm 2, " in told.stdout
    assert "pr-mail 1" in told.stdout


def test_hostile_markup_is_inert(told: subprocess.CompletedProcess[str]) -> None:
    assert slack.PINGED not in told.stdout
    attack = "<!channel> <script>alert('pwned')</script> The Wendelvolt app"
    assert {who for who, what in arrivals(told.stdout) if attack in what} == {CONSOLE, SLACK}


def test_interrupting_it_ends_it_with_a_summary() -> None:
    with subprocess.Popen(DEMO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None and demo.stderr is not None
        assert any(line.startswith("  routed by:") for line in demo.stdout)
        demo.send_signal(signal.SIGINT)
        rest, errors = demo.communicate(timeout=20)
    assert (demo.returncode, errors) == (0, "")
    assert "posts read" in rest and "mentiond check" in rest


def test_the_story_is_in_order_and_leaves_time_to_deliver() -> None:
    moments = [scene.at for scene in STORY]
    assert moments == sorted(moments) and moments[0] == 0 and moments[-1] + 20 <= LENGTH


@pytest.fixture
def board() -> Board:
    """The whole story, a scene a minute."""
    board = Board()
    for minute, scene in enumerate(STORY):
        board.publish(scene, NOW + timedelta(minutes=minute))
    return board


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.mark.parametrize("path", ["/atom.xml", "/rss.xml", "/feed.json"])
async def test_a_feed_is_sent_again_only_when_it_changed(
    path: str, board: Board, client: aiohttp.ClientSession
) -> None:
    async with serve(feed_routes(board)) as base:
        first = await client.get(base + path)
        conditions = {"If-None-Match": first.headers["ETag"]}
        assert (await client.get(base + path, headers=conditions)).status == 304
        for place in ("radtreff", "pedalboard", "stadtticker"):
            old = board.newest_first(place)[-1].scene
            board.publish(replace(old, text="Nachtrag <b>"), NOW + timedelta(days=1))
        changed = await client.get(base + path, headers=conditions)
        assert changed.status == 200 and "Nachtrag" in await changed.text()


async def test_an_edit_keeps_the_date_of_publication() -> None:
    board = Board()
    scene = Scene(at=0, says="", place="radtreff", id="1", author="a", text="b")
    for moment in (NOW, NOW + timedelta(hours=1)):
        board.publish(scene, moment)
    (posted,) = board.newest_first("radtreff")
    assert (posted.published_at, posted.updated_at) == (NOW, NOW + timedelta(hours=1))


async def _search(client: aiohttp.ClientSession, base: str, **query: str) -> tuple[int, Any]:
    response = await client.get(f"{base}/api/v1/search_by_date", params=query)
    return response.status, await response.json()


async def test_the_search_filters_by_time_newest_first(board: Board, client: aiohttp.ClientSession) -> None:
    async with serve(algolia_routes(board)) as base:
        _, everything = await _search(client, base)
        times = [hit["created_at_i"] for hit in everything["hits"]]
        assert len(times) == 5 and times == sorted(times, reverse=True)
        _, within = await _search(client, base, numericFilters=f"created_at_i>{times[4]},created_at_i<{times[0]}")
        assert [hit["created_at_i"] for hit in within["hits"]] == times[1:4]
        _, second = await _search(client, base, hitsPerPage="2", page="1")
        assert [hit["created_at_i"] for hit in second["hits"]] == times[2:4]


@pytest.mark.parametrize("query", [{"numericFilters": "points>1"}, {"hitsPerPage": "many"}, {"page": "-1"}])
async def test_the_search_refuses_what_it_does_not_understand(
    query: dict[str, str], board: Board, client: aiohttp.ClientSession
) -> None:
    async with serve(algolia_routes(board)) as base:
        status, _ = await _search(client, base, **query)
        assert status == 400


class Lines:
    """A screen that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.screen = Screen(self.lines.append)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


async def test_mail_is_shown_whole_first_and_then_in_short() -> None:
    shown = Lines()
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@b.example", "pr@c.example", "Krise: Müller \N{FIRE}"
    message.set_content("Lage\n\n> zitiert\n.\n..\nEnde\n")
    async with serve_mailbox(shown.screen) as port:
        for _ in range(2):
            await aiosmtplib.send(message, hostname="127.0.0.1", port=port, start_tls=False, use_tls=False)
    first, second = shown.lines
    assert re.findall(r"\| (.+)", first) == ["Subject: Krise: Müller \N{FIRE}", "Lage", "> zitiert", ".", "..", "Ende"]
    assert re.findall(r"\| (.+)", second) == ["Subject: Krise: Müller \N{FIRE}", "> zitiert"]
    assert shown.screen.arrived == {"Mail to pr@c.example": 2}


def _text(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def test_unescaped_markup_would_take_effect_in_slack() -> None:
    block = _text(">a &lt;!here&gt; \u200b*b*\u200b\n<!channel> <https://x.example/|there>")
    assert list(slack.visible(block)) == ["> a <!here> *b*", f"@channel {slack.PINGED} there (https://x.example/)"]


def test_slack_shows_signs_and_times_as_people_see_them() -> None:
    state = {"type": "context", "elements": [{"type": "mrkdwn", "text": ":red_circle: *New* (<!date^1^{ago}|then>)"}]}
    called = {"type": "section", "text": {"type": "mrkdwn", "text": "<@U0KIM> &lt;b&gt;"}}
    assert list(slack.visible(state)) == ["● *New* (then)"]
    assert list(slack.visible(called)) == ["@Kim <b>"]


def _message(**more: Any) -> dict[str, Any]:
    text = {"type": "plain_text", "text": "Claim"}
    button = {"type": "button", "action_id": "claim", "value": "m7", "text": text}
    return {
        "channel": "#care",
        "text": "x",
        "blocks": [_text("said"), {"type": "actions", "elements": [button]}],
    } | more


async def test_the_viewer_presses_a_button(client: aiohttp.ClientSession) -> None:
    shown, pressed = Lines(), list[dict[str, Any]]()

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        verifier = SignatureVerifier(slack.SIGNING_SECRET)
        assert verifier.is_valid_request(body, dict(request.headers))
        pressed.append(json.loads(dict(parse_qsl(body.decode()))["payload"]))
        return web.Response()

    async with serve([web.post("/receivers/care-slack", take)]) as mentiond:
        workspace = slack.Slack(shown.screen, f"{mentiond}/receivers/care-slack")
        async with serve(workspace.routes()) as base:
            headers = {"Authorization": f"Bearer {slack.TOKEN}"}
            posted = await (await client.post(f"{base}/api/chat.postMessage", json=_message(), headers=headers)).json()
            assert "[1a Claim]" in shown.text
            await workspace.press(" 1A ")
            await workspace.press("2a")
            await workspace.press("1b")
            edited = _message(ts=posted["ts"], blocks=[_text("said"), _text("Kim has it")])
            await client.post(f"{base}/api/chat.update", json=edited, headers=headers)
    [payload] = pressed
    assert (payload["actions"][0]["action_id"], payload["actions"][0]["value"]) == ("claim", "m7")
    assert payload["user"]["id"] == "U0KIM"
    assert shown.text.count("Type the number and the letter") == 2
    assert re.findall(r"\| (.+)", shown.lines[-1]) == ["Kim has it"]


async def test_slack_shows_the_first_message_whole(client: aiohttp.ClientSession) -> None:
    shown = Lines()
    header = {"type": "header", "text": {"type": "plain_text", "text": "A &amp; B"}}
    note = {"type": "context", "elements": [{"type": "mrkdwn", "text": ":warning: edited"}]}
    message = {"channel": "#care", "text": "x", "blocks": [header, note, _text(">said"), _text("why")]}
    async with serve(slack.Slack(shown.screen, "").routes()) as base:
        url = f"{base}/api/chat.postMessage"
        refused = await (await client.post(url, json=message)).json()
        assert refused == {"ok": False, "error": "invalid_auth"}
        for _ in range(2):
            answer = await client.post(url, json=message, headers={"Authorization": f"Bearer {slack.TOKEN}"})
            assert (await answer.json())["ok"]
    whole, gist = (re.findall(r"\| (.+)", text) for text in shown.lines)
    assert (whole, gist) == (["A & B", "! edited", "> said", "why"], ["A & B", "! edited", "> said"])


@pytest.mark.parametrize("age", [0, 301])
@pytest.mark.parametrize("signature", ["v1,AAAA", "", "é", "v2,x v1,y"])
async def test_the_webhook_receiver_believes_no_wrong_signature(
    signature: str, age: int, client: aiohttp.ClientSession
) -> None:
    shown = Lines()
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(NOW.timestamp()) - age),
        "webhook-signature": signature,
    }
    async with serve(crm.crm_routes(shown.screen, lambda: NOW)) as base:
        answer = await client.post(f"{base}/hooks/mentions", data=b"{}", headers=headers)
    assert answer.status == 401 and "refused" in shown.text


def test_an_old_message_is_not_believed_whatever_its_signature() -> None:
    signed = _signed(b"{}", NOW)
    assert crm.is_signed(signed, b"{}", NOW.timestamp())
    assert not crm.is_signed(signed, b"{} ", NOW.timestamp())
    assert not crm.is_signed(signed, b"{}", NOW.timestamp() + crm.TOLERANCE + 1)


def _signed(body: bytes, moment: datetime) -> dict[str, str]:
    """As the Standard Webhooks specification has it, written anew here."""
    key = base64.b64decode(crm.SECRET.removeprefix("whsec_"))
    stamp = str(int(moment.timestamp()))
    digest = hmac.new(key, b".".join([b"msg_1", stamp.encode(), body]), "sha256").digest()
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": stamp,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }


def test_the_screen_shows_control_characters_and_obeys_none() -> None:
    shown = Lines()
    shown.screen.arrive("Mail to a", _hostile())
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown.text)


def _hostile() -> Iterable[str]:
    return ["\x1b[2Jgone", "bell\x07", "\x9b31m", "over\rwritten"]


def test_nothing_of_the_demonstration_is_loaded_by_a_normal_run() -> None:
    code = "import sys, monitor.commands.run; print([name for name in sys.modules if name.startswith('monitor.demo')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert done.stdout == "[]\n"
