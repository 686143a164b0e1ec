"""The real sources, pipeline, store and deliveries in worlds drawn from fixed seeds.

`make worlds` plays more of them on both databases and boils failures down.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest

from tests.simulation.steps import Stage, draw

EXAMPLES = {"sqlite": 6, "postgresql": 3}
STEPS = 60


@pytest.fixture
def quiet() -> Iterator[None]:
    """Thousands of expected failures need no log lines."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.usefixtures("quiet")
async def test_whatever_the_world_does_each_mention_is_told_once(store_url: str, say: Callable[[str], None]) -> None:
    kind = store_url.partition(":")[0]
    stage = Stage(store_url)
    try:
        for seed in range(EXAMPLES[kind]):
            await stage.play(seed, draw(seed, STEPS))
    finally:
        await stage.close()
    say(f"{kind}: {EXAMPLES[kind]} simulated worlds: {stage.total}")
