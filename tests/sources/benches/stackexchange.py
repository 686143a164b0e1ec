"""`/2.3/questions`: by creation date, upwards, from `fromdate` on; errors are HTTP 400 with a number in the body."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aiohttp import web as aio

from tests.servers import Web
from tests.sources.benches.bench import Answer, Bench, Item, json_answer


def make(web: Web, folder: Path) -> Bench:
    keys = {"type": "stackexchange", "sites": ["superuser"], "read": ["questions"], "key": "k", "base_url": web.base}
    bench = Bench(keys, page=100)
    bench.has_credentials = True
    bench.refusals = {
        401: error(400, "bad_parameter", "`key` doesn't match a known application"),
        403: error(403, "access_denied", "not for you"),
        404: error(404, "no_method", "no method found with this name"),
        429: error(502, "throttle_violation", "too many requests from this IP, more requests available in 40 seconds"),
        500: error(500, "internal_error", "an error occurred", 500),
        503: error(503, "temporarily_unavailable", "try again later", 503),
    }

    async def show(request: aio.Request) -> aio.Response:
        query, size = request.query, int(request.query["pagesize"])
        found = sorted(bench.items, key=lambda item: item.at, reverse=query["order"] == "desc")
        found = [item for item in found if item.at.timestamp() >= int(query.get("fromdate", 0))]
        first = size * (int(query["page"]) - 1)
        answer = {
            "items": [question(item) for item in found[first : first + size]],
            "has_more": len(found) > first + size,
            "quota_max": 10000,
            "quota_remaining": 9870,
        }
        status, headers, body = json_answer(answer)
        return aio.Response(status=status, headers=headers, body=body)

    web["/2.3/questions"] = show
    return bench


def error(number: int, name: str, message: str, status: int = 400) -> Answer:
    return json_answer({"error_id": number, "error_name": name, "error_message": message}, status)


def question(item: Item) -> dict[str, Any]:
    return {
        "tags": ["acme"],
        "owner": {"display_name": "Kim", "reputation": 1, "user_type": "registered"},
        "score": 2,
        "answer_count": 1,
        "creation_date": int(item.at.timestamp()),
        "question_id": item.number,
        "link": f"https://superuser.com/questions/{item.number}/a-title",
        "title": "A title",
        "body": f"<p>{item.text}</p>",
    }
