"""The reviews of one place on Google: pages by token, no list where there is no review."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aiohttp import web as aio

from tests.servers import Web
from tests.sources.benches.bench import Answer, Bench, Item, json_answer

NAMES = {1: "ONE", 2: "TWO", 3: "THREE", 4: "FOUR", 5: "FIVE"}


def make(web: Web, folder: Path) -> Bench:
    bench = Bench({"type": "googlebusiness", "base_url": web.base}, page=50, has_credentials=True)
    bench.keys |= {"account": "1", "locations": ("22",), "client_id": "c", "client_secret": "s", "refresh_token": "r"}
    bench.strange = (b"[]", b"null", b'{"surprise": 1}', b"[1, 2]")  # {} is a place without reviews
    bench.refusals = {
        401: refusal(401, "UNAUTHENTICATED", "Request had invalid authentication credentials."),
        403: refusal(403, "PERMISSION_DENIED", "The caller does not have permission"),
        404: refusal(404, "NOT_FOUND", "Requested entity was not found."),
        429: refusal(429, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Requests'"),
        503: refusal(503, "UNAVAILABLE", "The service is currently unavailable."),
    }

    async def grant(request: aio.Request) -> aio.Response:
        sent = dict(await request.post())
        assert sent == {"grant_type": "refresh_token", "client_id": "c", "client_secret": "s", "refresh_token": "r"}
        return aio.json_response({"access_token": "ya29.a", "expires_in": 3599, "token_type": "Bearer"})

    async def show(request: aio.Request) -> aio.Response:
        assert request.headers["Authorization"] == "Bearer ya29.a"
        assert (request.query["orderBy"], request.query["pageSize"]) == ("updateTime desc", "50")
        if not bench.items:
            return aio.json_response({})
        start = int(request.query.get("pageToken", "t0").removeprefix("t"))
        answer: dict[str, Any] = {"averageRating": 2, "totalReviewCount": len(bench.items)}
        answer["reviews"] = [review(item) for item in bench.newest_first()[start : start + bench.page]]
        if start + bench.page < len(bench.items):
            answer["nextPageToken"] = f"t{start + bench.page}"
        return aio.json_response(answer)

    web["/token"] = grant
    web["/v4/accounts/1/locations/22/reviews"] = show
    return bench


def review(item: Item, *, stars: int = 2, **more: Any) -> dict[str, Any]:
    """One review."""
    identity = f"AbFvOq{item.number}"
    return {
        "name": f"accounts/1/locations/22/reviews/{identity}",
        "reviewId": identity,
        "reviewer": {"displayName": "Kim"},
        "starRating": NAMES[stars],
        "comment": item.text,
        "createTime": "2020-01-01T00:00:00Z",
        "updateTime": item.at.isoformat().replace("+00:00", "Z"),
    } | more


def refusal(status: int, name: str, message: str, *details: dict[str, Any]) -> Answer:
    """An error in Google's form."""
    return json_answer({"error": {"code": status, "message": message, "status": name, "details": details}}, status)
