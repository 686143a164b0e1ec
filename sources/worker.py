"""A process of our own that answers questions, started when it is needed and killed when it takes too long."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from pathlib import Path

from sources.worker_loop import frame

_START = 60.0  # seconds for the process to start on a machine under load
_ROOT = str(Path(__file__).resolve().parent.parent)  # where the packages are
_LARGEST_ANSWER = 256 << 20


class Worker:
    """Answers questions one after the other; safe to share within one event loop.

    module: what the process runs, a loop of sources.worker_loop. timeout: seconds for one answer.
    """

    def __init__(self, module: str, timeout: float) -> None:
        self._module = module
        self._timeout = timeout
        self._lock = asyncio.Lock()
        self._child: Process | None = None

    async def ask(self, question: Mapping[str, object]) -> dict[str, object]:
        """Return the answer. Raises TimeoutError, and OSError or IncompleteReadError where the process broke off."""
        async with self._lock:
            answer: dict[str, object] | None = None
            try:
                child = await self._ready()
                answer = await asyncio.wait_for(_ask(child, question), self._timeout)
                return answer
            finally:
                if answer is None:  # so that no answer is taken for another question's
                    await self.close()

    async def close(self) -> None:
        """End the process."""
        child, self._child = self._child, None
        if child is not None:
            if child.returncode is None:
                child.kill()
            await child.wait()

    async def _ready(self) -> Process:
        """Return the process, started anew where it is gone."""
        if self._child is not None and self._child.returncode is None:
            return self._child
        child = self._child = await self._start()
        await asyncio.wait_for(_receive(child), _START)
        return child

    async def _start(self) -> Process:
        """A fresh interpreter with these packages and without the secrets of this one's environment."""
        environment = {"PYTHONPATH": _ROOT, "PATH": os.environ.get("PATH", os.defpath)}
        command = (sys.executable, "-P", "-m", self._module)  # -P: what lies in the current folder is not ours
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            env=environment,
            start_new_session=True,  # Ctrl-C is for the daemon, which drains
        )


async def _ask(child: Process, question: Mapping[str, object]) -> dict[str, object]:
    assert child.stdin is not None
    child.stdin.write(await asyncio.to_thread(frame, question))
    await child.stdin.drain()
    answer = await _receive(child)
    assert isinstance(answer, dict)
    return answer


async def _receive(child: Process) -> object:
    assert child.stdout is not None
    length = int.from_bytes(await child.stdout.readexactly(4), "big")
    if length > _LARGEST_ANSWER:
        raise OSError("the answer is too long")
    answer: object = await asyncio.to_thread(json.loads, await child.stdout.readexactly(length))
    return answer
