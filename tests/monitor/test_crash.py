"""kill -9 at named points: nothing lost, nothing doubled but what a lost reply explains (faults 1, 2, 3)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.crash.entry import POINTS
from tests.crash.scene import SERVER_POINTS, open_scene

KILLS = 16  # each point twice; `make crash` kills two hundred times


async def test_f1_f2_f3_kills_at_named_points(store_url: str, tmp_path: Path, say: Callable[[str], None]) -> None:
    every = (*POINTS, *SERVER_POINTS)
    points = [every[number % len(every)] for number in range(KILLS)]
    async with open_scene(tmp_path, store_url) as scene:
        for number, point in enumerate(points):
            scene.plant(entries=3, items=20, matching=2)
            later = 0 if point == "after claim" else number // len(every) % 3  # one claim takes all that is owed
            await scene.run_until_killed(point, count=1 + later)
        await scene.run_until_drained()
    count = scene.count()
    say(f"{store_url.split(':')[0]}: {KILLS} kills at named points: {count}")
    assert count.is_exact


async def test_kills_between_the_pages_of_a_pass_lose_nothing(store_url: str, tmp_path: Path) -> None:
    async with open_scene(tmp_path, store_url) as scene:
        scene.plant(entries=0, items=4500, matching=40)
        for page in (1, 2, 1):
            await scene.run_until_killed("after commit", count=page)
        await scene.run_until_drained()
    assert scene.count().is_exact
