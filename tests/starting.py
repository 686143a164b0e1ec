"""Starts mentiond in processes that have its modules already: the suite starts it hundreds of times, and importing is
most of what a start costs.

A process of its own (multiprocessing's fork server) imports and then forks for each start; it has no thread of ours, no
open store and no running loop that a child could inherit. Starts from nothing, `python -m monitor.cli`, are proved in
tests/monitor/test_demo.py, tests/monitor/test_query_terminal.py and parts of tests/acceptance/test_commands.py.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.context import ForkServerProcess
from pathlib import Path

Program = Callable[[Sequence[str]], int]

_COMMANDS = ("run", "check", "query", "classify", "alerts", "sources")
_WITHIN = ("monitor.daemon", "monitor.model_watch", "alembic.command", "apscheduler.schedulers.asyncio")
_SERVED = ("monitor.node", "monitor.serving", "monitor.pages", "monitor.probes", "jinja2.ext", "sqlite3")
_MODELS = ("monitor.model", "rules.linear", "rules.lexical", "spacy.lang.de", "spacy.lang.en")
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        __name__,
        "tests.crash.entry",
        *(f"monitor.commands.{name}" for name in _COMMANDS),
        *_WITHIN,
        *_SERVED,
        *_MODELS,
        "tests.warm",
    ]
)


@dataclass(slots=True)
class Process:
    """A running program."""

    _process: ForkServerProcess

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit code, negative after a signal; None while it runs."""
        return self._process.exitcode

    async def wait(self) -> int:
        """The exit code, once it has ended."""
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._process.sentinel, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(self._process.sentinel)
        code = self.returncode
        assert code is not None
        return code

    def send_signal(self, number: signal.Signals) -> None:
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def start(
    program: Program,
    arguments: Sequence[str],
    environ: Mapping[str, str],
    stdin: Path,
    stdout: Path,
    stderr: Path,
) -> Process:
    """Run a function of a module as a program; what it writes is added to the files."""
    files = (stdin, stdout, stderr)
    process = _FORKS.Process(target=_become, args=(program, arguments, dict(environ), Path.cwd(), files))
    process.start()
    return Process(process)


def _become(
    program: Program, arguments: Sequence[str], environ: Mapping[str, str], folder: Path, files: Sequence[Path]
) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    for number, file in enumerate(files):
        opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND if number else os.O_RDONLY)
        os.dup2(opened, number)
        os.close(opened)
    reopened = partial(open, encoding="utf-8", closefd=False)
    sys.stdin, sys.stdout, sys.stderr = reopened(0), reopened(1, "w"), reopened(2, "w", 1, errors="backslashreplace")
    sys.exit(program(arguments))
