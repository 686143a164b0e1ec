"""robots.txt: which rules are ours, how long they are remembered, and what they refuse."""

from __future__ import annotations

import json
import time
from datetime import timedelta

import pytest

from sources.base import BACKOFF_LONG, BACKOFF_SHORT, SourceError
from sources.robots import LONGEST_DELAY, Robots, read_robots
from tests.fakes import START, plain_http
from tests.servers import Web

BOARD = """\
User-agent: Googlebot
Disallow: /

User-agent: *
User-agent: Otherbot
Disallow: /search.php
Disallow: /*sid=
Allow: /search.php?open   # by way of exception
Crawl-delay: 5
Sitemap: https://b.test/sitemap.xml
"""


async def read(web: Web, body: str, status: int = 200) -> Robots:
    web["/robots.txt"] = (status, {}, body.encode())
    async with plain_http() as http:
        return await read_robots(http, web.url("/viewforum.php?f=2"), START)


async def test_the_rules_for_everybody_are_ours(web: Web) -> None:
    robots = await read(web, BOARD)
    assert robots.check(web.url("/viewforum.php?f=2")) == 5
    assert robots.check(web.url("/search.php?open=1")) == 5
    with pytest.raises(SourceError) as caught:
        robots.check(web.url("/search.php?id=newposts"))
    assert str(caught.value) == (
        f"robots.txt of {robots.host} does not allow /search.php?id=newposts to programs (Disallow: /search.php)"
    )
    assert caught.value.backoff_limit == BACKOFF_LONG
    assert not caught.value.permanent
    with pytest.raises(SourceError, match=r"\(Disallow: /\*sid=\)"):
        robots.check(web.url("/viewtopic.php?t=1&sid=0123"))


async def test_rules_for_us_by_name_stand_in_place_of_those_for_everybody(web: Web) -> None:
    robots = await read(web, "user-agent: *\ndisallow: /\n\nUser-Agent: Mentiond\nDisallow: /intern\n")
    assert robots.check(web.url("/")) == 0
    with pytest.raises(SourceError, match="Disallow: /intern"):
        robots.check(web.url("/intern/x"))
    empty = await read(web, "user-agent: *\ndisallow: /\n\nuser-agent: mentiond\nallow: /\n")
    assert empty.check(web.url("/x")) == 0


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_where_there_is_none_everything_is_allowed(web: Web, status: int) -> None:
    assert (await read(web, "User-agent: *\nDisallow: /", status)).check(web.url("/x")) == 0


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_where_it_cannot_be_had_nothing_is(web: Web, status: int) -> None:
    with pytest.raises(SourceError, match=r"robots\.txt") as caught:
        await read(web, "", status)
    assert caught.value.backoff_limit == BACKOFF_SHORT


async def test_it_is_remembered_for_a_day(web: Web) -> None:
    robots = await read(web, BOARD)
    kept = json.loads(json.dumps(robots.to_remember()))
    url = web.url("/x")
    assert Robots.remembered(kept, url, START + timedelta(hours=23)) == robots
    assert Robots.remembered(kept, url, START + timedelta(hours=25)) is None
    assert Robots.remembered(kept, "https://other.test/x", START) is None
    assert Robots.remembered(None, url, START) is None
    assert Robots.remembered([1], url, START) is None


async def test_hostile_ones_are_read_within_bounds(web: Web) -> None:
    many = "User-agent: *\n" + "".join(f"Disallow: /*a{n}*b*c*d\n" for n in range(100_000))
    started = time.process_time()
    robots = await read(web, many)
    assert robots.check(web.url("/" + "a" * 2000)) == 0
    assert time.process_time() - started < 10
    assert robots.to_remember() is None  # too much for a cursor
    for strange in ("\0\xff", "<html>login</html>", ":", "Crawl-delay: nan", "user-agent: *\ncrawl-delay: 1e99"):
        assert (await read(web, strange)).check(web.url("/x")) <= LONGEST_DELAY
