"""What the commands do when nothing is wrong, how the daemon ends, and how fast `check` is."""

from __future__ import annotations

import asyncio
import json
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp.web import Request, Response

from monitor.commands import FAILED, OK, STILL_OWED, STORE, TROUBLE, USAGE
from monitor.store import Store
from tests import postgres
from tests.acceptance.running import (
    CONSOLE,
    GLOBEX,
    Feed,
    Hook,
    Installation,
    configuration,
    feed_source,
    ids,
    item,
    until,
    webhook,
)
from tests.monitor.builders import owe
from tests.servers import Web

ROOT = Path(__file__).parents[2]
FILE: dict[str, Any] = {"name": "export", "type": "file", "path": "posts.jsonl"}
SLOWEST_CHECK = 4.0  # seconds, on a slow machine beside other tests; `benchmarks.starting` measures it


@pytest.fixture
def filed(installed: Installation) -> Installation:
    """Reads two posts from a file, one of which matches."""
    posts = [{"external_id": "1", "text": "My Acme is broken"}, {"external_id": "2", "text": "nothing"}]
    (installed.folder / "posts.jsonl").write_text("".join(json.dumps(post) + "\n" for post in posts))
    installed.write(configuration([FILE], [CONSOLE]))
    return installed


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_daemon_with_0(filed: Installation, number: signal.Signals) -> None:
    async with filed.daemon() as daemon:
        await until(lambda: len(daemon.alerts) == 1, "the alert")
        assert await daemon.ask(number) == OK
        assert "Traceback" not in daemon.log.read_text()


async def test_a_signal_during_the_start_ends_it_too(filed: Installation) -> None:
    async with filed.daemon() as daemon:
        await until((filed.folder / "mentiond.db").exists, "the store to be made")
        assert await daemon.ask(signal.SIGTERM) == OK
        assert "Traceback" not in daemon.log.read_text()


async def test_a_signal_waits_for_what_is_being_sent(installed: Installation, web: Web, feed: Feed, hook: Hook) -> None:
    released = asyncio.Event()

    async def slow(request: Request) -> Response:
        await released.wait()
        return await hook(request)

    web["/hook"] = slow
    feed.items = [item(number, "My Acme is broken") for number in range(3)]
    installed.write(configuration([feed_source(web)], [webhook(web)]))
    async with installed.daemon() as daemon:
        await until(lambda: any(request.path == "/hook" for request in web.requests), "the first alert on its way")
        daemon.process.send_signal(signal.SIGTERM)
        await until(lambda: "stopping" in daemon.log.read_text(), "the signal to be heard")
        released.set()
        assert await daemon.process.wait() == OK
    assert len(hook.alerts) == 1
    states = [(row["state"], row["attempts"]) for row in await installed.listing("alerts")]
    assert sorted(states) == [("owed", 0), ("owed", 0), ("sent", 1)]
    web["/hook"] = hook
    assert (await installed.once()).code == OK
    assert ids(hook.alerts) == [f"https://news.example/{number}" for number in range(3)]
    assert not any(alert["possibly_sent_twice"] for alert in hook.alerts)


async def test_f5_a_second_daemon_on_one_file_is_refused_and_the_lock_is_free_after_a_kill(filed: Installation) -> None:
    async with filed.daemon() as daemon:
        await until(lambda: len(daemon.alerts) == 1, "the first daemon")
        for second in (await filed.once(), await filed.mentiond("run", "-c", filed.config)):
            second.said_plainly(STORE, "another mentiond daemon", str(daemon.process.pid), "store.url")
        assert await daemon.ask(signal.SIGKILL) == -signal.SIGKILL
    assert (await filed.once()).code == OK


async def test_f10_eight_commands_write_at_once_beside_the_daemon(filed: Installation) -> None:
    filed.write(configuration([FILE | {"every": "1s"}], [CONSOLE]))
    async with filed.daemon() as daemon:
        await until(lambda: len(daemon.alerts) == 1, "the first pass")
        writers = [filed.mentiond("sources", "enable", "export", "-c", filed.config) for _ in range(8)]
        for ended in await asyncio.gather(*writers):
            assert (ended.code, ended.err) == (OK, "")
        with (filed.folder / "posts.jsonl").open("a") as posts:
            posts.write('{"external_id": "3", "text": "Acme again"}\n')
        await until(lambda: len(daemon.alerts) == 2, "the daemon to go on")
        assert await daemon.ask(signal.SIGTERM) == OK
        assert "locked" not in daemon.log.read_text()


async def test_a_second_daemon_on_one_postgresql_waits_and_takes_over(
    filed: Installation, postgres_server: str
) -> None:
    with postgres.database(postgres_server) as url:
        filed.write(configuration([FILE | {"every": "1s"}], [CONSOLE], store={"url": url}))
        async with filed.daemon() as first:
            await until(lambda: len(first.alerts) == 1, "the first daemon")
            (await filed.once()).said_plainly(STORE, "another mentiond daemon")
            async with filed.daemon() as second:
                await until(lambda: "standby" in second.log.read_text(), "the standby")
                assert await first.ask(signal.SIGTERM) == OK
                with (filed.folder / "posts.jsonl").open("a") as posts:
                    posts.write('{"external_id": "3", "text": "Acme again"}\n')
                await until(lambda: len(second.alerts) == 2, "the takeover")
                assert await second.ask(signal.SIGTERM) == OK
    assert ids(second.alerts) == ["1", "3"]


async def test_listings_go_on_beside_a_running_daemon(filed: Installation) -> None:
    async with filed.daemon() as daemon:
        await until(lambda: len(daemon.alerts) == 1, "the alert")
        await until(lambda: "page stored" in daemon.log.read_text(), "the page")
        [source] = await filed.listing("sources")
        assert (source["source"], source["type"], source["posts"]) == ("export", "file", 2)
        [alert] = await filed.listing("alerts")
        assert (alert["receiver"], alert["reason"]) == ("screen", "first")
        listed = await filed.mentiond("sources", "--json", "-c", filed.config, "list")  # options count on either side
        assert [line["source"] for line in listed.lines] == ["export"]
        assert await daemon.ask(signal.SIGTERM) == OK


MENTIOND = f"{sys.executable} -m monitor.cli"
WORDS = f"{sys.executable} -m tests.crash.entry never 1 words run"  # with a word list in place of the model


def _shell(command: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the shell; the exit codes of its pipe come last on standard output."""
    script = f"{command}; codes=${{PIPESTATUS[@]}}; echo; echo $codes"
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)


@pytest.fixture
def long(installed: Installation) -> Installation:
    """1,000 posts in a file, every one of which matches: more than a pipe holds."""
    with (installed.folder / "posts.jsonl").open("w") as posts:
        posts.writelines(json.dumps({"external_id": str(n), "text": f"Acme {'x' * 500}"}) + "\n" for n in range(1000))
    installed.write(configuration([FILE], [CONSOLE]))
    return installed


def test_a_reader_that_goes_away_is_no_error(long: Installation) -> None:
    posts = long.folder / "posts.jsonl"
    for command in (f"query acme {posts}", f"classify {posts}", f"check -c {long.config}"):
        ended = _shell(f"{MENTIOND} {command} | head -0")
        assert ended.stdout.split() == ["0", "0"]
        assert [line for line in ended.stderr.splitlines() if not line.startswith("read as: ")] == []


def test_a_full_disk_is_said_once(long: Installation) -> None:
    for command in (f"query acme {long.folder}/posts.jsonl", f"check -c {long.config}", f"alerts -c {long.config}"):
        ended = _shell(f"{MENTIOND} {command} > /dev/full")
        assert ended.stdout.split() == [str(FAILED)]
        messages = [line for line in ended.stderr.splitlines() if not line.startswith("read as: ")]
        assert messages == ["mentiond: [Errno 28] No space left on device"]


@pytest.mark.parametrize("output", ["| head -1", ">&-"])
async def test_alerts_that_nobody_can_read_stay_owed(filed: Installation, output: str) -> None:
    with (filed.folder / "posts.jsonl").open("a") as posts:
        posts.writelines(json.dumps({"external_id": f"a{n}", "text": "Acme " * 5000}) + "\n" for n in range(20))
    ended = await asyncio.to_thread(_shell, f"{WORDS} --once -c {filed.config} {output}")
    assert ended.stdout.splitlines()[-1][0] == str(STILL_OWED)
    assert "Traceback" not in ended.stderr
    assert Counter(row["state"] for row in await filed.listing("alerts"))["owed"] >= 18
    again = await filed.once()
    assert again.code == OK
    assert len(again.lines) >= 18


def test_alerts_into_a_pipe_that_is_closed(filed: Installation, sqlite_url: str) -> None:
    store = Store(sqlite_url)
    owe(store, 2000, receiver="screen")
    store.close()
    ended = _shell(f"{MENTIOND} alerts --limit 2000 -c {filed.config} | head -1")
    assert ended.stdout.startswith("id ")
    assert ended.stdout.split()[-2:] == ["0", "0"]
    assert ended.stderr == ""


async def test_check_connect_asks_everybody_and_posts_nothing(
    installed: Installation, web: Web, feed: Feed, hook: Hook
) -> None:
    gone = feed_source(web, name="gone", url=web.url("/gone.xml"))
    installed.write(configuration([feed_source(web)], [CONSOLE, webhook(web)]))
    asked = await installed.mentiond("check", "--connect", "-c", installed.config)
    assert asked.code == OK, asked.out
    asked_for = [line.split()[:3] for line in asked.out.splitlines()[1:] if "warning: " not in line]
    assert asked_for == [
        ["ok", "source", "news:"],
        ["ok", "receiver", "screen:"],
        ["ok", "receiver", "hook:"],
    ]
    installed.write(configuration([feed_source(web), gone], [CONSOLE]))
    probes = await installed.mentiond("check", "--connect", "--json", "-c", installed.config)
    assert probes.code == TROUBLE
    assert [(probe["name"], probe["ok"]) for probe in probes.lines] == [
        ("news", True),
        ("gone", False),
        ("screen", True),
    ]
    assert hook.alerts == []


async def test_schema_and_classify_and_query(filed: Installation) -> None:
    assert json.loads((await filed.mentiond("schema")).out)["title"] == "mentiond configuration"
    posts = str(filed.folder / "posts.jsonl")
    classified = await filed.mentiond("classify", posts)
    assert [line["external_id"] for line in classified.lines] == ["1", "2"]
    found = await filed.mentiond("query", "acme NOT jobs", posts, "--json")
    assert [line["external_id"] for line in found.lines] == ["1"]
    shown = await filed.mentiond("query", "acme", posts)
    assert shown.out == "line 1: My [Acme] is broken\n"
    assert (await filed.once()).code == OK
    stored = await filed.mentiond("query", "acme", "--since", "1h", "--json", "-c", filed.config)
    assert [line["external_id"] for line in stored.lines] == ["1"]


async def test_routes_test_names_who_hears_of_it(filed: Installation, web: Web) -> None:
    routes = {
        "receiver": "screen",
        "routes": [
            {"matchers": ["label = crisis", "score >= 0.8"], "receiver": "hook", "continue": True},
            {"matchers": ["watchlist_kind = competitor"], "receiver": "none"},
        ],
    }
    config = configuration([FILE], [CONSOLE, webhook(web)], watchlists=[GLOBEX]) | {"routes": routes}
    filed.write(config)
    for facts, receivers in (
        (["label=crisis", "score=0.9", "watchlist_kind=brand"], ["hook"]),
        (["label=crisis", "score=0.5", "watchlist_kind=brand"], ["screen"]),
        (["label=praise", "watchlist=globex"], []),
        (["label=none", "watchlist_kind=brand"], []),
    ):
        heard = await filed.mentiond("routes", "test", *facts, "--json", "-c", filed.config)
        assert [line["receiver"] for line in heard.lines] == receivers
    shown = await filed.mentiond("routes", "test", "label=crisis", "watchlist_kind=brand", "-c", filed.config)
    assert "hears of it: hook" in shown.out.splitlines()


async def test_train_refuses_a_corpus_that_is_none(filed: Installation) -> None:
    corpus = filed.folder / "corpus"
    corpus.mkdir()
    (corpus / "en.jsonl").write_text('{"text": 1}\n')
    ended = await filed.mentiond("train", "--corpus", corpus, "--out", filed.folder / "models")
    assert ended.code == USAGE
    assert "Traceback" not in ended.err
    assert not (filed.folder / "models").exists()


def test_check_takes_a_fraction_of_a_second(say: Callable[[str], None]) -> None:
    took = []
    for _ in range(5):
        begun = time.perf_counter()
        command = [sys.executable, "-m", "monitor.cli", "check", "-c", "config.example.yaml"]
        subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
        took.append(time.perf_counter() - begun)
    median = statistics.median(took)
    say(f"mentiond check: median {median:.2f} s of {len(took)} ({min(took):.2f} to {max(took):.2f})")
    assert median < SLOWEST_CHECK
