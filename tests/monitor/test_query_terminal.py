"""`mentiond query` in a process of its own: locales of the shell, colours on a terminal."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.commands import OK, USAGE
from tests.monitor.query_runs import write

ROOT = Path(__file__).parents[2]


def run(
    *arguments: str | bytes, environ: dict[str, str], out: int = subprocess.PIPE, err: int = subprocess.PIPE
) -> subprocess.CompletedProcess[bytes]:
    """The command as it ships, in a process of its own."""
    command: list[str | bytes] = [sys.executable, "-m", "monitor.cli", "query", *arguments]
    return subprocess.run(command, env={**os.environ, **environ}, check=False, stdout=out, stderr=err, cwd=ROOT)


@pytest.mark.parametrize(
    "environ",
    [{"LC_ALL": "C"}, {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}, {"LC_ALL": "C.UTF-8"}],
)
def test_umlauts_from_the_shell_in_every_locale(tmp_path: Path, environ: dict[str, str]) -> None:
    posts = write(tmp_path, [{"external_id": "ü", "text": "Müller ärgert sich"}])
    ended = run("Müller OR größe".encode(), str(posts), "--json", environ=environ)
    assert ended.returncode == OK, ended.stderr
    assert json.loads(ended.stdout)["terms"] == ["Müller"]
    shown = run("Müller".encode(), str(posts), environ=environ)
    assert shown.returncode == OK, shown.stderr
    assert shown.stdout.startswith(b"line 1: [M")


def test_an_argument_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    posts = write(tmp_path, [])
    ended = run("Müller".encode("latin-1"), str(posts), environ={"LC_ALL": "C.UTF-8"})
    assert ended.returncode == USAGE
    assert b"not UTF-8" in ended.stderr
    assert b"Traceback" not in ended.stderr


def on_terminal(*arguments: str, **environ: str) -> tuple[str, str]:
    """What the command shows on a terminal: standard output and standard error, each a terminal of its own."""
    pairs = [pty.openpty(), pty.openpty()]
    run(*arguments, environ={"NO_COLOR": "", **environ}, out=pairs[0][1], err=pairs[1][1])
    shown = []
    for leader, follower in pairs:
        os.write(follower, b"\x04")
        content = b""
        while not content.endswith(b"\x04"):
            content += os.read(leader, 2**16)
        os.close(leader)
        os.close(follower)
        shown.append(content[:-1].decode().replace("\r\n", "\n"))
    return shown[0], shown[1]


def test_a_terminal_gets_colours_unless_it_wants_none(tmp_path: Path) -> None:
    posts = write(tmp_path, [{"text": "Acme"}] * 30)
    out, err = on_terminal("acme", str(posts))
    assert out == "".join(f"line {number}: \x1b[1;33mAcme\x1b[0m\n" for number in range(1, 21))
    assert "... and 10 more that match (--limit)" in err
    out, _ = on_terminal("acme", str(posts), "--limit", "1", NO_COLOR="1")
    assert out == "line 1: [Acme]\n"
    out, _ = on_terminal("acme", str(posts), "--json")
    assert len(out.splitlines()) == 30
