"""Nothing is lost between two polls, by `run --once` repeated against an API that shows 1,000 items at a time."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp.web import Request, Response, json_response

from tests.acceptance.running import CONSOLE, Feed, Installation, configuration, feed_source, ids, item
from tests.servers import Web

WINDOW = 1000
MATCHING = 25
OVERLAP = 15 * 60  # seconds that the source reads again


@dataclass(slots=True)
class Search:
    """Hacker News as Algolia serves it: newest first, 1,000 at the most, bounds by created_at_i, a pinned item on top.

    With `swap` neighbours change places, so that no answer is quite in order.
    """

    created: dict[str, int] = field(default_factory=dict)  # objectID -> seconds since 1970
    pinned: str | None = None
    swap: bool = False
    answers: int = 0

    def add(self, name: str, created: int) -> str:
        self.created[name] = created
        return name

    def fill(self, count: int, created: Callable[[int], int]) -> list[str]:
        """Add `count` items and return those that match, one of MATCHING."""
        names = [f"{'other' if number % MATCHING else 'acme'}-{number}" for number in range(count)]
        added = [self.add(name, created(number)) for number, name in enumerate(names)]
        return [name for name in added if name.startswith("acme")]

    async def __call__(self, request: Request) -> Response:
        self.answers += 1
        filters = request.query.get("numericFilters", "")
        above = max(int(bound) for bound in re.findall(r"created_at_i>(\d+)", filters))
        below = min((int(bound) for bound in re.findall(r"created_at_i<(\d+)", filters)), default=2**40)
        inside = [name for name, created in self.created.items() if above < created < below]
        newest = sorted(inside, key=self.created.__getitem__, reverse=True)[:WINDOW]
        if self.swap:
            newest = [name for pair in zip(newest[1::2], newest[::2], strict=False) for name in pair]
        shown = ([self.pinned] if self.pinned else []) + [name for name in newest if name != self.pinned]
        return json_response({"hits": [self._hit(name) for name in shown[:WINDOW]], "hitsPerPage": WINDOW})

    def _hit(self, name: str) -> dict[str, Any]:
        text = "nothing to see" if name.startswith("other") else f"My Acme is broken ({name})"
        created = self.created[name]
        return {"objectID": name, "author": "someone", "comment_text": text, "created_at_i": created} | {
            "created_at": f"{datetime.fromtimestamp(created, UTC):%Y-%m-%dT%H:%M:%SZ}",
            "_tags": ["comment"],
        }


@pytest.fixture
def search(web: Web) -> Search:
    web["/api/v1/search_by_date"] = served = Search()
    return served


@pytest.fixture
async def polled(installed: Installation, web: Web, search: Search) -> Installation:
    """Has finished one pass, so that every test is between two polls."""
    source = {"name": "hn", "type": "hackernews", "base_url": web.base, "backlog": "1h"}
    installed.write(configuration([source], [CONSOLE]))
    search.add("other-first", int(time.time()) - 5)
    assert (await installed.once()).code == 0
    return installed


async def _arrived(polled: Installation) -> Counter[str]:
    ended = await polled.once()
    assert ended.code == 0, ended.err
    return Counter(ids(ended.lines))


async def _gaps(installed: Installation) -> int:
    [source] = await installed.listing("sources")
    return int(source["gaps"])


async def test_five_thousand_new_items_between_two_polls(polled: Installation, search: Search) -> None:
    now = int(time.time())
    wanted = search.fill(5000, lambda number: now - number // 7)
    assert await _arrived(polled) == Counter(wanted)
    assert search.answers > 5
    assert await _gaps(polled) == 0
    assert await _arrived(polled) == Counter()


async def test_items_dated_back_by_less_than_the_overlap(polled: Installation, search: Search) -> None:
    now = int(time.time())
    assert await _arrived(polled) == Counter()
    dated = [search.add(f"acme-{age}", now - age) for age in (1, 60, OVERLAP // 2, OVERLAP - 60)]
    assert await _arrived(polled) == Counter(dated)
    late = search.add("acme-late", now - OVERLAP + 90)
    assert await _arrived(polled) == Counter([late])


async def test_999_items_in_one_second(polled: Installation, search: Search) -> None:
    now = int(time.time())
    wanted = search.fill(999, lambda number: now - 20)
    wanted += [search.add(f"acme-before-{number}", now - 30 - number) for number in range(30)]
    wanted += [search.add(f"acme-after-{number}", now - number // 2) for number in range(30)]
    assert await _arrived(polled) == Counter(wanted)
    assert await _gaps(polled) == 0


async def test_1500_items_in_one_second_are_a_gap_that_is_shown(polled: Installation, search: Search) -> None:
    now = int(time.time())
    search.fill(1500, lambda number: now - 20)
    around = [search.add(f"acme-before-{number}", now - 21 - number) for number in range(30)]
    around += [search.add(f"acme-after-{number}", now - number // 2) for number in range(30)]
    arrived = await _arrived(polled)
    assert set(around) <= set(arrived)
    assert sum(arrived.values()) == len(arrived) >= WINDOW // MATCHING + len(around)
    assert await _gaps(polled) == 1
    shown = await polled.mentiond("sources", "-c", polled.config)
    assert "more items of" in shown.out


async def test_items_out_of_order(polled: Installation, search: Search) -> None:
    now = int(time.time())
    search.swap = True
    wanted = search.fill(3000, lambda number: now - number // 5)
    assert await _arrived(polled) == Counter(wanted)
    assert await _arrived(polled) == Counter()


async def test_an_item_pinned_on_top(polled: Installation, search: Search) -> None:
    now = int(time.time())
    search.pinned = search.add("other-pinned", now - 40 * 86_400)
    wanted = search.fill(2500, lambda number: now - number // 5)
    assert await _arrived(polled) == Counter(wanted)
    newer = search.add("acme-newer", int(time.time()))
    assert await _arrived(polled) == Counter([newer])
    assert await _gaps(polled) == 0


async def test_a_feed_whose_window_slid_past_entries_raises_a_gap(
    installed: Installation, web: Web, feed: Feed
) -> None:
    installed.write(configuration([feed_source(web)], [CONSOLE]))
    feed.window = 20
    feed.items = [item(number, "My Acme is broken") for number in range(20)]
    assert len((await installed.once()).lines) == 20
    feed.items += [item(number, "My Acme is broken") for number in range(20, 30)]
    assert len((await installed.once()).lines) == 10
    assert await _gaps(installed) == 0
    feed.items += [item(number, "My Acme is broken") for number in range(30, 80)]
    assert len((await installed.once()).lines) == 20
    assert await _gaps(installed) == 1
