"""Debian's Chromium without a window, over its DevTools protocol: what people see of pages and mails."""

from __future__ import annotations

import asyncio
import base64
import itertools
import os
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp

from tests.peers.running import need

SECONDS = 60  # for the browser to start, and for each of its answers


class Tab:
    """One page of the browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self.errors: list[str] = []  # what the console said, refusals of the security policy among it

    async def ask(self, method: str, **parameters: Any) -> Mapping[str, Any]:
        """One command and its result."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            said = await self._read()
            if said.get("id") == number:
                assert "error" not in said, said
                result: Mapping[str, Any] = said["result"]
                return result

    async def _read(self) -> Mapping[str, Any]:
        said: Mapping[str, Any] = await self._socket.receive_json(timeout=SECONDS)
        if said.get("method") == "Log.entryAdded":
            self.errors.append(said["params"]["entry"]["text"])
        return said

    async def open(self, url: str, width: int, *, is_dark: bool = False) -> None:
        """Show the address at that width of the window."""
        await self.ask("Page.enable")
        await self.ask("Log.enable")
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
        await self.ask("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        await self.ask("Emulation.setEmulatedMedia", features=[scheme])
        await self.ask("Page.navigate", url=url)
        await self._loaded()

    async def press(self, selector: str) -> None:
        """Click, and wait for the page that comes of it."""
        await self.value(f"setTimeout(() => document.querySelector({selector!r}).click())")
        await self._loaded()

    async def _loaded(self) -> None:
        while (await self._read()).get("method") != "Page.loadEventFired":
            pass

    async def value(self, expression: str) -> Any:
        """Of a JavaScript expression on the page."""
        said = await self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        return said["result"].get("value")

    async def picture(self, path: Path) -> None:
        """Of the whole page."""
        said = await self.ask("Page.captureScreenshot", captureBeyondViewport=True)
        await asyncio.to_thread(path.write_bytes, base64.b64decode(said["data"]))


@asynccontextmanager
async def chromium() -> AsyncIterator[Tab]:
    """A fresh browser with one page, gone at the end."""
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as folder:
        process = await _start(need("chromium", "chromium"), folder)
        try:
            port = await asyncio.wait_for(_port(process, Path(folder)), SECONDS)
            async with aiohttp.ClientSession(trust_env=False) as client:
                async with client.put(f"http://127.0.0.1:{port}/json/new?about:blank") as answer:
                    address = (await answer.json())["webSocketDebuggerUrl"]
                async with client.ws_connect(address, max_msg_size=0) as socket:
                    yield Tab(socket)
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _start(program: str, folder: str) -> asyncio.subprocess.Process:
    options = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars"]
    options += ["--no-sandbox"] if os.geteuid() == 0 else []
    options += [f"--user-data-dir={folder}", "--remote-debugging-port=0", "about:blank"]
    return await asyncio.create_subprocess_exec(
        program, *options, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )


async def _port(process: asyncio.subprocess.Process, folder: Path) -> int:
    """The browser writes it down once it listens; nothing else tells."""
    told = folder / "DevToolsActivePort"
    while process.returncode is None:
        with suppress(OSError, ValueError, IndexError):
            return int(told.read_text().splitlines()[0])
        await asyncio.sleep(0.05)
    raise AssertionError(f"chromium ended with {process.returncode}")
