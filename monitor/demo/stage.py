"""The stage: opens the servers and the daemon, tells the story, sums up."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from monitor.assembly import utc_now
from monitor.commands import OK, CommandError
from monitor.config import Config, load
from monitor.demo import crm, slack
from monitor.demo.algolia import algolia_routes
from monitor.demo.board import HOST, Board, serve
from monitor.demo.feeds import feed_routes
from monitor.demo.keys import typed_lines
from monitor.demo.mailbox import serve_mailbox
from monitor.demo.screen import Screen
from monitor.demo.story import LENGTH, STORY, Scene
from monitor.demo.summary import read_summary, summary_lines
from monitor.model import load_classifier
from monitor.node import run as run_daemon
from monitor.store import Store
from rules.base import Classifier

CONFIG = Path(__file__).with_name("demo.yaml")
ON_FROM_HERE = """\
That was the whole product on invented posts. On your own:
  cp config.example.yaml config.yaml      your brands, feeds and receivers (docs/configuration.md)
  mentiond check -c config.yaml           is it all right?
  mentiond run -c config.yaml             off you go
The configuration you have just seen at work: monitor/demo/demo.yaml"""


async def perform(screen: Screen, stop: asyncio.Event, *, once: bool) -> int:
    """Everything from the first server to the summary; return the exit code. `stop` ends it early.

    Raises CommandError where there is no room for the store, and what the daemon raises.
    """
    board, port = Board(), _free_port()
    workspace = slack.Slack(screen, f"http://{HOST}:{port}/receivers/care-slack")
    with _temporary_folder() as folder:
        async with _open_servers(board, screen, workspace) as addresses:
            config = load(CONFIG, addresses | {"DEMO_FOLDER": folder, "DEMO_PORT": str(port)})
            classifier = await asyncio.to_thread(load_classifier, config.languages)
            if stop.is_set():
                return OK
            if once:
                return await _play_at_once(config, classifier, board, screen, stop)
            pressing = asyncio.create_task(_press(workspace))
            try:
                return await _play(config, classifier, board, screen, stop)
            finally:
                pressing.cancel()


async def _press(workspace: slack.Slack) -> None:
    """The viewer presses the buttons of the local Slack."""
    async for line in typed_lines():
        await workspace.press(line)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind((HOST, 0))
        port: int = free.getsockname()[1]
        return port


def _temporary_folder() -> TemporaryDirectory[str]:
    try:
        return TemporaryDirectory(prefix="mentiond-demo-")
    except OSError as error:
        raise CommandError(f"the demonstration needs a temporary folder (TMPDIR): {error.strerror}") from error


@asynccontextmanager
async def _open_servers(board: Board, screen: Screen, workspace: slack.Slack) -> AsyncIterator[dict[str, str]]:
    """Everything that listens; gives the values that demo.yaml names."""
    async with AsyncExitStack() as stack:
        feeds = await stack.enter_async_context(serve(feed_routes(board)))
        yield {
            "DEMO_RADTREFF": f"{feeds}/atom.xml",
            "DEMO_PEDALBOARD": f"{feeds}/rss.xml",
            "DEMO_STADTTICKER": f"{feeds}/feed.json",
            "DEMO_HACKERNEWS": await stack.enter_async_context(serve(algolia_routes(board))),
            "DEMO_SLACK": await stack.enter_async_context(serve(workspace.routes())),
            "DEMO_SLACK_TOKEN": slack.TOKEN,
            "DEMO_SLACK_SECRET": slack.SIGNING_SECRET,
            "DEMO_SMTP_PORT": str(await stack.enter_async_context(serve_mailbox(screen))),
            "DEMO_WEBHOOK": await stack.enter_async_context(serve(crm.crm_routes(screen, utc_now))) + "/hooks/mentions",
            "DEMO_WEBHOOK_SECRET": crm.SECRET,
        }


async def _play(config: Config, classifier: Classifier, board: Board, screen: Screen, stop: asyncio.Event) -> int:
    teller = asyncio.create_task(_tell(board, screen, stop))
    try:
        code = await run_daemon(config, classifier, stop, once=False)
    finally:
        stop.set()
        await teller
    await _sum_up(config, screen, show_delay=True)
    return code


async def _tell(board: Board, screen: Screen, stop: asyncio.Event) -> None:
    """Publish scene by scene; set `stop` when the time is up, or when nobody reads any more (BrokenPipeError)."""
    clock = asyncio.get_running_loop().time
    beginning = clock()
    try:
        for scene in STORY:
            if await _is_stopped(stop, beginning + scene.at - clock()):
                return
            screen.narrate(scene.at, scene.says)
            board.publish(scene, utc_now())
        if not await _is_stopped(stop, beginning + LENGTH - clock()):
            screen.narrate(int(LENGTH), "The story ends here.")
    finally:
        stop.set()


async def _is_stopped(stop: asyncio.Event, seconds: float) -> bool:
    """Wait, unless `stop` is set meanwhile."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), max(0.0, seconds))
    return stop.is_set()


async def _play_at_once(
    config: Config, classifier: Classifier, board: Board, screen: Screen, stop: asyncio.Event
) -> int:
    """Two rounds, because an edit is one only to whoever has read the post before."""
    code = OK
    screen.say("With --once there is no waiting: everything is published now.\n")
    beginning = utc_now() - timedelta(seconds=LENGTH)
    for scenes in _rounds(STORY):
        for scene in scenes:
            screen.narrate(scene.at, scene.says)
            board.publish(scene, beginning + timedelta(seconds=scene.at))
        code = max(code, await _unless(stop, run_daemon(config, classifier, stop, once=True)))
        if stop.is_set():
            return OK
    await _sum_up(config, screen, show_delay=False)
    return code


def _rounds(story: Iterable[Scene]) -> tuple[list[Scene], list[Scene]]:
    """Scenes in which a post is new, and scenes in which it is edited."""
    new: dict[tuple[str, str], Scene] = {}
    edits = [scene for scene in story if new.setdefault((scene.place, scene.id), scene) is not scene]
    return list(new.values()), edits


async def _unless(stop: asyncio.Event, daemon: Coroutine[Any, Any, int]) -> int:
    """The daemon's exit code; OK where `stop` came first, which ends it."""
    running, stopped = asyncio.create_task(daemon), asyncio.create_task(stop.wait())
    await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if running.done():
        return await running
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_default_executor()  # what its threads write to is removed next
    return OK


async def _sum_up(config: Config, screen: Screen, *, show_delay: bool) -> None:
    """What it came to, and where to go from here."""
    store = Store(config.store.url)
    try:
        summary = await store.read(read_summary)
    finally:
        store.close()
    screen.say("\n".join(["—" * 40, *summary_lines(summary, show_delay=show_delay), "", ON_FROM_HERE]))
