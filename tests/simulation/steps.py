"""What happens in the world, step by step: drawn from a seed, each step with a number from which its choices follow.

A step's choices depend on nothing else, so that steps can be left out one by one to find the few that matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from monitor.schema import metadata
from monitor.store import Store
from sources.feed_parser import FeedParser
from tests.simulation.checks import Checks
from tests.simulation.scene import EVERY, TOLD, Figures, Scene
from tests.simulation.world import DAY, HOUR, MINUTE, SECOND, Feed

# name -> how often, relative to the others
STEPS = {
    "tick": 30,
    "deliver": 4,
    "publish": 14,
    "edit": 10,
    "disturb": 6,
    "archive": 1,
    "lose_guids": 1,
    "move": 2,
    "answer": 8,
    "items": 8,
    "burst": 2,
    "pin": 1,
    "api_answer": 3,
    "kill": 10,
    "trouble": 8,
    "wait": 5,
    "clock": 2,
    "retain": 2,
    "enable": 2,
    "restart": 2,
}


class Step(NamedTuple):
    """One thing that happens; `number` seeds its choices."""

    name: str
    number: int


def draw(seed: int, count: int) -> list[Step]:
    """So many steps."""
    random = Random(seed)
    names = random.choices(list(STEPS), list(STEPS.values()), k=count)
    return [Step(name, random.randrange(1 << 30)) for name in names]


class Stage:
    """One database and one feed parser, on which many runs follow each other; `total` counts what they did."""

    def __init__(self, url: str) -> None:
        self.total = Figures()
        self._url = url
        self._parser = FeedParser()
        self._store = Store(url)
        self._store.migrate()

    async def play(self, seed: int, steps: Sequence[Step]) -> None:
        """The steps on an empty database, then every check. Raises Violation."""
        self._store.write_now(_empty)
        scene = Scene(self._url, self._parser, Random(seed))
        await scene.start()
        try:
            await _play(scene, steps)
        finally:
            scene.close()
        self.total += scene.figures

    async def close(self) -> None:
        await self._parser.close()
        self._store.close()


def _empty(connection: Connection) -> None:
    for table in reversed(metadata.sorted_tables):
        connection.execute(sa.delete(table))


async def _play(scene: Scene, steps: Sequence[Step]) -> None:
    for feed in scene.feeds:
        feed.publish(scene.random, 3, scene.clocks.true - HOUR)
    scene.api.publish(scene.random, 3, scene.clocks.true, 15 * MINUTE)
    await scene.poll()
    for step in steps:
        scene.figures.steps += 1
        await getattr(_World(scene, Random(step.number)), step.name)()
    await scene.end()
    Checks(scene).check()


@dataclass(slots=True)
class _World:
    """The steps by name."""

    scene: Scene
    random: Random

    async def tick(self) -> None:
        """Five minutes go by: everything due is polled, then delivered."""
        self.scene.clocks.true += EVERY + SECOND
        await self.scene.live(self.scene.poll)
        await self.deliver()

    async def deliver(self) -> None:
        """A few rounds, seconds apart."""
        rounds = self.random.randint(1, 12)
        await self.scene.live(lambda: self.scene.deliver(rounds))

    async def publish(self) -> None:
        count = self.random.choice((1, 1, 2, 3, 5, 20))
        self._feed().publish(self.random, count, self.scene.clocks.true)

    async def edit(self) -> None:
        self._feed().edit(self.random)

    async def disturb(self) -> None:
        self._feed().disturb(self.random)

    async def archive(self) -> None:
        self._feed().publish_archive(self.random, self.random.randint(40, 110), self.scene.clocks.true)

    async def lose_guids(self) -> None:
        self._feed().lost_guids = self.random.randint(1, 3)

    async def move(self) -> None:
        """To a new address; then the old one dies; then back again, where it lives."""
        feed = self._feed()
        if not feed.is_moved:
            feed.is_moved = True
        elif self.random.random() < 0.5:
            feed.is_old_address_dead = not feed.is_old_address_dead
        else:
            feed.is_moved = feed.is_old_address_dead = False

    async def answer(self) -> None:
        kinds = ("timeout", "truncated", "truncated", "empty", "page", "unchanged", "429", "500", "404", "410")
        self._feed().answers += [self.random.choice(kinds)] * self.random.randint(1, 3)

    async def items(self) -> None:
        self.scene.api.publish(self.random, self.random.randint(1, 5), self.scene.clocks.true, 15 * MINUTE)
        if self.random.random() < 0.3:
            self.scene.api.edit(self.random, self.scene.clocks.true)

    async def burst(self) -> None:
        """Many at once, all in a few seconds or over a quarter of an hour."""
        lag = self.random.choice((0 * SECOND, 3 * SECOND, MINUTE, 15 * MINUTE))
        self.scene.api.publish(self.random, self.random.randint(10, 90), self.scene.clocks.true, lag)

    async def pin(self) -> None:
        api = self.scene.api
        api.pinned = self.random.choice(list(api.items)) if self.random.random() < 0.7 else None

    async def api_answer(self) -> None:
        self.scene.api.answers += [self.random.choice(("timeout", "500", "429", "404"))] * self.random.randint(1, 2)

    async def kill(self) -> None:
        """Within the next few reads, writes and fetches."""
        self.scene.life.left = self.random.randint(1, 14)

    async def trouble(self) -> None:
        kinds = ("down", "down", "down", "lost", "lost", "wait", "refuse", "stop", "broken", "kill", "kill after")
        kind = self.random.choice(kinds)
        more = self.random.choice((1, 1, 2, 4, 12)) if kind in ("down", "lost", "broken") else 1
        quiet = [""] * self.random.randint(0, 4)
        self.scene.boxes[self.random.choice(TOLD)].troubles += [*quiet, *[kind] * more]

    async def wait(self) -> None:
        """mentiond is down, or the world stands still, for a while."""
        self.scene.clocks.true += self.random.choice((HOUR, 6 * HOUR, 2 * DAY, 9 * DAY, 40 * DAY))

    async def clock(self) -> None:
        """mentiond's clock is set, by seconds to days, forward or back."""
        by = self.random.choice((SECOND, 30 * SECOND, MINUTE, HOUR, 5 * HOUR, DAY, 3 * DAY))
        self.scene.clocks.off += self.random.choice((-1, 1)) * by

    async def retain(self) -> None:
        await self.scene.live(self.scene.apply_retention)

    async def enable(self) -> None:
        await self.scene.live(self.scene.enable)

    async def restart(self) -> None:
        await self.scene.restart()

    def _feed(self) -> Feed:
        return self.random.choice(self.scene.feeds)
