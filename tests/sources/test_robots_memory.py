"""robots.txt of many hosts, kept in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from sources.base import HttpError
from sources.robots import HOSTS, RobotsMemory
from tests.fakes import FailingHttp, FixedClock, PlainHttp, plain_http
from tests.servers import Web, serve_web


@pytest.fixture
async def http() -> AsyncIterator[PlainHttp]:
    async with plain_http() as made:
        yield made


def says(web: Web, text: str, status: int = 200) -> None:
    web["/robots.txt"] = (status, {}, text.encode())


async def test_each_host_has_rules_of_its_own(web: Web, http: PlainHttp) -> None:
    says(web, "User-agent: *\nDisallow: /private")
    robots = RobotsMemory(http, FixedClock())
    async with serve_web() as other:
        says(other, "User-agent: mentiond\nDisallow: /")
        assert await robots.allows(web.url("/news/1"))
        assert not await robots.allows(web.url("/private/1"))
        assert not await robots.allows(other.url("/news/1"))
        assert [request.path for request in other.requests] == ["/robots.txt"]
    assert [request.path for request in web.requests] == ["/robots.txt"]


@pytest.mark.parametrize(("status", "allowed"), [(404, True), (403, True), (429, False), (500, False), (503, False)])
async def test_without_rules(web: Web, http: PlainHttp, status: int, allowed: bool) -> None:
    says(web, "User-agent: *\nDisallow: /", status)
    assert await RobotsMemory(http, FixedClock()).allows(web.url("/x")) is allowed


async def test_a_host_that_does_not_answer_allows_nothing() -> None:
    assert not await RobotsMemory(FailingHttp(HttpError("no route")), FixedClock()).allows("https://a.test/x")


async def test_a_host_is_asked_once_a_day(web: Web, http: PlainHttp) -> None:
    clock = FixedClock()
    robots = RobotsMemory(http, clock)
    says(web, "")
    assert await robots.allows(web.url("/x"))
    says(web, "User-agent: *\nDisallow: /")
    clock.advance(timedelta(hours=23))
    assert await robots.allows(web.url("/x"))
    clock.advance(timedelta(hours=2))
    assert not await robots.allows(web.url("/x"))
    assert len(web.requests) == 2


async def test_a_failure_is_forgotten_after_an_hour(web: Web, http: PlainHttp) -> None:
    clock = FixedClock()
    robots = RobotsMemory(http, clock)
    says(web, "", 500)
    assert not await robots.allows(web.url("/x"))
    says(web, "")
    assert not await robots.allows(web.url("/x"))
    clock.advance(timedelta(hours=1))
    assert await robots.allows(web.url("/x"))


async def test_only_so_many_hosts_are_kept(web: Web, http: PlainHttp) -> None:
    says(web, "")
    robots = RobotsMemory(http, FixedClock())
    assert await robots.allows(web.url("/x"))
    for number in range(HOSTS):
        await robots.allows(f"http://127.0.0.1:{number + 1}/x")  # nobody listens there
    says(web, "User-agent: *\nDisallow: /")
    assert not await robots.allows(web.url("/x"))  # asked again: it was forgotten
