"""Starting real services from Debian's packages, unprivileged, on loopback, in a folder that goes away with them."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import pytest

SECONDS = 60.0  # for a service to answer


def user() -> str:
    """Whom services run as: never root."""
    return "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name


def as_user() -> dict[str, Any]:
    """For subprocesses."""
    if os.geteuid() != 0:
        return {}
    return {"user": user(), "group": pwd.getpwnam(user()).pw_gid, "extra_groups": []}


def missing(message: str) -> NoReturn:
    """What a test does without its service: in CI it fails."""
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


def need(program: str, packages: str) -> str:
    """The path of a program. Skips aloud where it is missing; in CI that is a failure."""
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        message = f"no {program}: apt-get install {packages}"
        missing(message)
    return found


@contextmanager
def folder() -> Iterator[Path]:
    """An empty folder of that user, with a path short enough for sockets."""
    path = Path(tempfile.mkdtemp(prefix="peer-"))
    try:
        give(path)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def give(path: Path) -> None:
    """Make the user of the services the owner of it and all below."""
    if os.geteuid() == 0:
        for each in [path, *path.rglob("*")]:
            shutil.chown(each, user(), pwd.getpwnam(user()).pw_gid)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(
    command: Sequence[str | Path], place: Path, port: int, environ: Mapping[str, str] | None = None
) -> Iterator[None]:
    """The service in the foreground from when it listens on the port; stopped at the end."""
    log = place / f"{Path(command[0]).name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            list(map(str, command)),
            **as_user(),
            cwd=place,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(place), **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            _await(process, port, log)
            yield
        finally:
            _end(process)


def _await(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    begun = time.monotonic()
    while process.poll() is None and time.monotonic() - begun < SECONDS:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)  # nothing tells when another program listens
    said = log.read_text(errors="replace")[-3000:]
    pytest.fail(f"{process.args!r} does not listen on {port}:\n{said}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """The service, then what it has left behind of its own session."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(20)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
