"""A store that takes no more writes: nothing is fetched that cannot be kept, the operator hears of it past the store,
and it goes on by itself.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp.web import Request, Response

from tests.acceptance import hasty
from tests.acceptance.running import (
    CONSOLE,
    Feed,
    Installation,
    Running,
    configuration,
    feed_source,
    free_port,
    get,
    item,
    until,
    webhook,
)
from tests.servers import Web

SIZE = 8 * 2**20  # bytes of the small disk
Break = Callable[[Running], Callable[[], None]]  # breaks the store; returns what mends it


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, where this machine lets us mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no right to mount a small disk")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(disk: Path) -> Callable[[], None]:
    """Leave no byte free."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (2**16, 2**12, 1):
            try:
                while True:
                    file.write(b"." * size)
            except OSError:
                continue
    return filler.unlink


def refuse(daemon: Running) -> Callable[[], None]:
    """No file of the daemon may grow or be written behind its first bytes."""
    before = resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (2**16, before[1]))
    return lambda: resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, before) and None


async def survive(installed: Installation, web: Web, store: Path, break_it: Break, *words: str) -> None:
    """The whole story; `words` are what the operator is told."""
    told: list[str] = []
    posted = Feed()

    async def operator(request: Request) -> Response:
        told.append(json.loads(await request.read())["notice"])
        return Response(status=204)

    web["/feed.xml"], web["/ops"] = posted, operator
    port = free_port()
    content: dict[str, Any] = configuration([feed_source(web)], [CONSOLE], store={"url": f"sqlite:///{store}"})
    content |= {"receivers": [CONSOLE, webhook(web, "ops")], "operations": {"receiver": "ops"}}
    installed.write(content | {"server": {"listen": f"127.0.0.1:{port}"}})
    posted.items = [item(0, "My Acme is broken")]
    async with installed.daemon(program=hasty.run) as daemon:
        await until(lambda: len(daemon.alerts) == 1, "the first alert")
        mend = break_it(daemon)
        posted.items += [item(number, "My Acme is broken" + " again" * 20_000) for number in range(1, 4)]
        await until(lambda: bool(told), "the notice")
        assert (await get(port, "/healthz"))[0] == 503
        assert "mentiond_store_up 0.0" in (await get(port, "/metrics"))[1]
        assert (await get(port, "/livez"))[0] == 200
        polls = len([request for request in web.requests if request.path == "/feed.xml"])
        await until(daemon.said("store failing"), "a word of it")
        mend()
        await until(lambda: len(daemon.alerts) == 4, "the other alerts")
        await until(lambda: len(told) == 2, "that it is over")
        assert polls <= 6  # the first, those until the first that could not be kept, and what was under way
        assert (await get(port, "/healthz"))[0] == 200
        assert await daemon.ask(signal.SIGTERM) == 0
        assert "Traceback" not in daemon.log.read_text()
    assert "The store cannot be used" in told[0]
    assert [word for word in words if word not in told[0]] == []
    assert told[1:] == ["The store works again."]


async def test_f8_a_full_disk_is_waited_for(installed: Installation, web: Web, disk: Path) -> None:
    await survive(installed, web, disk / "mentiond.db", lambda daemon: fill(disk), "full")


async def test_f8_a_file_that_refuses_writes_is_waited_for(installed: Installation, web: Web) -> None:
    assert os.sysconf("SC_PAGESIZE") < 2**16
    await survive(installed, web, installed.folder / "mentiond.db", refuse, "disk I/O error")
