"""kill -9 while cases escalate, wake and are acted on: each step happens, once (faults 3 and 37)."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from aiohttp.web import Request, Response

from monitor.schema import alerts, cases, escalations
from monitor.store import Store
from tests.crash import entry
from tests.servers import Web
from tests.starting import Process, start

POSTS = 3
START_TIMEOUT = 60.0  # seconds for a point to be reached
CONFIG = """
store: {{url: "{store}"}}
http: {{allow_hosts: ["127.0.0.1"]}}
watchlists: [{{name: acme, kind: brand, names: [Acme], query: acme}}]
sources: [{{name: export, type: file, path: posts.jsonl, every: 1s}}]
receivers:
  - {{name: hook, type: webhook, url: "{base}/hook", secret: "whsec_bWVudGlvbmQtY3Jhc2gtdGVzdA=="}}
  - {{name: lead, type: webhook, url: "{base}/hook", secret: "whsec_bWVudGlvbmQtY3Jhc2gtdGVzdA=="}}
routes:
  receiver: hook
  escalate: [{{after: 1s, receiver: hook}}, {{after: 2s, receiver: lead}}]
"""


@dataclass(slots=True)
class Scene:
    """A configuration, what the webhook got, and the process that may be killed."""

    folder: Path
    store_url: str
    received: list[dict[str, Any]] = field(default_factory=list)
    process: Process | None = None

    async def hook(self, request: Request) -> Response:
        self.received.append(json.loads(await request.read()))
        return Response(status=204)

    @property
    def log(self) -> Path:
        return self.folder / "daemon.log"

    def start(self, *arguments: str) -> Process:
        command = [*arguments, "-c", str(self.folder / "config.yaml")]
        self.process = start(entry.run_hastily, command, os.environ, Path(os.devnull), self.log, self.log)
        return self.process

    async def run_until_killed(self, point: str, count: int, *command: str) -> None:
        process = self.start(point, str(count), "words", *command)
        code = await asyncio.wait_for(process.wait(), START_TIMEOUT)
        assert code == -signal.SIGKILL, f"{point}: exit code {code}: {self.log.read_text()[-2000:]}"

    async def run_until(self, query: sa.Select[Any], expected: int) -> None:
        """The daemon, until so many rows are there and nothing is owed; then it is asked to end."""
        process = self.start("never", "1", "words", "run")
        owed = sa.select(alerts.c.id).where(alerts.c.state == "owed")
        async with asyncio.timeout(START_TIMEOUT):
            while len(self.rows(query)) < expected or self.rows(owed):  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 40) == 0

    def rows(self, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        store = Store(self.store_url)
        try:
            store.migrate()
            return store.write_now(lambda connection: connection.execute(query).all())
        finally:
            store.close()

    async def command(self, *arguments: str) -> None:
        assert await self.start("never", "1", "words", *arguments).wait() == 0

    def told(self, reason: str) -> set[str]:
        """The alerts of this reason that arrived, each once but for copies that say that they may be one."""
        every = [one for one in self.received if one["reason"] == reason]
        once = Counter(one["key"] for one in every if not one["possibly_sent_twice"])
        assert set(once.values()) <= {1}
        return {one["key"] for one in every}


@pytest.fixture
async def scene(web: Web, store_url: str, tmp_path: Path) -> AsyncIterator[Scene]:
    made = Scene(tmp_path, store_url)
    web["/hook"] = made.hook
    (tmp_path / "config.yaml").write_text(CONFIG.format(store=store_url, base=web.base))
    lines = [json.dumps({"external_id": str(one), "text": f"My Acme is broken {one}"}) for one in range(POSTS)]
    (tmp_path / "posts.jsonl").write_text("".join(f"{line}\n" for line in lines))
    yield made
    if made.process is not None and made.process.returncode is None:
        made.process.kill()
        await made.process.wait()


STEPS = sa.select(alerts.c.id).where(alerts.c.reason == "escalation")


async def test_f37_killed_around_its_steps_an_escalation_calls_once_a_step(scene: Scene) -> None:
    for point, count in (("before step", 1), ("after step", 1), ("before step", 1), ("after mark", 2)):
        await scene.run_until_killed(point, count, "run")
    await scene.run_until(STEPS, 2 * POSTS)
    assert len(scene.told("escalation")) == 2 * POSTS
    assert [tuple(row) for row in scene.rows(sa.select(escalations.c.step, escalations.c.ended_by))] == [
        (2, "its last step")
    ] * POSTS


async def test_killed_at_the_end_of_a_snooze_the_case_speaks_up_once(scene: Scene) -> None:
    await scene.run_until(STEPS, 2 * POSTS)
    await scene.command("case", "snooze", "1", "2", "--for", "2s", "--by", "Kim")
    for point in ("before waking", "after waking"):
        await scene.run_until_killed(point, 1, "run")
    woken = sa.select(alerts.c.id).where(alerts.c.reason == "repeat")
    await scene.run_until(woken, 2)
    assert len(scene.told("repeat")) == 2
    assert {row.snoozed_until for row in scene.rows(sa.select(cases.c.snoozed_until))} == {None}


async def test_f37_killed_while_somebody_claims_the_claim_is_whole_or_not_at_all(scene: Scene) -> None:
    await scene.run_until_killed("before step", 1, "run")
    claimed = sa.select(cases.c.mention_id).where(cases.c.owner == "Kim")
    going = sa.select(escalations.c.mention_id).where(escalations.c.next_at.is_not(None))
    await scene.run_until_killed("before action", 1, "case", "claim", "1", "--by", "Kim")
    assert (len(scene.rows(claimed)), len(scene.rows(going))) == (0, POSTS)
    await scene.run_until_killed("after action", 1, "case", "claim", "1", "--by", "Kim")
    assert (len(scene.rows(claimed)), len(scene.rows(going))) == (1, POSTS - 1)
    await scene.run_until(STEPS, 2 * (POSTS - 1))
    called = sa.select(alerts.c.mention_id).where(alerts.c.reason == "escalation")
    assert {row.mention_id for row in scene.rows(called)} == {2, 3}
