"""A child process that reads documents of strangers one after the other, and is killed when it takes too long."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_START = 60.0  # seconds for the child to start on a machine under load
_ROOT = str(Path(__file__).resolve().parent.parent)  # where the packages are
_LARGEST_ANSWER = 256 << 20


class Child:
    """Runs `python -m module`, which calls sources.frames.serve. It starts with the first question.

    timeout: seconds for one answer.
    """

    def __init__(self, module: str, timeout: float) -> None:
        self.timeout = timeout
        self._module = module
        self._lock = asyncio.Lock()
        self._process: Process | None = None

    async def ask(self, question: Mapping[str, object]) -> dict[str, Any]:
        """Raises TimeoutError, and any other OSError where the child broke off on the question."""
        async with self._lock:
            answer: dict[str, Any] | None = None
            try:
                process = await self._ready()
                answer = await asyncio.wait_for(_ask(process, question), self.timeout)
                return answer
            except asyncio.IncompleteReadError as error:
                raise ChildProcessError("the reader broke off") from error
            finally:
                if answer is None:  # so that no answer is taken for another question's
                    await self.close()

    async def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def _ready(self) -> Process:
        """Return the process, started anew where it is gone."""
        if self._process is not None and self._process.returncode is None:
            return self._process
        process = self._process = await _start(self._module)
        await asyncio.wait_for(_receive(process), _START)
        return process


async def _start(module: str) -> Process:
    """Start a fresh interpreter with these packages and without the secrets of this one's environment."""
    environment = {"PYTHONPATH": _ROOT, "PATH": os.environ.get("PATH", os.defpath)}
    command = (sys.executable, "-P", "-m", module)  # -P: what lies in the current folder is not ours
    return await asyncio.create_subprocess_exec(
        *command,
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        env=environment,
        start_new_session=True,  # Ctrl-C is for the daemon, which drains
    )


async def _ask(process: Process, question: Mapping[str, object]) -> dict[str, Any]:
    from sources.frames import frame

    assert process.stdin is not None
    process.stdin.write(await asyncio.to_thread(frame, question))
    await process.stdin.drain()
    answer = await _receive(process)
    assert isinstance(answer, dict)
    return answer


async def _receive(process: Process) -> object:
    assert process.stdout is not None
    length = int.from_bytes(await process.stdout.readexactly(4), "big")
    if length > _LARGEST_ANSWER:
        raise OSError("the answer is too long")
    answer: object = await asyncio.to_thread(json.loads, await process.stdout.readexactly(length))
    return answer
