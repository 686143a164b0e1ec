"""What a process holds as time goes by: memory, descriptors, tasks; and whether that grows."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import aiohttp

MORE_MEMORY = (1.05, 10.0)  # times, and MB, that memory may be above what it was after warm-up
MORE_THINGS = (1.2, 15.0)  # the same for descriptors and tasks, which come and go with what is under way


@dataclass(frozen=True, slots=True)
class Sample:
    """One look. `at`: seconds since the start of the soak; `memory` in MB, that of child processes apart."""

    at: float
    memory: float
    children: float
    descriptors: int
    tasks: int


@dataclass(slots=True)
class Watch:
    """Looks at one daemon."""

    pid: int
    port: int
    samples: list[Sample] = field(default_factory=list)

    async def look(self, at: float) -> None:
        """Nothing is noted while it is not there, or stands by."""
        page = await _metrics(self.port)
        if page is None or _value(page, "mentiond_active") != 1.0:
            return
        try:
            memory, children = resident(self.pid), sum(map(resident, descendants(self.pid)))
            descriptors = len(os.listdir(f"/proc/{self.pid}/fd"))
        except FileNotFoundError:
            return
        tasks = int(_value(page, "mentiond_tasks") or 0)
        self.samples.append(Sample(at, memory, children, descriptors, tasks))

    def growth(self, since: float) -> list[str]:
        """A line a measure: what it was early and late in the time since then; `LEAK` where it has grown."""
        steady = [sample for sample in self.samples if sample.at >= since]
        quarter = max(1, len(steady) // 4)
        lines = []
        for name, more in (
            ("memory", MORE_MEMORY),
            ("children", (2.0, 100.0)),
            ("descriptors", MORE_THINGS),
            ("tasks", MORE_THINGS),
        ):
            values = [float(getattr(sample, name)) for sample in steady]
            if not values:
                return ["LEAK unknown: the daemon was never looked at after warm-up"]
            early, late = median(values[:quarter]), median(values[-quarter:])
            is_grown = late > early * more[0] and late > early + more[1]
            verdict = "LEAK " if is_grown else ""
            lines.append(f"{verdict}{name}: early {early:.0f}, late {late:.0f}, most {max(values):.0f}")
        return lines


async def _metrics(port: int) -> str | None:
    timeout = aiohttp.ClientTimeout(total=10)
    try:
        async with (
            aiohttp.ClientSession(trust_env=False, timeout=timeout) as client,
            client.get(f"http://127.0.0.1:{port}/metrics") as answer,
        ):
            return await answer.text()
    except (aiohttp.ClientError, TimeoutError):
        return None


def _value(page: str, name: str) -> float | None:
    found = re.search(rf"^{name} (\S+)$", page, re.MULTILINE)
    return float(found[1]) if found else None


def resident(pid: int) -> float:
    """MB of a process in memory, what it shares with others included."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    found = re.search(r"^VmRSS:\s+(\d+) kB$", text, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def descendants(pid: int) -> list[int]:
    """Child processes of any generation."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    found = [int(child) for child in children]
    return [*found, *(one for child in found if Path(f"/proc/{child}").exists() for one in descendants(child))]
