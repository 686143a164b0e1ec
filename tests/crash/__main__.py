"""`make crash`: kills the daemon at random moments with the real model, on both databases, and prints the counts."""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from pathlib import Path

from tests import postgres
from tests.crash import entry
from tests.crash.scene import Count, open_scene


async def crash(store_url: str, folder: Path, kills: int, seed: int) -> Count:
    """Kill `kills` times between 0.3 and 4 s after the start: loading the model takes about half of that."""
    chance = random.Random(seed)
    async with open_scene(folder, store_url) as scene:
        scene.program = entry.run
        for number in range(kills):
            scene.plant(entries=3, items=chance.choice((5, 50, 1200)), matching=2)
            await scene.run_for(chance.uniform(0.3, 4.0), "real")
            if number % 10 == 9:
                print(f"  {number + 1} of {kills} kills", file=sys.stderr, flush=True)
        await scene.run_until_drained("real")
    return scene.count()


def main() -> int:
    parser = argparse.ArgumentParser(prog="make crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="over both databases together")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    exact = True
    with tempfile.TemporaryDirectory() as folder, postgres.server() as server, postgres.database(server) as url:
        for name, store_url in (("sqlite", f"sqlite:///{folder}/mentiond.db"), ("postgresql", url)):
            kills = options.kills // 2
            count = asyncio.run(crash(store_url, Path(folder), kills, options.seed))
            print(f"{name}: {kills} kills at random (seed {options.seed}): {count}", flush=True)
            exact = exact and count.is_exact
    return 0 if exact else 1


if __name__ == "__main__":
    sys.exit(main())
