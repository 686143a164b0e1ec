"""`app.bsky.feed.searchPosts` behind a session, as the lexicons describe them; `until` leaves out its own moment."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web as aio

from tests.servers import Web
from tests.sources.benches.bench import Bench, Item, json_answer
from tests.sources.benches.bluesky import DID, record

SESSION = "/xrpc/com.atproto.server.createSession"
REFRESH = "/xrpc/com.atproto.server.refreshSession"
SEARCH = "/xrpc/app.bsky.feed.searchPosts"
LIMITS = {"RateLimit_Limit": "3000", "RateLimit_Remaining": "2999", "RateLimit_Policy": "3000;w=300"}


def make(web: Web, folder: Path) -> Bench:
    bench = Bench({"type": "bluesky_search", "search": ("acme",), "base_url": web.base}, page=100)
    bench.keys |= {"identifier": "mentions.example.com", "password": "abcd-efgh"}
    bench.has_credentials = True
    reset = str(int(datetime(2026, 11, 21, 12, 5, tzinfo=UTC).timestamp()))
    bench.refusals = {
        401: json_answer({"error": "AuthenticationRequired", "message": "Invalid identifier or password"}, 401),
        403: json_answer({"error": "Forbidden", "message": "Forbidden"}, 403),
        429: json_answer(
            {"error": "RateLimitExceeded", "message": "Rate Limit Exceeded"},
            429,
            RateLimit_Remaining="0",
            RateLimit_Reset=reset,
        ),
    }
    web[SESSION] = json_answer(session("first"))

    async def search(request: aio.Request) -> aio.Response:
        if request.headers.get("Authorization") != "Bearer access-first":
            return answer({"error": "AuthMissing", "message": "Authentication Required"}, 401)
        return answer(page_of(bench.newest_first(), request))

    web[SEARCH] = search
    return bench


def session(name: str) -> dict[str, str]:
    """Tokens, and whose they are."""
    return {
        "accessJwt": f"access-{name}",
        "refreshJwt": f"refresh-{name}",
        "handle": "mentions.example.com",
        "did": DID,
    }


def answer(value: Any, status: int = 200) -> aio.Response:
    """JSON with the headers of a limit."""
    _, headers, body = json_answer(value, 200, **LIMITS)
    return aio.Response(status=status, headers=headers, body=body)


def page_of(newest_first: list[Item], request: aio.Request) -> dict[str, Any]:
    """Posts before `until`, with a cursor where there are more."""
    assert json.dumps(sorted(request.query)) in ('["limit", "q", "sort"]', '["limit", "q", "sort", "until"]')
    until = datetime.fromisoformat(request.query.get("until", "9999-01-01T00:00:00Z"))
    ordered = sorted((item for item in newest_first if item.at < until), key=lambda item: item.at, reverse=True)
    shown = ordered[: int(request.query["limit"])]
    page: dict[str, Any] = {"posts": [view(item) for item in shown]}
    return page | {"cursor": str(len(shown))} if len(shown) < len(ordered) else page


def view(item: Item) -> dict[str, Any]:
    """A postView."""
    return {
        "uri": f"at://{DID}/app.bsky.feed.post/r{item.number}",
        "cid": "bafyreie36hv3vh74dqr7zvswes4ascrqfwd7nrr3tytck5ypyd5d2a5dge",
        "author": {"did": DID, "handle": "kim.example.com", "displayName": "Kim"},
        "record": record(item.text, createdAt=item.at.isoformat()),
        "replyCount": 1,
        "repostCount": 2,
        "likeCount": 3,
        "quoteCount": 0,
        "indexedAt": item.at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
    }
