"""JSON APIs: limits in the forms that servers give them, and what they refuse."""

from __future__ import annotations

from datetime import datetime

import pytest

from sources.api import Api, read_limit
from sources.base import BACKOFF_LONG, BACKOFF_SHORT, JSON, Response, SourceError
from tests.fakes import START, FixedClock, plain_http
from tests.servers import Web

SOON = int(START.timestamp()) + 90


@pytest.mark.parametrize(
    ("headers", "remaining", "reset"),
    [
        ({"x-ratelimit-remaining": "12.5", "x-ratelimit-reset": "90"}, 12.5, 90.0),  # Reddit
        ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(SOON)}, 0.0, 90.0),  # X
        ({"x-ratelimit-remaining": "299", "x-ratelimit-reset": "2026-11-21T12:01:30.000Z"}, 299.0, 90.0),  # Mastodon
        ({"ratelimit-remaining": "7", "ratelimit-reset": str(SOON)}, 7.0, 90.0),  # Bluesky
        ({"ratelimit-remaining": "7", "ratelimit-reset": "90"}, 7.0, 90.0),  # Lobsters
        ({"x-ratelimit-reset": "2026-11-21T11:00:00"}, None, 0.0),
        ({"x-ratelimit-remaining": "nan", "x-ratelimit-reset": "soon"}, None, None),
        ({"x-ratelimit-remaining": "-1", "x-ratelimit-reset": "1e400"}, None, None),
        ({}, None, None),
    ],
)
def test_limits_are_read_in_every_form(headers: dict[str, str], remaining: float | None, reset: float | None) -> None:
    limit = read_limit(headers, START)
    assert (limit.remaining, limit.reset) == (remaining, reset)


async def test_the_host_is_left_alone_before_it_has_to_ask(web: Web) -> None:
    web["/a"] = (200, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "30"}, b"{}")
    async with plain_http() as http:
        assert await Api(http, FixedClock()).get(web.url("/a"), {"q": "ä b"}) == {}
        assert http.paused == [(web.url("/a?q=%C3%A4+b"), 30.0)]


@pytest.mark.parametrize(
    ("headers", "seconds"), [({"Retry-After": "7"}, 7.0), ({"X-Rate-Limit-Reset": str(SOON)}, 90.0), ({}, 60.0)]
)
async def test_f15_a_429_pauses_the_host_in_the_server_s_own_form(
    web: Web, headers: dict[str, str], seconds: float
) -> None:
    web["/a"] = (429, headers, b'{"error": {"message": "slow\\ndown"}}')
    async with plain_http() as http:
        with pytest.raises(SourceError, match="slow down") as caught:
            await Api(http, FixedClock()).get(web.url("/a"))
        assert (caught.value.retry_after, caught.value.backoff_limit) == (seconds, BACKOFF_SHORT)
        assert http.paused == [(web.url("/a"), seconds)]


@pytest.mark.parametrize("has_credentials", [True, False])
async def test_refused_credentials_switch_the_source_off(web: Web, has_credentials: bool) -> None:
    web["/a"] = (401, {}, b'{"errors": [{"message": "token expired"}]}')
    async with plain_http() as http:
        with pytest.raises(SourceError, match="token expired") as caught:
            await Api(http, FixedClock(), has_credentials=has_credentials).post(web.url("/a"), b"{}")
    assert caught.value.permanent == has_credentials
    assert caught.value.backoff_limit == BACKOFF_LONG


async def test_a_refusal_in_a_form_of_its_own(web: Web) -> None:
    def read(response: Response, said: JSON, now: datetime) -> SourceError | None:
        return SourceError(f"quota: {said}", retry_after=300) if response.status == 403 else None

    web["/a"] = (403, {}, b'"used up"')
    async with plain_http() as http:
        with pytest.raises(SourceError, match="quota: used up"):
            await Api(http, FixedClock(), refusal=read).get(web.url("/a"))
        assert http.paused == [(web.url("/a"), 300)]


@pytest.mark.parametrize("body", [b"", b"<html>no</html>", b"[" * 100_000, b"\xff"])
async def test_what_is_no_json_says_how_it_begins(web: Web, body: bytes) -> None:
    web["/a"] = (200, {}, body)
    async with plain_http() as http:
        with pytest.raises(SourceError, match="is empty" if not body else "no JSON"):
            await Api(http, FixedClock()).get(web.url("/a"))


async def test_no_secret_of_the_address_stands_in_an_error(web: Web) -> None:
    web["/a"] = (500, {}, b"")
    async with plain_http() as http:
        with pytest.raises(SourceError) as caught:
            await Api(http, FixedClock()).get(web.url("/a"), {"key": "secret"})
    assert "secret" not in str(caught.value)
