"""Runs the real program in a process of its own, and what its configuration talks to: a webhook, a feed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from xml.sax.saxutils import escape

import aiohttp
from aiohttp.web import Request, Response

from monitor.cli import main
from tests.crash import entry
from tests.servers import Web
from tests.starting import Process, Program, start

PATIENCE = 90.0  # seconds for a command to end, on a machine that has other things to do
EVERY_TAG = 'label =~ "crisis|complaint|question|purchase_signal|suggestion|praise|unsure|none|unclassified"'
SECRET = "whsec_bWVudGlvbmQtYWNjZXB0YW5jZQ=="
ACME: dict[str, Any] = {"name": "acme", "kind": "brand", "names": ["Acme"], "query": "acme"}
GLOBEX: dict[str, Any] = {"name": "globex", "kind": "competitor", "names": ["Globex"], "query": "globex"}
CONSOLE: dict[str, Any] = {"name": "screen", "type": "console", "format": "json"}


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[Any]:
        """Standard output as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]

    def said_plainly(self, code: int, *words: str) -> None:
        """It failed with `code` and one clear message that has these words in it."""
        assert self.code == code, self.err
        assert "Traceback" not in self.err
        messages = [line for line in self.err.splitlines() if not line.startswith("read as: ")]
        assert len(messages) == 1, self.err
        assert [word for word in words if word not in messages[0]] == [], self.err


@dataclass(slots=True)
class Running:
    """A daemon under way."""

    process: Process
    log: Path
    output: Path

    @property
    def alerts(self) -> list[Any]:
        """What the console receiver has written so far."""
        written = self.output.read_text(encoding="utf-8").splitlines(keepends=True)
        return [json.loads(line) for line in written if line.endswith("\n")]

    def said(self, *words: str) -> Callable[[], bool]:
        """Whether its log has these words by now."""
        return lambda: all(word in self.log.read_text(encoding="utf-8") for word in words)

    async def ask(self, number: signal.Signals) -> int:
        """Send a signal; the exit code."""
        self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), PATIENCE)


@dataclass(slots=True)
class Installation:
    """A folder with a configuration in it."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.folder / "config.yaml"

    def write(self, content: str | Mapping[str, Any]) -> None:
        """Write the configuration; JSON is YAML as well."""
        text = content if isinstance(content, str) else json.dumps(content, indent=1, ensure_ascii=False)
        self.config.write_text(text, encoding="utf-8")

    async def mentiond(self, *arguments: str | Path, stdin: bytes = b"") -> Ended:
        """The command as it ships."""
        return await self._end(main, [*map(str, arguments)], stdin)

    async def once(self) -> Ended:
        """`mentiond run --once`, with a word list in place of the model, which spares its loading."""
        return await self._end(entry.run, [*_WORDS, "-c", str(self.config), "--once"])

    async def listing(self, command: str, *more: str) -> list[Any]:
        """What `mentiond COMMAND --json` lists."""
        ended = await self.mentiond(command, "-c", self.config, "--json", *more)
        assert ended.code == 0, ended.err
        return ended.lines

    async def _end(self, program: Program, arguments: Sequence[str], stdin: bytes = b"") -> Ended:
        with TemporaryDirectory(dir=self.folder) as folder:
            given, out, err = (Path(folder) / name for name in ("in", "out", "err"))
            given.write_bytes(stdin)
            process = start(program, arguments, self._environment(), given, out, err)
            try:
                code = await asyncio.wait_for(process.wait(), PATIENCE)
            finally:
                process.kill()
            return Ended(code, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8"))

    @asynccontextmanager
    async def daemon(self, point: str = "never", program: Program = entry.run) -> AsyncIterator[Running]:
        """`mentiond run`, with a word list in place of the model; killed at the end if it still runs.

        `point`: one of tests.crash.entry, at which it kills itself. `program`: another way to start it.
        """
        arguments = [point, "1", "words", "run", "-c", str(self.config)]
        log, output = self.folder / "daemon.log", self.folder / "daemon.out"
        log.touch()
        output.touch()
        process = start(program, arguments, self._environment(), Path(os.devnull), output, log)
        try:
            yield Running(process, log, output)
        finally:
            process.kill()
            await process.wait()

    def _environment(self) -> dict[str, str]:
        return {**os.environ, **self.environ}


_WORDS = ("never", "1", "words", "run")


def configuration(
    sources: Sequence[Mapping[str, Any]], receivers: Sequence[Mapping[str, Any]], **more: Any
) -> dict[str, Any]:
    """Every mention goes to every receiver; `more` replaces or adds top-level keys."""
    routes = [{"matchers": [EVERY_TAG], "receiver": each["name"], "continue": True} for each in receivers]
    return {
        "http": {"allow_hosts": ["127.0.0.1"]},
        "watchlists": [ACME],
        "sources": list(sources),
        "receivers": list(receivers),
        "routes": {"receiver": "none", "routes": routes},
    } | more


def feed_source(web: Web, **more: Any) -> dict[str, Any]:
    """The feed that `Feed` serves at /feed.xml."""
    return {"name": "news", "type": "feed", "url": web.url("/feed.xml"), "every": "1s"} | more


def webhook(web: Web, name: str = "hook") -> dict[str, Any]:
    """The receiver that `Hook` stands behind at /<name>."""
    return {"name": name, "type": "webhook", "url": web.url(f"/{name}"), "secret": SECRET}


def mailbox(port: int, *to: str) -> dict[str, Any]:
    """A mail receiver at a server without TLS on loopback; every mention is a mail of its own."""
    smtp = {"host": "127.0.0.1", "port": port, "tls": "none"}
    sender = {"from": "mentiond@example.com", "smtp": smtp, "storm": "off"}
    return {"name": "mail", "type": "email", "to": list(to)} | sender


@dataclass(slots=True)
class Hook:
    """A webhook: takes alerts down while `status` says so."""

    status: int = 204
    alerts: list[Any] = field(default_factory=list)
    refused: int = 0

    async def __call__(self, request: Request) -> Response:
        if self.status < 300 and request.method == "POST":
            self.alerts.append(json.loads(await request.read()))
        elif self.status >= 300:
            self.refused += 1
        return Response(status=self.status)


@dataclass(slots=True)
class Feed:
    """An RSS feed: `items` as `item` writes them, newest last; it shows the newest `window` of them."""

    items: list[str] = field(default_factory=list)
    window: int = 1000
    headers: dict[str, str] = field(default_factory=dict)

    async def __call__(self, request: Request) -> Response:
        shown = "".join(reversed(self.items[-self.window :]))
        body = f"<rss version='2.0'><channel><title>News</title>{shown}</channel></rss>"
        return Response(body=body.encode(), content_type="application/rss+xml", headers=self.headers)


def item(number: int, text: str, *, age: timedelta = timedelta(0), date: str | None = None, guid: str = "") -> str:
    """One entry, `age` old unless a date is given as it stands there ("" for none)."""
    written = format_datetime(datetime.now(UTC) - age) if date is None else date
    link = f"https://news.example/{number}"
    return (
        f"<item><guid isPermaLink='false'>{guid or link}</guid><link>{link}</link><title>Entry {number}</title>"
        f"<description>{escape(text)}</description>{f'<pubDate>{escape(written)}</pubDate>' if written else ''}</item>"
    )


def free_port() -> int:
    """For `server.listen`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
        return number


async def get(port: int, path: str) -> tuple[int, str]:
    """What the daemon's own HTTP server says: status and text."""
    async with aiohttp.ClientSession(trust_env=False) as client, client.get(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.status, await answer.text()


def ids(alerts: Sequence[Any]) -> list[str]:
    """The external ids of the posts that alerts are about, in the order in which they came."""
    return [alert["mention"]["post"]["external_id"] for alert in alerts]


async def until(holds: Callable[[], bool], what: str, seconds: float = PATIENCE) -> float:
    """Wait for another process to have done something; return the seconds that it took."""
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < seconds, f"not within {seconds:.0f} s: {what}"
        await asyncio.sleep(0.05)
    return time.monotonic() - begun
