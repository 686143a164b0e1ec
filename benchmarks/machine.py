"""What every benchmark says before its figures, and the peers that it stands beside."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from time import perf_counter, process_time

PEERS = Path(__file__).resolve().parents[1] / ".venv" / "peers"


def describe(*packages: str) -> None:
    """Print the machine, its load and the versions of what is measured."""
    print(f"{platform.platform()}, {_processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(", ".join([f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in packages)]))
    sys.stdout.flush()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


@dataclass(slots=True)
class Timed:
    """What a block took; children that have ended count as well."""

    seconds: float = 0.0
    cpu: float = 0.0


@contextmanager
def timed() -> Iterator[Timed]:
    """Wall and CPU seconds of the block."""
    took, wall, cpu = Timed(), perf_counter(), process_time() + _children()
    yield took
    took.seconds, took.cpu = perf_counter() - wall, process_time() + _children() - cpu


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def peer(name: str, *requirements: str) -> Path | None:
    """The Python of an environment that holds a peer, made on the first call; None where it cannot be installed."""
    folder = PEERS / name
    python = folder / "bin" / "python"
    if not (folder / "installed").exists():
        print(f"installing the peer {name} ...", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        install = [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", *requirements]
        if subprocess.run(install, check=False).returncode:
            print(f"{name} cannot be installed: its figures are left out", file=sys.stderr)
            return None
        (folder / "installed").touch()
    return python


def resident() -> int:
    """Megabytes of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() // 2**20
