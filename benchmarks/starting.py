"""How long `mentiond check` takes, how long from start to ready, and the memory of a daemon at rest with its models.

    python -m benchmarks.starting

Processes of their own: `check` of config.example.yaml nine times, a daemon of 500 quiet sources five times, up to the
second in which /readyz says that it is. Median of wall and of CPU seconds; memory is the resident set of the daemon,
its children included, five seconds after a post was matched and classified.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

from benchmarks.machine import Timed, describe, timed

CHECKS, STARTS, SOURCES = 9, 5, 500
ROOT = Path(__file__).parents[1]
MENTIOND = (sys.executable, "-m", "monitor.cli")
SETTLED, PATIENCE = 5.0, 120.0  # seconds


def main() -> int:
    describe("pydantic", "lark", "spacy")
    _show("check", [_check() for _ in range(CHECKS)])
    started = [_start() for _ in range(STARTS)]
    _show(f"start to ready, {SOURCES} sources", [took for took, _ in started])
    print(f"{'memory at rest':32} {statistics.median(memory for _, memory in started):>7.0f} MB")
    return 0


def _show(name: str, took: list[Timed]) -> None:
    wall, cpu = (statistics.median(values) for values in zip(*((one.seconds, one.cpu) for one in took), strict=True))
    print(f"{name:32} {wall:>7.2f} s wall {cpu:>7.2f} s CPU   median of {len(took)}", flush=True)


def _check() -> Timed:
    with timed() as took:
        command = (*MENTIOND, "check", "-c", str(ROOT / "config.example.yaml"))
        subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL, env=os.environ | _secrets())
    return took


def _secrets() -> dict[str, str]:
    """A value for every variable that the example names."""
    text = (ROOT / "config.example.yaml").read_text(encoding="utf-8")
    return {part.split("}")[0]: "x" for part in text.split("${")[1:]}


def _start() -> tuple[Timed, float]:
    """A daemon that reads one file with a post that hits, and many sources that are not due for a day."""
    with tempfile.TemporaryDirectory() as name:
        config, port = _config(Path(name))
        with timed() as took:
            with (Path(name) / "log").open("wb") as log:
                command = (*MENTIOND, "run", "-c", str(config))
                daemon = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log)
            while not _is_ready(port):
                assert daemon.poll() is None, "the daemon ended"
                sleep(0.01)
        cpu = _cpu(daemon.pid)
        deadline = monotonic() + PATIENCE
        while b'"mentions":1' not in (Path(name) / "log").read_bytes():
            assert monotonic() < deadline, "the post was not read"
            sleep(0.1)
        sleep(SETTLED)
        memory = sum(map(_memory, _family(daemon.pid)))
        daemon.send_signal(signal.SIGTERM)
        daemon.wait()
    return Timed(took.seconds, cpu), memory


def _config(folder: Path) -> tuple[Path, int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "posts.jsonl").write_text('{"id": "1", "text": "Acme is broken"}\n', encoding="utf-8")
    (folder / "more.jsonl").write_text("", encoding="utf-8")
    quiet = [{"name": f"s{n}", "type": "file", "path": "more.jsonl", "every": "1d"} for n in range(SOURCES - 1)]
    content = {
        "store": {"url": f"sqlite:///{folder}/mentiond.db"},
        "server": {"listen": f"127.0.0.1:{port}"},
        "watchlists": [{"name": "acme", "kind": "brand", "names": ["Acme"], "query": "acme"}],
        "sources": [{"name": "posts", "type": "file", "path": "posts.jsonl", "backlog": "all"}, *quiet],
        "receivers": [{"name": "console", "type": "console"}],
        "routes": {"receiver": "console"},
    }
    path = folder / "config.yaml"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path, port


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _family(pid: int) -> Iterator[int]:
    yield pid
    for line in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split():
        yield from _family(int(line))


def _memory(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    raise SystemExit(main())
