"""`/api/v1/timelines/tag/TAG` of an instance. Statuses have the shape of those that Mastodon 4.5 really sent
(halcy/Mastodon.py, tests/cassettes/test_hashtag_tl.yaml), with other words; ids follow the time of a status, as there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web as aio

from tests.servers import Web
from tests.sources.benches.bench import Bench, Item, json_answer

URL = "https://mastodon.test"
LIMITS = {"X-RateLimit-Limit": "300", "X-RateLimit-Remaining": "299"}
OPEN = {"local": "public", "remote": "public"}


def make(web: Web, folder: Path) -> Bench:
    bench = Bench({"type": "mastodon", "hashtags": ("#Acme",), "base_url": web.base}, page=40)
    bench.keys["instances"] = ({"url": URL, "token": "t"},)
    bench.strange = (b"{}", b"null", b'{"surprise": 1}', b"[1, 2]", b'[{"id": "1"}]')
    bench.has_credentials = True
    bench.refusals = {
        401: json_answer({"error": "The access token is invalid"}, 401),
        403: json_answer({"error": "This action is not allowed"}, 403),
        404: json_answer({"error": "Record not found"}, 404),
        429: json_answer(
            {"error": "Too many requests"},
            429,
            X_RateLimit_Limit="300",
            X_RateLimit_Remaining="0",
            X_RateLimit_Reset=datetime(2026, 11, 21, 12, 4, 30, tzinfo=UTC).isoformat(),
        ),
    }

    async def timeline(request: aio.Request) -> aio.Response:
        return answer(page_of([status(item) for item in bench.items], request))

    web["/api/v1/timelines/tag/acme"] = timeline
    web["/api/v2/instance"] = json_answer(instance(OPEN))
    return bench


def instance(access: dict[str, str]) -> dict[str, Any]:
    """What an instance says of itself."""
    return {"domain": "mastodon.test", "configuration": {"timelines_access": {"hashtag_feeds": access}}}


def answer(value: Any) -> aio.Response:
    """JSON with the headers of a limit."""
    status, headers, body = json_answer(value)
    return aio.Response(status=status, headers=headers | LIMITS, body=body)


def page_of(statuses: Sequence[dict[str, Any]], request: aio.Request) -> list[dict[str, Any]]:
    """The newest first, as Mastodon pages them."""
    query, limit = request.query, min(int(request.query.get("limit", 20)), 40)
    ordered = sorted(statuses, key=_order)
    if "max_id" in query:
        ordered = [one for one in ordered if _order(one) < (len(query["max_id"]), query["max_id"])]
    if "min_id" in query:
        ordered = [one for one in ordered if _order(one) > (len(query["min_id"]), query["min_id"])][:limit]
    return ordered[::-1][:limit]


def _order(one: dict[str, Any]) -> tuple[int, str]:
    return len(one["id"]), one["id"]


def status(item: Item, **changes: Any) -> dict[str, Any]:
    """A status of a local account."""
    number = str((int(item.at.timestamp() * 1000) << 16) + item.number)
    account = {"id": "117020566092212359", "username": "kim", "acct": "kim", "followers_count": 37}
    made: dict[str, Any] = {
        "id": number,
        "created_at": item.at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
        "in_reply_to_id": None,
        "spoiler_text": "",
        "visibility": "public",
        "language": "en",
        "uri": f"{URL}/ap/users/117020566092212359/statuses/{item.number}",
        "url": f"{URL}/@kim/{item.number}",
        "replies_count": 1,
        "reblogs_count": 2,
        "favourites_count": 3,
        "quotes_count": 0,
        "edited_at": None,
        "content": f"<p>{item.text}</p>",
        "reblog": None,
        "account": account,
        "media_attachments": [],
        "card": None,
    }
    return made | changes
