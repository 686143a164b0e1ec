"""kill -9 while groups and storms are opened, joined, flushed and sent: every mention in one of them, each once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp.web import Request, Response

from tests.crash.entry import POINTS
from tests.crash.scene import CONFIG, open_scene

Mention = tuple[str, str]

GROUPED = ("receiver: hook}}", "receiver: hook, group_by: [watchlist], group_interval: 1s}}")
STORMY = ("type: webhook,", 'type: webhook, storm: "2/1s",')
SOON = ("receiver: none", "receiver: none\n  group_wait: 1s")


@pytest.mark.parametrize("change", [GROUPED, STORMY], ids=["groups", "storms"])
async def test_killed_at_any_point_every_mention_is_told_in_one_message(
    store_url: str, tmp_path: Path, say: Callable[[str], None], change: tuple[str, str]
) -> None:
    told: list[tuple[str, frozenset[Mention]]] = []

    async def take(request: Request) -> Response:
        alert = json.loads(await request.read())
        members = [(one["post"]["external_id"], one["watchlist"]) for one in alert["mentions"]]
        assert len(members) == alert["count"]
        told.append((alert["key"], frozenset(members)))
        return Response(status=204)

    async with open_scene(tmp_path, store_url) as scene:
        scene.web["/hook"] = take
        scene.config = CONFIG.replace(*SOON).replace(*change)
        scene.arrived = lambda: {mention for _, members in told for mention in members}
        for point in POINTS:
            scene.plant(entries=9, items=0, matching=0)
            await scene.run_until_killed(point, count=1)
        await scene.run_until_drained()
    messages = dict(told)
    assert set(messages.items()) == set(told)  # a resend has the members of the first attempt
    places = Counter(mention for members in messages.values() for mention in members)
    say(f"{store_url.split(':')[0]}: {len(POINTS)} kills, {len(places)} mentions in {len(messages)} messages")
    assert places == Counter(scene.planted)
    assert len(told) - len(messages) <= len(POINTS)
    assert any(len(members) > 1 for members in messages.values())
